"""How many streams there may be, who may have one, and what becomes of a client that does not read."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from api.server.response import SEND_SECONDS
from models.access import Role
from scripts.dev_server.child import wait_until
from tests.api.browser import Browser, person
from tests.system.doors.gunicorn import HOST, Line, gunicorn
from tests.system.drills.installation import Installation
from tests.system.live.listening import Listener, Listening
from tests.world import rfc3339, tomorrow

NEIGHBOUR = "127.0.0.9"


def test_an_address_has_twenty_streams_with_the_publishable_key(live: Listening) -> None:
    query = "?property_id=prop-1"
    open_ones = [live.listen(query, "checkout", source=NEIGHBOUR) for _ in range(20)]
    assert {stream.status for stream in open_ones} == {200}
    refused = live.listen(query, "checkout", source=NEIGHBOUR)
    assert (refused.status, refused.problem()["code"], refused.headers["retry-after"]) == (429, "rate_limited", "15")
    assert live.listen(query, "checkout", source="127.0.0.10").status == 200
    assert live.listen(query, "desk", source=NEIGHBOUR).status == 200
    open_ones[0].close()
    assert wait_until(lambda: live.listen(query, "checkout", source=NEIGHBOUR).status == 200, seconds=30)


def test_the_count_of_an_address_ends_with_the_server_that_died(lonely: Listening) -> None:
    lonely.listen("?property_id=prop-1", "checkout").next()
    redis = lonely.world.services.redis
    (seats,) = redis.scan_iter(f"{lonely.world.names.prefix}watching:*")
    lonely.server.child.kill()
    assert 0 < redis.pttl(seats) <= 40_000


def test_a_full_server_refuses_further_streams(installation: Installation, tmp_path: Path) -> None:
    with gunicorn(installation, tmp_path, HOLDFAST_LIVE_STREAMS="2") as server:
        full = Listening(installation, server)
        first, second, third = full.listen(), full.listen(), full.listen()
        assert (first.status, second.status, third.status) == (200, 200, 503)
        assert (third.problem()["code"], third.headers["retry-after"]) == ("store_unavailable", "15")
        first.close()
        assert wait_until(lambda: full.listen().status == 200, seconds=30)
        full.close()


@pytest.mark.parametrize(
    ("query", "role", "status"),
    [
        ("", "checkout", 403),
        ("", "bot", 403),
        ("", "admin", 200),
        ("?technician_id=tech-1", "checkout", 403),
        ("?technician_id=tech-1", "bot", 200),
        ("?technician_id=tech-9", "desk", 404),
        ("?property_id=prop-9", "checkout", 404),
        ("?property_id=prop-1&technician_id=tech-1", "desk", 400),
        ("?property_id=prop-1&key=x", "desk", 400),
    ],
)
def test_who_may_watch_what(live: Listening, query: str, role: str, status: int) -> None:
    assert live.listen(query, role).status == status


def test_a_manage_token_watches_the_property_of_its_visit_until_the_visit_changes(live: Listening) -> None:
    client, auth = live.world.client(), live.world.auth("bot")
    slot = {"property_id": "prop-2", "technician_id": "tech-2", "start": rfc3339(tomorrow(9))}
    made = client.post("/book", json=slot | {"customer": {"name": "Alice"}}, headers=auth).get_json()
    token = made["manage_token"]
    assert live.listen("?property_id=prop-1", key=token).status == 403
    assert live.listen("?technician_id=tech-2", key=token).status == 403
    assert live.listen(key=token).status == 403
    stream = live.listen("?property_id=prop-2", key=token)
    client.post(f"/bookings/{made['booking_id']}/manage-token", headers=live.world.auth("desk"))
    assert [event.kind for event in stream.until("bye")] == ["hello", "change", "bye"]
    assert live.listen("?property_id=prop-2", key=token).status == 401


def test_a_head_request_opens_no_stream(live: Listening) -> None:
    line = Line(live.server.port)
    auth = f"Authorization: Bearer {live.world.keys['desk']}"
    line.send(f"HEAD /events HTTP/1.1\r\nHost: {HOST}\r\n{auth}\r\n\r\n".encode())
    assert line.receive().headers["content-type"] == "text/event-stream; charset=utf-8"
    line.close()


def flood(live: Listening, count: int) -> None:
    """Events as a hold has them, so many that no buffer takes them."""
    fields = {"kind": "hold", "id": "h", "property_id": "prop-1", "technician_ids": "tech-1"}
    fields |= {
        "start": "2000000",
        "end": "2000004",
        "leaves": "2000000",
        "returns": "2000004",
        "state": "held",
        "expires_ms": "",
        "source": "api",
    }
    pipeline = live.world.services.redis.pipeline(transaction=False)
    for number in range(count):
        pipeline.xadd(live.world.names.events, {**fields, "id": f"h{number}"})
    pipeline.execute()


def test_a_client_that_does_not_read_is_reset_and_no_other_waits_for_it(live: Listening) -> None:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.settimeout(20)
    sock.connect((HOST, live.server.port))
    slow = Listener(Line(live.server.port, over=sock), "", live.world.keys["desk"])
    slow.next()
    quick = live.listen()
    quick.next()
    for _ in range(8):
        flood(live, 500)
        assert len([quick.next() for _ in range(500)]) == 500
    began = time.monotonic()
    live.hold()
    assert quick.next().data["ref"]
    assert time.monotonic() - began < SEND_SECONDS / 2
    seen = slow.until("reset")
    assert len(seen) < 4_000
    after = live.hold()
    held = next(event for event in iter(slow.next, None) if event.data.get("ref") == after.ref)
    assert held.kind == "hold"
    slow.close()


def test_the_stream_of_a_person_who_signed_in_ends_with_the_session(live: Listening) -> None:
    browser = Browser(live.world)
    wanted = person(live.world)
    live.world.client().post("/users", json=wanted, headers=live.world.auth("admin"))
    assert browser.sign_in(wanted["email"]).status_code == 201
    stream = live.listen(cookie=browser.cookie)
    made = live.world.services.access.create_key(live.world.org, Role.DESK)
    assert wait_until(lambda: live.listen(key=made.key).status == 200, seconds=30)
    other = live.listen(key=made.key)
    live.world.services.access.revoke_key(live.world.org, made.key_id)
    assert other.until("bye"), "all keys and sessions have been looked at"
    live.hold()
    assert [event.kind for event in stream.until("hold")] == ["hello", "hold"]
    browser.call("DELETE", "/session")
    assert stream.until("bye")
