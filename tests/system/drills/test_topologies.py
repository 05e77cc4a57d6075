"""The same build works on a Redis Cluster and behind Sentinel: one round of every operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scripts.dev_server.child import Child, wait_until
from scripts.dev_server.stores import free_port, port_answers
from services.stores.connections import connect_mongo, connect_redis
from tests.servers import MongoServer, RedisServer
from tests.system.drills.installation import CONFIRM_WINDOW_MS, SOON, Answer, LocalApi
from tests.world import PATIENT, World, rfc3339, services_over, tomorrow


class ClusterServer(RedisServer):
    """A Redis Cluster of one node, which has every hash slot."""

    def start(self) -> ClusterServer:
        super().start()
        with self.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            assert wait_until(lambda: client.cluster("info")["cluster_state"] == "ok", seconds=SOON)
        return self

    @property
    def url(self) -> str:
        return super().url.removesuffix("/0")

    def _argv(self) -> list[str]:
        # Without a port of its own the cluster bus takes the port 10,000 above, which may not exist.
        bus = ["--cluster-port", str(free_port())]
        return [*super()._argv(), "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", *bus]


@contextmanager
def cluster() -> Iterator[str]:
    with ClusterServer() as server:
        yield f"redis+cluster://127.0.0.1:{server.port}"


@contextmanager
def sentinel() -> Iterator[str]:
    with RedisServer() as server:
        port, config = free_port(), server.folder / "sentinel.conf"
        config.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 {server.port} 1\n")
        child = Child("sentinel", [server.binary, str(config), "--sentinel"], server.folder / "sentinel.log")
        child.start()
        try:
            assert wait_until(lambda: port_answers(port), seconds=SOON), child.log_tail()
            yield f"redis+sentinel://127.0.0.1:{port}/mymaster"
        finally:
            child.kill()


@pytest.fixture(params=[cluster, sentinel], ids=["cluster", "sentinel"])
def world(request: pytest.FixtureRequest, stores: tuple[RedisServer, MongoServer]) -> Iterator[World]:
    _, mongo = stores
    with request.param() as url:
        client, db = connect_redis(url, PATIENT), connect_mongo(mongo.url, f"drill_{request.node.callspec.id}", PATIENT)
        made = World(services_over(client, db, confirm_window_ms=CONFIRM_WINDOW_MS), warm=False)
        yield made
        made.services.access.close()
        client.close()
        db.client.drop_database(db.name)
        db.client.close()


def test_holds_bookings_cancellations_and_rebuilds_work_as_on_one_redis(world: World) -> None:
    api = LocalApi(world.services)
    slot = {"property_id": "prop-1", "start": rfc3339(tomorrow()), "technician_id": "tech-1"}
    day = f"/availability?property_id=prop-1&from={slot['start'][:10]}"
    relay = world.services.relay

    def ask(method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return api.ask(method, path, world.keys["desk"], body, **headers)

    def state() -> str:
        [found] = [each for each in ask("GET", day).body["slots"] if each["start"] == slot["start"]]
        return str(found["state"])

    assert ask("POST", "/hold", slot).status == 201  # cold: checked in MongoDB
    relay.tend()
    relay.carry_over_changes()
    assert (state(), ask("GET", "/readyz").status) == ("held", 200)
    later = slot | {"start": rfc3339(tomorrow(14))}
    hold = ask("POST", "/hold", later | {"holder": "somebody"}, Idempotency_Key="one")
    again = ask("POST", "/hold", later | {"holder": "somebody"}, Idempotency_Key="one")
    assert (again.status, again.body["hold_id"]) == (201, hold.body["hold_id"])
    assert ask("POST", f"/hold/{hold.body['hold_id']}/extend", {"ttl_seconds": 400}).status == 200
    booked = ask("POST", "/book", {"hold_id": hold.body["hold_id"], "customer": {"name": "Alice"}})
    assert booked.status == 201, booked.body
    anyone = {"property_id": "prop-2", "start": slot["start"]}
    direct = ask("POST", "/book", anyone | {"customer": {"name": "Bob"}})
    assert direct.status == 201, direct.body
    for attempt in ("first", "again"):
        path = f"/bookings/{booked.body['booking_id']}/cancel"
        assert ask("POST", path, {}, Idempotency_Key="cancel").status == 200, attempt
    fallen_back = ask("POST", "/hold", slot | {"fallback": "next_available"})
    assert (fallen_back.status, fallen_back.body["fallback_used"]) == (201, True)
    assert ask("DELETE", f"/hold/{fallen_back.body['hold_id']}").status == 204
    relay.carry_over_changes()
    world.services.redis.flushall()
    taken = ask("POST", "/hold", anyone | {"technician_id": direct.body["technician_id"]})
    assert taken.status_and_code == (409, "slot_booked")
    relay.tend()
    assert (state(), world.double_booked()) == ("free", [])
    assert world.services.redis.get(world.names.epoch) is not None
