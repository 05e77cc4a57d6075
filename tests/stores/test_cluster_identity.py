"""Every primary of a Redis Cluster counts for its identity, and none is left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from redis import Redis

from scripts.dev_server.child import wait_until
from scripts.dev_server.stores import free_port
from services.stores.connections import connect_redis
from services.stores.faults import RedisUnavailable
from services.stores.redis_server import RedisInfo
from tests.servers import RedisServer

SOON = 30
SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))


class Primary(RedisServer):
    """One primary of a Cluster."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = free_port()

    def _argv(self) -> list[str]:
        bus = ["--cluster-port", str(self.bus), "--cluster-node-timeout", "3000"]
        return [*super()._argv(), "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", *bus]

    def joins(self, first: Primary, slots: tuple[int, int]) -> None:
        with self.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", *slots)
            client.execute_command("CLUSTER MEET", "127.0.0.1", first.port, first.bus)

    def sees_all(self) -> bool:
        with self.client() as client:
            info = client.cluster("info")
            return (info["cluster_state"], info["cluster_size"]) == ("ok", str(len(SLOTS)))

    @property
    def url(self) -> str:
        return super().url.removesuffix("/0")


@pytest.fixture
def primaries() -> Iterator[list[Primary]]:
    with ExitStack() as running:
        nodes = [running.enter_context(Primary()) for _ in SLOTS]
        for node, slots in zip(nodes, SLOTS, strict=True):
            node.joins(nodes[0], slots)
        assert wait_until(lambda: all(node.sees_all() for node in nodes), seconds=SOON)
        yield nodes


@pytest.fixture
def client(primaries: list[Primary]) -> Iterator[Redis]:
    made = connect_redis(f"redis+cluster://127.0.0.1:{primaries[0].port}")
    yield made
    made.close()


def test_the_identity_of_a_cluster_is_another_one_after_one_of_its_primaries_restarted(
    primaries: list[Primary], client: Redis
) -> None:
    before = RedisInfo(client).identity()
    assert RedisInfo(client).identity() == before
    primaries[2].restart()
    assert wait_until(lambda: all(node.sees_all() for node in primaries), seconds=SOON)
    assert wait_until(lambda: identity_or_none(client) not in (None, before), seconds=SOON)
    after = RedisInfo(client).identity()
    fresh = connect_redis(f"redis+cluster://127.0.0.1:{primaries[1].port}")
    assert RedisInfo(fresh).identity() == after
    fresh.close()


def test_a_cluster_has_no_identity_while_a_primary_is_away_or_unknown(primaries: list[Primary], client: Redis) -> None:
    before = RedisInfo(client).identity()
    cluster = client.nodes_manager  # type: ignore[attr-defined]  # a RedisCluster
    unknown = next(name for name in cluster.nodes_cache if name.endswith(f":{primaries[2].port}"))
    del cluster.nodes_cache[unknown]
    with pytest.raises(RedisUnavailable):
        RedisInfo(client).identity()
    assert RedisInfo(client).identity() == before  # it has asked for the nodes again
    primaries[2].freeze()
    with pytest.raises(RedisUnavailable):
        RedisInfo(client).identity()


def identity_or_none(client: Redis) -> str | None:
    try:
        return RedisInfo(client).identity()
    except RedisUnavailable:
        return None
