"""A slot that is named beside a hold id is that of the hold, whether the hold lives, ran out or is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.access import Caller
from models.booking_changes import BookingPatch
from models.catalogue import PolicyPatch
from models.errors import Fault, HoldExpired, HoldNotFound, InvalidRequest, StoreUnavailable
from services import Services
from services.bookings.booking import Bookings
from tests.bookings.evidence import lapse, lose_redis, owners
from tests.world import World, rfc3339, tomorrow

WHOLE: dict[str, Any] = {
    "property_id": "prop-1",
    "technician_id": "tech-1",
    "start": rfc3339(tomorrow()),
    "duration_minutes": 60,
    "buffer_before_minutes": 0,
    "buffer_after_minutes": 0,
}
OTHERS: dict[str, Any] = {
    "property_id": "prop-2",
    "technician_id": "tech-2",
    "start": rfc3339(tomorrow(14)),
    "duration_minutes": 480,
    "buffer_before_minutes": 15,
    "buffer_after_minutes": 1425,
}
End = Callable[[World, str], None]
LIVES: End = lambda _world, _hold_id: None  # noqa: E731  # the hold is left as it is
FORGOTTEN: End = lambda world, _hold_id: lose_redis(world)  # noqa: E731


@pytest.fixture
def bookings(world: World) -> Bookings:
    return world.services.bookings


@pytest.fixture
def hold_id(world: World, alice: Caller) -> str:
    return world.services.holds.place(alice, world.hold_request()).hold.hold_id


def faults_of(world: World, caller: Caller, **named: Any) -> list[Fault]:
    """What is wrong with a booking. It books nothing, and a live hold keeps its claims."""
    before = owners(world)
    with pytest.raises(InvalidRequest) as refused:
        world.services.bookings.book(caller, world.book_request(if_expired="book_if_free", **named))
    assert (world.bookings(), owners(world)) == ([], before)
    return list(refused.value.faults)


@pytest.mark.parametrize("end", [LIVES, lapse], ids=["live", "expired"])
@pytest.mark.parametrize("name", OTHERS)
def test_each_named_field_that_differs_is_a_fault(
    world: World, alice: Caller, hold_id: str, end: End, name: str
) -> None:
    end(world, hold_id)
    (fault,) = faults_of(world, alice, hold_id=hold_id, **{name: OTHERS[name]})
    assert (fault.field, fault.code) == (name, "not_the_hold")
    assert fault.message == f"Give {name} as the hold has it, or leave it out."


@pytest.mark.parametrize("end", [LIVES, lapse], ids=["live", "expired"])
def test_all_fields_that_differ_are_named_at_once(world: World, alice: Caller, hold_id: str, end: End) -> None:
    end(world, hold_id)
    assert [fault.field for fault in faults_of(world, alice, hold_id=hold_id, **OTHERS)] == list(OTHERS)
    request = world.book_request(hold_id=hold_id, if_expired="book_if_free", **WHOLE)
    assert world.services.bookings.book(alice, request).created


def test_a_live_hold_stays_live_after_a_wrong_slot(world: World, alice: Caller, hold_id: str) -> None:
    faults_of(world, alice, hold_id=hold_id, **OTHERS)
    assert world.services.holds.get(alice, hold_id).status == "held"


@pytest.mark.parametrize("left_out", [(), ("duration_minutes", "buffer_after_minutes")])
def test_a_forgotten_hold_is_booked_where_its_id_proves_the_slot(
    world: World, bookings: Bookings, alice: Caller, hold_id: str, left_out: tuple[str, ...]
) -> None:
    lose_redis(world)
    named = {name: value for name, value in WHOLE.items() if name not in left_out}
    with pytest.raises(HoldExpired):
        bookings.book(alice, world.book_request(hold_id=hold_id, **named))
    booking = bookings.book(alice, world.book_request(hold_id=hold_id, if_expired="book_if_free", **named)).booking
    assert (booking.property_id, booking.technician_id, booking.start) == ("prop-1", "tech-1", tomorrow())
    assert booking.held_as == hold_id


@pytest.mark.parametrize("name", OTHERS)
def test_another_slot_than_that_of_a_forgotten_hold_is_a_fault(
    world: World, alice: Caller, hold_id: str, name: str
) -> None:
    lose_redis(world)
    (fault,) = faults_of(world, alice, hold_id=hold_id, **{**WHOLE, name: OTHERS[name]})
    assert fault.code == "not_the_hold"


@pytest.mark.parametrize(
    "named",
    [
        *({}, {"start": WHOLE["start"]}, {"duration_minutes": 60}),
        *({"property_id": where, "start": WHOLE["start"]} for where in ("prop-1", "prop-2")),
    ],
)
def test_a_slot_that_is_named_in_part_and_not_proven_is_gone(
    world: World, bookings: Bookings, alice: Caller, hold_id: str, named: dict[str, Any]
) -> None:
    lose_redis(world)
    with pytest.raises(HoldExpired):
        bookings.book(alice, world.book_request(hold_id=hold_id, if_expired="book_if_free", **named))
    assert world.bookings() == []


def test_an_id_proves_the_lengths_of_then_and_not_those_of_todays_policy(
    world: World, bookings: Bookings, alice: Caller, hold_id: str
) -> None:
    stricter = PolicyPatch(buffer_before_minutes=30, default_duration_minutes=30, public_max_duration_minutes=30)
    world.services.catalogue_desk.patch_policy(world.org, stricter)
    lose_redis(world)
    in_part = {name: WHOLE[name] for name in ("property_id", "technician_id", "start")}
    with pytest.raises(HoldExpired):
        bookings.book(alice, world.book_request(hold_id=hold_id, if_expired="book_if_free", **in_part))
    booking = bookings.book(alice, world.book_request(hold_id=hold_id, if_expired="book_if_free", **WHOLE)).booking
    assert (booking.duration_minutes, booking.buffer_before_minutes) == (60, 0)


@pytest.mark.parametrize("end", [LIVES, lapse, FORGOTTEN], ids=["live", "expired", "forgotten"])
def test_an_id_with_another_slots_proof_is_unknown(
    world: World, bookings: Bookings, alice: Caller, hold_id: str, end: End
) -> None:
    """The stores' name of a hold, which operators see, is no id: nobody can do anything with it."""
    other = world.services.holds.place(
        alice, world.hold_request(start=rfc3339(tomorrow(14)), property_id="prop-2", technician_id="tech-2")
    ).hold.hold_id
    end(world, hold_id)
    forged = hold_id[:34] + other[34:]
    for wrong in (hold_id[:34], forged):
        known = end is FORGOTTEN and wrong == forged  # nothing is left that the proof could be compared with
        with pytest.raises(HoldExpired if known else HoldNotFound):
            bookings.book(alice, world.book_request(hold_id=wrong, if_expired="book_if_free"))
        if not known:
            for ask in (world.services.holds.get, world.services.holds.release):
                with pytest.raises(HoldNotFound):
                    ask(alice, wrong)
            with pytest.raises(HoldNotFound):
                world.services.holds.extend(alice, wrong, 600)
    assert world.bookings() == []


def test_a_booked_hold_is_unknown_under_another_proof(
    world: World, bookings: Bookings, alice: Caller, hold_id: str
) -> None:
    made = bookings.book(alice, world.book_request(hold_id=hold_id)).booking
    with pytest.raises(HoldNotFound):
        bookings.book(alice, world.book_request(hold_id=hold_id[:34] + "A" * 20))
    assert bookings.book(alice, world.book_request(hold_id=hold_id)).booking == made


@pytest.mark.parametrize("redis", ["remembers", "has forgotten"])
@pytest.mark.parametrize("name", OTHERS)
def test_a_booked_hold_is_not_another_slot_wherever_its_visit_has_moved(
    world: World, bookings: Bookings, alice: Caller, hold_id: str, name: str, redis: str
) -> None:
    made = bookings.book(alice, world.book_request(hold_id=hold_id)).booking
    moved = BookingPatch.model_validate({"start": OTHERS["start"], "technician_id": "tech-2"})
    world.services.booking_life.reschedule(world.caller("desk"), made.booking_id, moved, 1)
    if redis == "has forgotten":
        lose_redis(world)
    with pytest.raises(InvalidRequest) as refused:
        bookings.book(alice, world.book_request(hold_id=hold_id, **{**WHOLE, name: OTHERS[name]}))
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [(name, "not_the_hold")]
    assert bookings.book(alice, world.book_request(hold_id=hold_id, **WHOLE)).booking.start == tomorrow(14)


def test_without_redis_a_hold_is_booked_with_its_own_slot_alone(
    world: World, alice: Caller, hold_id: str, cut_off: Services
) -> None:
    book = cut_off.bookings.book
    with pytest.raises(InvalidRequest):
        book(alice, world.book_request(hold_id=hold_id, **{**WHOLE, "start": OTHERS["start"]}))
    with pytest.raises(StoreUnavailable):
        book(alice, world.book_request(hold_id=hold_id, property_id="prop-2", start=WHOLE["start"]))
    assert world.bookings() == []
    booking = book(
        alice, world.book_request(hold_id=hold_id, property_id="prop-1", technician_id="tech-1", start=WHOLE["start"])
    ).booking
    assert (booking.technician_id, booking.held_as) == ("tech-1", hold_id)
