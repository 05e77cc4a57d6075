"""The visits of a technician who is away go to others at the same times, or stay and the reply says why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models.booking import Booking, ReserveRequest
from models.catalogue import PropertyPatch, TechnicianPatch
from models.dispatch import Reassigned, ReassignRequest
from models.errors import InvalidRequest, TechnicianNotFound
from services import Services
from services.stores.faults import last_start
from tests.bookings.evidence import everything, lose_redis
from tests.bookings.moving import at, check_settled, move, stored
from tests.world import World, rfc3339, tomorrow

AWAY = "tech-1"


def book(world: World, hour: int, technician: str = AWAY, **fields: Any) -> Booking:
    slot = {"property_id": f"prop-{technician[-1]}", "technician_id": technician, "start": at(hour)}
    return world.services.bookings.book(world.caller("desk"), world.direct_request(**slot | fields)).booking


def reassign(world: World, services: Services | None = None, *, dry_run: bool = False, **window: Any) -> Reassigned:
    asked = {"from": at(0), "to": rfc3339(tomorrow(0) + timedelta(days=1)), "dry_run": dry_run, **window}
    request = ReassignRequest.model_validate(asked)
    return (services or world.services).reassigning.reassign(world.caller("desk"), AWAY, request)


def given(found: Reassigned) -> list[tuple[str, str]]:
    return [(each.booking_id, each.to_technician_id) for each in found.moves]


def left(found: Reassigned) -> list[tuple[str, str]]:
    return [(each.booking_id, each.code) for each in found.left]


def patch(world: World, technician: str, **fields: Any) -> None:
    world.services.catalogue_desk.patch_technician(world.org, technician, TechnicianPatch.model_validate(fields))


def sick(world: World, technician: str = AWAY, hours: tuple[int, int] = (0, 24)) -> None:
    off = {"start": at(hours[0]), "end": rfc3339(tomorrow(0) + timedelta(hours=hours[1]))}
    patch(world, technician, time_off_add=[off])


def test_each_visit_goes_to_the_one_who_has_fewest_visits_that_day(world: World) -> None:
    visits = [book(world, hour) for hour in (8, 10, 12, 14)]
    book(world, 17, "tech-2")
    found = reassign(world)
    names = [each.booking_id for each in visits]
    assert given(found) == list(zip(names, ["tech-3", "tech-2", "tech-3", "tech-2"], strict=True))
    assert found.left == []
    for visit in visits:
        now = stored(world, visit.booking_id)
        assert (now.start, now.property_id, now.version) == (visit.start, visit.property_id, 2)
        assert now.history[-1]["action"] == "move"
    check_settled(world)


def test_a_dry_run_shows_what_the_run_then_does_and_changes_nothing(world: World) -> None:
    for hour in (8, 9, 10, 14):
        book(world, hour)
    book(world, 9, "tech-2")
    book(world, 9, "tech-3")
    before = everything(world)
    plan = reassign(world, dry_run=True)
    assert everything(world) == before
    assert [len(plan.moves), len(plan.left)] == [3, 1]
    assert reassign(world) == plan


def test_no_two_visits_at_one_time_go_to_one_technician(world: World) -> None:
    """The second has the first one's travel in its way."""
    first = book(world, 10, buffer_after_minutes=60)
    second = book(world, 12)
    book(world, 12, "tech-2")
    found = reassign(world)
    assert given(found) == [(first.booking_id, "tech-3"), (second.booking_id, "tech-3")]
    check_settled(world)


def test_what_cannot_be_moved_stays_and_says_why(world: World) -> None:
    visit = book(world, 10)
    book(world, 10, "tech-2")
    world.services.holds.place(
        world.caller("checkout"), world.hold_request(property_id="prop-3", technician_id="tech-3")
    )
    assert left(reassign(world)) == [(visit.booking_id, "slot_held")]
    book(world, 14, "tech-3")
    book(world, 14, "tech-2")
    later = book(world, 14)
    assert left(reassign(world, **{"from": at(12)})) == [(later.booking_id, "slot_booked")]
    sick(world, "tech-2")
    sick(world, "tech-3")
    sick(world)
    assert left(reassign(world, **{"from": at(12)})) == [(later.booking_id, "technician_unavailable")]
    assert stored(world, visit.booking_id).technician_id == stored(world, later.booking_id).technician_id == AWAY
    check_settled(world)


def test_only_those_who_may_be_sent_get_a_visit(world: World) -> None:
    """The technician who is away may have time off by then: the visit goes to another all the same."""
    world.services.catalogue_desk.patch_property(world.org, "prop-1", PropertyPatch(area="north"))
    patch(world, "tech-2", areas=["south"])
    visits = [book(world, hour) for hour in (8, 10)]
    sick(world)
    assert given(reassign(world)) == [(each.booking_id, "tech-3") for each in visits]
    patch(world, "tech-3", areas=["south"])
    third = book(world, 12, override=["eligibility"], technician_id="tech-3", property_id="prop-1")
    request = ReassignRequest.model_validate({"from": at(0), "to": at(23)})
    found = world.services.reassigning.reassign(world.caller("desk"), "tech-3", request)
    assert [code for _, code in left(found)] == ["technician_unavailable"] * 3
    assert stored(world, third.booking_id).technician_id == "tech-3"


def test_pending_visits_go_too_and_others_than_those_in_the_time_stay(world: World) -> None:
    fields = {"property_id": "prop-1", "technician_id": AWAY, "start": at(10), "reserved_by": "Dora"}
    reserved = world.services.bookings.reserve(world.caller("desk"), ReserveRequest.model_validate(fields)).booking
    early, late = book(world, 8), book(world, 12)
    cancelled = book(world, 14)
    world.services.booking_life.act(world.caller("desk"), cancelled.booking_id, "cancel")
    found = reassign(world, **{"from": at(9), "to": at(12)})
    assert [each.booking_id for each in found.moves] == [reserved.booking_id]
    assert stored(world, reserved.booking_id).status == "pending"
    assert [stored(world, each.booking_id).version for each in (early, late)] == [1, 1]


def test_a_visit_whose_travel_alone_touches_the_time_goes_too(world: World) -> None:
    visit = book(world, 10, buffer_before_minutes=60)
    assert [each.booking_id for each in reassign(world, **{"from": at(8), "to": at(9, 30)}).moves] == [visit.booking_id]


def test_a_visit_that_has_begun_stays(world: World) -> None:
    visit, later = book(world, 8), book(world, 10)
    world.services.reassigning._clock = lambda: visit.start
    found = reassign(world)
    assert left(found) == [(visit.booking_id, "too_late")]
    assert [each.booking_id for each in found.moves] == [later.booking_id]


def test_a_repeat_goes_on_with_what_is_left(world: World) -> None:
    visit, other = book(world, 8), book(world, 10)
    blockers = [book(world, 10, "tech-2"), book(world, 10, "tech-3")]
    assert left(reassign(world)) == [(other.booking_id, "slot_booked")]
    world.services.booking_life.act(world.caller("desk"), blockers[0].booking_id, "cancel")
    found = reassign(world)
    assert given(found) == [(other.booking_id, "tech-2")]
    assert reassign(world) == Reassigned(moves=[], left=[])
    assert stored(world, visit.booking_id).version == 2


def test_when_the_time_of_the_request_is_over_the_rest_is_named_as_not_reached(world: World) -> None:
    visits = [book(world, hour) for hour in (8, 10)]
    token = last_start.set(0.0)
    try:
        found = reassign(world)
    finally:
        last_start.reset(token)
    assert left(found) == [(each.booking_id, "store_unavailable") for each in visits]
    assert all("again" in each.detail for each in found.left)


def test_what_another_took_meanwhile_goes_to_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = book(world, 10)
    taken = _before_the_move(world, monkeypatch, lambda: book(world, 10, "tech-2"))
    assert given(reassign(world)) == [(visit.booking_id, "tech-3")]
    assert len(taken) == 1
    check_settled(world)


@pytest.mark.parametrize(
    "changed",
    [{"technician_ids": ["tech-3"]}, {"technician_ids": ["tech-1", "tech-2"]}, {"start": at(15)}],
    ids=["given away", "the chosen one comes too", "moved"],
)
def test_a_visit_that_another_changed_meanwhile_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    visit, bob = book(world, 10), world.caller("desk")
    _before_the_move(world, monkeypatch, lambda: move(world.services, bob, visit, None, **changed))
    assert left(reassign(world)) == [(visit.booking_id, "version_conflict")]
    assert stored(world, visit.booking_id).version == 2
    check_settled(world)


def _before_the_move(world: World, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[object]:
    """Lets something happen once between the plan and the first move."""
    happened: list[object] = []
    reassigning = world.services.reassigning
    real = reassigning._move

    def late(*args: Any) -> None:
        if not happened:
            happened.append(act())
        real(*args)

    monkeypatch.setattr(reassigning, "_move", late)
    return happened


def test_while_the_mirror_is_not_whole_mongodb_says_who_is_free(world: World) -> None:
    visit = book(world, 10)
    book(world, 10, "tech-2")
    lose_redis(world)
    assert given(reassign(world)) == [(visit.booking_id, "tech-3")]
    assert world.double_booked() == []


def test_a_time_that_is_none_and_a_technician_of_nobody_are_refused(world: World) -> None:
    for to in (at(8), rfc3339(tomorrow(9) + timedelta(days=32))):
        with pytest.raises(InvalidRequest) as refused:
            reassign(world, **{"from": at(9), "to": to})
        assert [fault.field for fault in refused.value.faults] == ["to"]
    request = ReassignRequest.model_validate({"from": at(8), "to": at(9)})
    with pytest.raises(TechnicianNotFound):
        world.services.reassigning.reassign(world.caller("desk"), "tech-9", request)
