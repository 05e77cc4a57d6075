"""More requests than a worker can serve: each waits for a second at most, then gets 503 on an open connection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from time import monotonic

import pytest
from pydantic_core import to_json

from api.http.turns import INSIDE
from scripts.dev_server.child import wait_until
from tests.system.doors.gunicorn import Gunicorn, Line, get, gunicorn, post
from tests.system.drills.installation import SOON, Installation
from tests.world import World, rfc3339, tomorrow

pytestmark = pytest.mark.real_timeouts

CROWD = INSIDE + 60
LONG = 30.0
"""The longest that a reply may take on a machine that is busy with other tests."""


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Gunicorn]:
    with gunicorn(installation, installation.folder) as made:
        assert wait_until(lambda: made.exchange(hold(made.world, -1)).status == 201, seconds=SOON)
        yield made


def hold(world: World, number: int) -> bytes:
    """A hold request. Each number has its own slot."""
    slot = {
        "property_id": "prop-1",
        "technician_id": "tech-1",
        "start": rfc3339(tomorrow(1) + number * timedelta(minutes=15)),
        "duration_minutes": 15,
    }
    fields = (f"Authorization: Bearer {world.keys['desk']}", "Origin: https://shop.example")
    return post("/hold", to_json(slot), *fields)


def is_served(line: Line, request: bytes) -> bool:
    """Whether the hold was granted, or an earlier attempt without an answer in time."""
    line.send(request)
    return line.receive(LONG).status in (200, 201, 409)


def turned_away(server: Gunicorn) -> int:
    """The number of requests that the worker refused as overloaded."""
    found = [line for line in server.metrics().splitlines() if line.startswith("holdfast_unserved_total")]
    return sum(int(float(line.split()[-1])) for line in found if 'kind="overloaded"' in line)


def test_a_crowd_behind_a_store_that_hangs_is_refused_in_time_and_served_once_it_answers(
    installation: Installation, server: Gunicorn
) -> None:
    lines: list[Line] = [server.line() for _ in range(CROWD)]
    before = turned_away(server)
    installation.redis.freeze()
    try:
        began = monotonic()
        for number, line in enumerate(lines):
            line.send(hold(server.world, number))
        assert server.is_healthy()
        replies = [line.receive(LONG) for line in lines]
        assert monotonic() - began < LONG
    finally:
        installation.redis.thaw()
    assert {reply.status for reply in replies} == {503}
    assert {reply.problem["code"] for reply in replies} == {"store_unavailable"}
    assert {int(reply.headers["retry-after"]) >= 1 for reply in replies} == {True}
    assert {reply.headers["access-control-allow-origin"] for reply in replies} == {"*"}
    assert wait_until(lambda: 0 < turned_away(server) - before < CROWD, seconds=SOON)

    for number, line in enumerate(lines, CROWD):
        assert wait_until(partial(is_served, line, hold(server.world, number)), seconds=SOON), (
            "the connection of a request that was turned away stays open"
        )


def test_requests_with_slow_bodies_do_not_block_others(server: Gunicorn) -> None:
    """Each slow request shows a known key, so the server waits for its body. Other requests must not wait for it."""
    slow = [server.line() for _ in range(CROWD)]
    whole = hold(server.world, 3 * CROWD)
    for line in slow:
        line.send(whole[:-1])
    try:
        assert server.exchange(whole).status == 201
        assert server.exchange(get("/policy", f"Authorization: Bearer {server.world.keys['admin']}")).status == 200
    finally:
        for line in slow:
            line.close()
