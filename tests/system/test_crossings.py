"""How often a request crosses from one file of the product to another: the fewer, the easier its way is to follow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import api
import models
import services
from services import crash_points
from tests.api.town import ALICES_BROWSER, Town
from tests.world import World

MOST_OF_A_HOLD = 46
MOST_OF_A_BOOKING = 48
"""Five of each count the request for its address and give it a turn; two of a hold name its technicians and name it in
live events. One of a hold and two of a booking show a time. One of a booking lets its insert go with those of other
requests, and two find its person and take over what its hold knows of it."""
NOTHING = str(crash_points.__file__)
"""Crash points do nothing but in tests, so to pass one is no crossing."""
FOLDERS = tuple(str(Path(str(package.__file__)).parent) + "/" for package in (api, models, services))

Crossing = tuple[str, str]
"""The file that calls, and the function of another file that it calls."""


@contextmanager
def crossings() -> Iterator[list[Crossing]]:
    """Notes each call from one file of api, models or services to another. Calls by libraries do not count."""
    found: list[Crossing] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        caller = frame.f_back
        if event != "call" or caller is None or not (_is_ours(frame) and _is_ours(caller)):
            return
        if caller.f_code.co_filename != frame.f_code.co_filename:
            found.append((caller.f_code.co_filename, f"{frame.f_code.co_filename}:{frame.f_code.co_qualname}"))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(FOLDERS) and frame.f_code.co_filename != NOTHING


def hold(town: Town, hour: int) -> str:
    return str(town.hold(hour, holder=ALICES_BROWSER)["hold_id"])


def book(town: Town, hold_id: str) -> None:
    reply = town.call("POST", "/book", {"hold_id": hold_id, "customer": {"name": "Alice"}})
    assert reply.status_code == 201, reply.text


def crossings_of(act: Callable[[], object]) -> list[Crossing]:
    with crossings() as found:
        act()
    return found


@pytest.fixture
def town(fake_world: World) -> Town:
    """A worker that has held and booked once, so that everything is in memory."""
    town = Town(fake_world)
    book(town, hold(town, 9))
    return town


def test_a_hold_crosses_few_files(town: Town) -> None:
    found = crossings_of(lambda: hold(town, 10))
    assert len(found) <= MOST_OF_A_HOLD, "\n".join(map(str, found))


def test_a_booking_of_a_hold_crosses_few_files(town: Town) -> None:
    hold_id = hold(town, 10)
    found = crossings_of(lambda: book(town, hold_id))
    assert len(found) <= MOST_OF_A_BOOKING, "\n".join(map(str, found))


def test_each_attempt_reads_the_catalogue_and_the_clock_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    services_, snapshot = town.world.services, services.Catalogue.snapshot
    monkeypatch.setattr(services.Catalogue, "snapshot", lambda *given: (reads.append("snapshot"), snapshot(*given))[1])
    for name in ("policy", "property", "technicians"):
        monkeypatch.setattr(services.Catalogue, name, lambda *_given: pytest.fail("read outside of the snapshot"))
    monkeypatch.setattr(services_.holds, "_clock", lambda: (reads.append("clock"), services_.clock())[1])
    hold(town, 11)
    assert reads == ["clock", "snapshot"]


def test_the_tool_sees_a_crossing(town: Town) -> None:
    """The negative control."""
    found = crossings_of(lambda: town.world.services.grid.exact_tick(town.world.services.clock()))
    assert found == []
    found = crossings_of(lambda: town.world.services.catalogue.snapshot(town.world.org))
    assert any(name.endswith("Recent.get_or_put") for _, name in found)
