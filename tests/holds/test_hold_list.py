"""What a list of holds costs on a real Redis, however much is held."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.catalogue import TechnicianCreate
from models.hold import HoldsQuery
from services.claims.live_holds import MOST_AT_ONCE
from services.holds import listing
from tests.bookings.evidence import lapse
from tests.redis_dump import dump
from tests.world import World, rfc3339, tomorrow


def hold(world: World, number: int, technician_id: str = "tech-1") -> str:
    """The desk holds the quarter of this number at prop-1, from tomorrow on."""
    start = rfc3339(tomorrow(0) + timedelta(minutes=15 * number))
    wanted = world.hold_request(start=start, technician_id=technician_id, duration_minutes=15)
    return world.services.holds.place(world.caller("desk"), wanted).hold.hold_id


def pages(world: World, **query: object) -> list[list[str]]:
    found, asked = list[list[str]](), HoldsQuery.model_validate(query)
    while True:
        page, cursor = world.services.hold_list.page(world.caller("desk"), asked)
        found.append([each.hold_id for each in page])
        if cursor is None:
            return found
        asked = asked.model_copy(update={"cursor": cursor})


def test_an_org_is_read_some_technicians_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    held = [hold(world, number, f"tech-{number % 3 + 1}") for number in range(9)]
    in_order = [held[number] for first in range(3) for number in range(first, 9, 3)]
    assert pages(world) == [in_order]
    monkeypatch.setattr(listing, "RESOURCE_DAYS", 90)  # a technician for each page
    found = pages(world, limit=2)
    assert [hold_id for page in found for hold_id in page] == in_order
    assert max(map(len, found)) == 2


def test_a_page_reads_a_bounded_number_of_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_AT_ONCE <= 1_000
    held = [hold(world, number) for number in range(7)]
    monkeypatch.setattr(listing, "MOST_AT_ONCE", 3)
    assert pages(world, technician_id="tech-1") == [held[:3], held[3:6], held[6:]]
    # A page that finds none of its own leads on to those that follow.
    late = rfc3339(tomorrow(0) + timedelta(minutes=75))
    assert [each for page in pages(world, holder=None, **{"from": late}) for each in page] == held[5:]


def test_a_technician_of_another_server_is_read_too(world: World) -> None:
    """The list reads technicians from MongoDB, not from the memory of this process."""
    assert pages(world) == [[]]
    world.services.catalogue_desk.create_technician(world.org, TechnicianCreate(id="tech-9", name="New"))
    found = hold(world, 1, "tech-9")
    assert pages(world) == [[found]]


def test_a_list_changes_nothing(world: World) -> None:
    hold(world, 1)
    before = dump(world.services.redis, world.org)
    pages(world)
    pages(world, holder="somebody")
    assert dump(world.services.redis, world.org) == before


def test_a_hold_that_ran_out_is_not_listed(world: World) -> None:
    wanted = world.hold_request(holder="somebody")
    found = world.services.holds.place(world.caller("desk"), wanted).hold.hold_id
    assert pages(world) == pages(world, holder="somebody") == [[found]]
    lapse(world, found)
    assert pages(world) == pages(world, holder="somebody") == [[]]
