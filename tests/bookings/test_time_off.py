"""Time off where visits lie, and two desks that enter it at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from models.access import Caller
from models.booking import ReserveRequest
from models.catalogue import TechnicianPatch
from services.bookings import upkeep as upkeep_module
from tests.bookings.evidence import another_server
from tests.system.race.together import Meeting, at_once
from tests.world import World, rfc3339, tomorrow

ROUNDS = 15


def reserve(world: World, caller: Caller) -> None:
    """A reservation of tomorrow at ten."""
    slot = world.direct_request().model_dump(include={"property_id", "technician_id"})
    fields = {**slot, "start": rfc3339(tomorrow()), "reserved_by": "Alice"}
    world.services.bookings.reserve(caller, ReserveRequest.model_validate(fields))


def away_from(first: int, last: int, minute: int = 0) -> dict[str, str]:
    return {"start": rfc3339(tomorrow(first, minute)), "end": rfc3339(tomorrow(last))}


def patch(world: World, **fields: Any) -> Any:
    given = TechnicianPatch.model_validate(fields)
    return world.services.upkeep.patch_technician(world.org, "tech-1", given)


def test_time_off_names_the_visits_that_lie_in_it_and_their_travel_counts(world: World, bob: Caller) -> None:
    book = world.services.bookings.book
    visits = [
        book(bob, world.direct_request(start=rfc3339(tomorrow(hour)), buffer_before_minutes=30)).booking
        for hour in (9, 11, 13, 15)
    ]
    book(bob, world.direct_request(start=rfc3339(tomorrow(11)), technician_id="tech-2", property_id="prop-2"))
    world.services.booking_life.act(bob, visits[1].booking_id, "cancel")
    shown = patch(world, time_off_add=[away_from(10, 14, 1)]).visits
    assert [(each.booking_id, each.property_id, each.start, each.end) for each in shown] == [
        (visits[2].booking_id, "prop-1", visits[2].start, visits[2].end)
    ]
    travel = patch(world, time_off_add=[away_from(14, 15, 40), away_from(8, 9, 15)]).visits
    assert [each.booking_id for each in travel] == [visits[0].booking_id, visits[3].booking_id]
    whole = patch(world, time_off=[away_from(0, 20)])
    assert [each.booking_id for each in whole.visits] == [visits[index].booking_id for index in (0, 2, 3)]
    assert patch(world, time_off=[away_from(0, 20)]) == whole  # a repeat is answered alike
    assert patch(world, time_off_add=[]).visits == []
    assert patch(world, time_off_remove=[away_from(0, 20)]).visits is None
    assert patch(world, status="unavailable").visits is None


def test_a_reservation_in_time_off_is_named_until_its_deadline(world: World, bob: Caller) -> None:
    reserve(world, bob)
    assert len(patch(world, time_off_add=[away_from(9, 11)]).visits) == 1
    past = tomorrow(0) - timedelta(days=2)
    world.services.db["bookings"].update_one({"org": world.org}, {"$set": {"reserved_until": past}})
    assert patch(world, time_off_add=[away_from(9, 11)]).visits == []
    world.services.upkeep.remove_technician(world.org, "tech-1")


def test_of_very_many_visits_the_first_are_named(world: World, bob: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep_module, "MOST_VISITS", 2)
    for hour in (15, 9, 12):
        world.services.bookings.book(bob, world.direct_request(start=rfc3339(tomorrow(hour))))
    assert [each.start.hour for each in patch(world, time_off=[away_from(0, 23)]).visits] == [9, 12]


def met_without_a_version() -> Callable[[int], dict[str, Any]]:
    """A query of a write that names no version. Two have read before one of them writes."""
    meet = Meeting()

    def query(_version: int) -> dict[str, Any]:
        meet()
        return {}

    return query


@pytest.mark.parametrize("guarded", [True, False])
def test_of_two_desks_at_once_neither_loses_a_time_off(
    world: World, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Without the version in its query, a write puts back what it read before the other one."""
    crowd = [another_server(world).upkeep for _ in range(8)]
    lost = 0
    for _ in range(ROUNDS if guarded else 1):
        world.services.upkeep.patch_technician(world.org, "tech-1", TechnicianPatch(time_off=[]))
        if not guarded:
            monkeypatch.setattr("services.catalogue.records.at_version", met_without_a_version())
        given = [{"start": f"2027-01-{day + 1:02}T00:00Z", "end": f"2027-01-{day + 2:02}T00:00Z"} for day in range(8)]
        patches = [TechnicianPatch.model_validate({"time_off_add": [off]}) for off in given]
        outcome = at_once(
            [
                partial(desk.patch_technician, world.org, "tech-1", each)
                for desk, each in zip(crowd, patches, strict=True)
            ]
        )
        assert outcome.errors == []
        kept = world.services.catalogue_desk.get_technician(world.org, "tech-1")
        lost += len(kept.time_off) != len(given)
    assert bool(lost) is not guarded
