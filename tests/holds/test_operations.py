"""Holds: placing, reading, extending and releasing them, and which callers are allowed to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.access import Caller, IdempotencyClaim
from models.catalogue import PolicyPatch
from models.errors import (
    Forbidden,
    HoldExpired,
    HoldLimit,
    HoldNotFound,
    HoldReleased,
    InvalidRequest,
    InvalidTransition,
    RequestInProgress,
    TooManyHolds,
)
from services.holds.operations import Holds
from services.timetable.grid import to_milliseconds
from tests.bookings.evidence import everything, lapse, lasting, lose_redis, owners, record
from tests.world import World, name_of, rfc3339, tomorrow


@pytest.fixture
def holds(world: World) -> Holds:
    return world.services.holds


def test_a_hold_has_the_requested_fields(world: World, holds: Holds, alice: Caller) -> None:
    travel = {"buffer_before_minutes": 15, "buffer_after_minutes": 30}
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch.model_validate(travel))
    placed = holds.place(alice, world.hold_request(duration_minutes=30, ttl_seconds=120, **travel))
    hold = placed.hold
    assert (placed.created, placed.replayed) == (True, False)
    assert (hold.visit.property_id, hold.visit.technician_id, hold.status) == ("prop-1", "tech-1", "held")
    assert (hold.start, hold.end) == (tomorrow(), tomorrow() + timedelta(minutes=30))
    assert (hold.duration_minutes, hold.buffer_before_minutes, hold.buffer_after_minutes) == (30, 15, 30)
    assert (hold.ttl_seconds, hold.expires_at - hold.created_at) == (120, timedelta(seconds=120))
    assert (hold.requested_start, hold.fallback_used, hold.booking_id) == (tomorrow(), False, None)
    assert owners(world) == {f"held {name_of(hold.hold_id)}": 2 + 5}


def test_missing_fields_come_from_the_policy(world: World, holds: Holds, alice: Caller) -> None:
    world.services.catalogue_desk.patch_policy(
        world.org, PolicyPatch(default_duration_minutes=90, buffer_after_minutes=30, hold_seconds=77)
    )
    hold = holds.place(alice, world.hold_request()).hold
    assert (hold.duration_minutes, hold.buffer_before_minutes, hold.buffer_after_minutes) == (90, 0, 30)
    assert hold.ttl_seconds == 77


def test_an_id_that_was_not_given_out_is_unknown_and_nothing_is_done(
    world: World, holds: Holds, alice: Caller, bob: Caller
) -> None:
    """Neither the name by which Redis knows the hold, nor that name with another ending."""
    hold_id = holds.place(alice, world.hold_request()).hold.hold_id
    other = holds.place(alice, world.hold_request(property_id="prop-2", technician_id="tech-2")).hold.hold_id
    name, before = name_of(hold_id), everything(world)
    for wrong in (
        name,
        name + "A" * 20,
        name + other[len(name) :],
        hold_id[:-1] + ("A" if hold_id[-1] != "A" else "B"),
    ):
        for caller in (alice, bob):
            with pytest.raises(HoldNotFound):
                holds.get(caller, wrong)
            with pytest.raises(HoldNotFound):
                holds.extend(caller, wrong, 600)
            with pytest.raises(HoldNotFound):
                holds.release(caller, wrong)
    assert everything(world) == before


def test_every_fault_of_a_request_is_named_at_once(world: World, holds: Holds, alice: Caller) -> None:
    before = everything(world)
    request = world.hold_request(start=rfc3339(tomorrow(10, 7)), duration_minutes=50, ttl_seconds=901)
    with pytest.raises(InvalidRequest) as refused:
        holds.place(alice, request)
    assert {fault.field for fault in refused.value.faults} == {"start", "duration_minutes", "ttl_seconds"}
    assert everything(world) == before


def test_its_owner_and_staff_read_a_hold(world: World, holds: Holds, alice: Caller, bob: Caller) -> None:
    placed = holds.place(alice, world.hold_request()).hold
    assert lasting(holds.get(alice, placed.hold_id)) == lasting(placed)
    assert lasting(holds.get(bob, placed.hold_id)) == lasting(placed)


def test_another_key_may_not_read_a_hold_and_another_org_does_not_find_it(
    world: World, holds: Holds, alice: Caller, stranger: Caller, charlie: Caller
) -> None:
    placed = holds.place(alice, world.hold_request()).hold
    with pytest.raises(Forbidden):
        holds.get(stranger, placed.hold_id)
    with pytest.raises(HoldNotFound):
        holds.get(charlie, placed.hold_id)


def test_an_expired_hold_has_the_status_expired(world: World, holds: Holds, alice: Caller) -> None:
    placed = holds.place(alice, world.hold_request()).hold
    lapse(world, placed.hold_id)
    assert holds.get(alice, placed.hold_id).status == "expired"


def test_a_released_slot_is_free_and_the_hold_has_the_status_released(
    world: World, holds: Holds, alice: Caller, stranger: Caller
) -> None:
    placed = holds.place(alice, world.hold_request()).hold
    holds.release(alice, placed.hold_id)
    holds.release(alice, placed.hold_id)
    assert holds.get(alice, placed.hold_id).status == "released"
    assert holds.place(stranger, world.hold_request()).created


def test_staff_may_release_a_hold_and_its_record_names_them(
    world: World, holds: Holds, alice: Caller, bob: Caller
) -> None:
    placed = holds.place(alice, world.hold_request()).hold
    holds.release(bob, placed.hold_id)
    assert record(world, placed.hold_id)["released_by"] == bob.key_id


@pytest.mark.parametrize("who", ["stranger", "bot", "charlie"])
def test_other_callers_may_neither_release_nor_extend_a_hold(
    world: World, holds: Holds, alice: Caller, who: str, request: pytest.FixtureRequest
) -> None:
    other: Caller = request.getfixturevalue(who)
    placed = holds.place(alice, world.hold_request()).hold
    before = everything(world)
    expected = HoldNotFound if who == "charlie" else Forbidden
    with pytest.raises(expected):
        holds.release(other, placed.hold_id)
    with pytest.raises(expected):
        holds.extend(other, placed.hold_id, 600)
    assert everything(world) == before


def test_not_even_staff_may_extend_a_hold(world: World, holds: Holds, alice: Caller, bob: Caller) -> None:
    placed = holds.place(alice, world.hold_request()).hold
    with pytest.raises(Forbidden):
        holds.extend(bob, placed.hold_id, 600)


def test_an_id_that_was_never_issued_is_not_found(world: World, holds: Holds, alice: Caller) -> None:
    for made_up in ("h_" + "A" * 32, "nonsense", "..", "-"):
        with pytest.raises(HoldNotFound):
            holds.get(alice, made_up)
        with pytest.raises(HoldNotFound):
            holds.release(alice, made_up)
        with pytest.raises(HoldNotFound):
            holds.extend(alice, made_up, 60)


def test_a_hold_that_was_lost_with_redis_is_expired_for_its_owner_alone(
    world: World, holds: Holds, alice: Caller, stranger: Caller
) -> None:
    placed = holds.place(alice, world.hold_request()).hold
    lose_redis(world)
    with pytest.raises(HoldExpired):
        holds.extend(alice, placed.hold_id, 60)
    with pytest.raises(HoldNotFound):
        holds.extend(stranger, placed.hold_id, 60)
    holds.release(alice, placed.hold_id)


def test_an_extended_hold_lives_longer(world: World, holds: Holds, alice: Caller) -> None:
    placed = holds.place(alice, world.hold_request()).hold
    before = to_milliseconds(datetime.now(UTC))
    extended = holds.extend(alice, placed.hold_id, 600)
    assert before <= extended.expires_at - timedelta(seconds=600) <= datetime.now(UTC)
    assert extended.status == "held"
    assert holds.get(alice, placed.hold_id).expires_at == extended.expires_at


def test_an_extension_never_shortens(world: World, holds: Holds, alice: Caller) -> None:
    placed = holds.place(alice, world.hold_request()).hold
    assert holds.extend(alice, placed.hold_id, 1).expires_at == placed.expires_at


def test_an_extension_past_the_longest_total_is_refused_and_the_hold_keeps_its_end(
    world: World, holds: Holds, alice: Caller
) -> None:
    placed = holds.place(alice, world.hold_request()).hold
    before = everything(world)
    with pytest.raises(HoldLimit):
        holds.extend(alice, placed.hold_id, 901)
    assert everything(world) == before


def test_an_ended_hold_is_not_extended(world: World, holds: Holds, alice: Caller) -> None:
    first, second, third = (
        holds.place(alice, world.hold_request(start=rfc3339(tomorrow(hour)))).hold.hold_id for hour in (9, 11, 13)
    )
    lapse(world, first)
    holds.release(alice, second)
    world.services.bookings.book(alice, world.book_request(hold_id=third))
    before = everything(world)
    for hold_id, why in ((first, HoldExpired), (second, HoldReleased), (third, InvalidTransition)):
        with pytest.raises(why):
            holds.extend(alice, hold_id, 600)
    assert everything(world) == before


def test_a_booked_hold_is_not_released(world: World, holds: Holds, alice: Caller, bob: Caller) -> None:
    hold_id = holds.place(alice, world.hold_request()).hold.hold_id
    booked = world.services.bookings.book(alice, world.book_request(hold_id=hold_id)).booking
    for caller in (alice, bob):
        with pytest.raises(InvalidTransition):
            holds.release(caller, hold_id)
    found = holds.get(alice, hold_id)
    assert (found.status, found.booking_id) == ("booked", booked.booking_id)


def test_a_hold_that_is_being_booked_is_not_released(world: World, holds: Holds, alice: Caller) -> None:
    hold_id = holds.place(alice, world.hold_request()).hold.hold_id
    world.services.redis.hset(world.names.hold(name_of(hold_id)), "status", "confirming")
    with pytest.raises(RequestInProgress):
        holds.release(alice, hold_id)


def test_a_holder_at_the_limit_is_refused_until_its_first_hold_ends(world: World, holds: Holds, alice: Caller) -> None:
    for hour in (8, 10, 12):
        holds.place(alice, world.hold_request(start=rfc3339(tomorrow(hour)), holder="alice", ttl_seconds=100))
    before = everything(world)
    with pytest.raises(TooManyHolds) as refused:
        holds.place(alice, world.hold_request(start=rfc3339(tomorrow(14)), holder="alice"))
    assert refused.value.retry_after_seconds in range(90, 101)
    assert everything(world) == before
    assert holds.place(alice, world.hold_request(start=rfc3339(tomorrow(14)), holder="carol")).created


def test_holds_without_holder_or_address_have_no_limit(world: World, holds: Holds, bob: Caller) -> None:
    for hour in range(8, 18):
        assert holds.place(bob, world.hold_request(start=rfc3339(tomorrow(hour)))).created


def test_remaining_seconds_count_by_redis_clock_in_every_answer(world: World, alice: Caller) -> None:
    """Half of the time passes for Redis, not for this server."""
    holds, client = world.services.holds, world.services.redis
    asked = world.hold_request(holder="web-1", ttl_seconds=100)
    key = IdempotencyClaim("a key", "a print")
    placed = holds.place(alice, asked, key).hold
    assert placed.remaining_seconds == 100
    for name in (world.names.hold(name_of(placed.hold_id)), world.names.idempotency(alice.key_id, "a key")):
        fields: Any = client.hgetall(name)
        client.hset(name, mapping={each: int(fields[each]) - 50_000 for each in ("created_ms", "expires_ms")})
    seconds = {
        "read": holds.get(alice, placed.hold_id).remaining_seconds,
        "replayed": holds.place(alice, asked, key).hold.remaining_seconds,
        "own": holds.place(alice, asked).hold.remaining_seconds,
        "extended": holds.extend(alice, placed.hold_id, 70).remaining_seconds,
    }
    assert all(46 <= seconds[name] <= 50 for name in ("read", "replayed", "own")), seconds
    assert 66 <= seconds["extended"] <= 70
    holds.release(alice, placed.hold_id)
    assert holds.get(alice, placed.hold_id).remaining_seconds == 0
