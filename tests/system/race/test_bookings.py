"""Many requests book at one moment, in every way; the negative controls show that these tests see a double booking."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from models.access import IdempotencyClaim
from models.errors import HoldExpired, RequestInProgress, SlotBooked, SlotHeld
from models.slot import Choice
from services.bookings import booking as bookings_module
from services.bookings import without_redis
from services.bookings.confirming import Confirmed
from services.holds.operations import PlacedHold
from services.ledger.schema import GUARD
from tests.bookings.evidence import lapse
from tests.system.race.together import CROWD, PATIENCE, Outcome, at_once, fresh_slots, mirrored
from tests.world import World, rfc3339, tomorrow

KEY = IdempotencyClaim("a key", "a print")
Act = Callable[[], Confirmed]


def book_it_alone(world: World, rounds: int) -> list[Outcome[Confirmed]]:
    """A crowd books the same slot directly in each round; MongoDB alone decides."""
    caller, bookings = world.caller("desk"), world.services.bookings
    found = []
    for start in fresh_slots(rounds):
        request = world.direct_request(start=rfc3339(start))
        found.append(at_once([partial(bookings.book, caller, request)] * CROWD))
    return found


def test_without_redis_the_unique_index_lets_exactly_one_request_book(lone_world: World) -> None:
    for outcome in book_it_alone(lone_world, 8):
        assert len(outcome.values) == 1
        assert outcome.kinds() == {SlotBooked}
    assert lone_world.double_booked() == []


def test_without_redis_and_without_the_index_several_requests_book(
    lone_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same race with the guard off. All look for free visits before one of them inserts."""
    look, all_looked = without_redis.free_in_mongo, threading.Barrier(CROWD)

    def look_and_meet(*asked: Any) -> list[Choice]:
        found = look(*asked)
        all_looked.wait(PATIENCE)
        return found

    monkeypatch.setattr(without_redis, "free_in_mongo", look_and_meet)
    lone_world.services.db["bookings"].drop_index(GUARD)
    outcomes = book_it_alone(lone_world, 3)
    assert all(len(outcome.values) > 1 for outcome in outcomes)
    assert lone_world.double_booked() != []


def retry_at_once(world: World) -> Outcome[Confirmed]:
    """Send one request many times under one idempotency key, where many slots are free."""
    caller, bookings = world.caller("desk"), world.services.bookings
    request = world.direct_request(technician_id=None, fallback="next_available")
    return at_once([partial(bookings.book, caller, request, KEY)] * CROWD)


def test_without_redis_one_idempotency_key_is_one_booking(lone_world: World) -> None:
    outcome = retry_at_once(lone_world)
    assert len({confirmed.booking.booking_id for confirmed in outcome.values}) == 1
    assert len(lone_world.bookings()) == 1


def test_with_a_random_id_instead_of_the_derived_one_there_are_several_bookings(
    lone_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same retries with the guard off."""
    monkeypatch.setattr(bookings_module, "booking_id_for", lambda *_parts: f"bk_{secrets.token_hex(13)}")
    outcome = retry_at_once(lone_world)
    assert len({confirmed.booking.booking_id for confirmed in outcome.values}) > 1
    assert len(lone_world.bookings()) > 1


def test_of_web_desk_and_bot_exactly_one_books_the_slot(world: World) -> None:
    alice, bob, bot = (world.caller(role) for role in ("checkout", "desk", "bot"))
    holds, bookings = world.services.holds, world.services.bookings
    for start in fresh_slots():
        slot = {"start": rfc3339(start)}

        def web(slot: dict[str, str] = slot) -> Confirmed:
            hold_id = holds.place(alice, world.hold_request(**slot)).hold.hold_id
            return bookings.book(alice, world.book_request(hold_id=hold_id))

        def desk(slot: dict[str, str] = slot) -> Confirmed:
            return bookings.book(bob, world.direct_request(**slot))

        def dither(slot: dict[str, str] = slot) -> PlacedHold:
            return holds.place(bot, world.hold_request(**slot))

        acts: list[Callable[[], Confirmed | PlacedHold]] = [web, desk, dither] * (CROWD // 3)
        outcome = at_once(acts)
        assert len(outcome.values) == 1
        assert outcome.kinds() <= {SlotHeld, SlotBooked}
    assert world.double_booked() == []
    assert mirrored(world)


def test_only_the_owner_books_a_live_hold(world: World) -> None:
    alice, bob = world.caller("checkout"), world.caller("desk")
    holds, bookings = world.services.holds, world.services.bookings
    for start in fresh_slots():
        hold_id = holds.place(alice, world.hold_request(start=rfc3339(start))).hold.hold_id
        own, direct = world.book_request(hold_id=hold_id), world.direct_request(start=rfc3339(start))
        acts: list[Act] = [partial(bookings.book, bob, direct)] * (CROWD - 1)
        acts.append(partial(bookings.book, alice, own))
        outcome = at_once(acts)
        assert [confirmed.booking.held_as for confirmed in outcome.values] == [hold_id]
    assert mirrored(world)


def test_one_hold_confirmed_many_times_is_one_booking_and_all_answers_agree(world: World) -> None:
    alice, bookings = world.caller("checkout"), world.services.bookings
    for start in fresh_slots(10):
        hold_id = world.services.holds.place(alice, world.hold_request(start=rfc3339(start))).hold.hold_id
        request = world.book_request(hold_id=hold_id)
        outcome = at_once([partial(bookings.book, alice, request)] * CROWD)
        assert outcome.errors == []
        assert len({confirmed.booking.booking_id for confirmed in outcome.values}) == 1
        assert [confirmed.created for confirmed in outcome.values].count(True) == 1
    assert len(world.bookings()) == 10
    assert mirrored(world)


@pytest.mark.parametrize("by_hold", [True, False], ids=["a hold", "directly"])
def test_retries_under_one_idempotency_key_are_one_booking_and_all_answers_agree(world: World, by_hold: bool) -> None:
    desk, bookings = world.caller("desk"), world.services.bookings
    for number, start in enumerate(fresh_slots(10)):
        request, key = world.direct_request(start=rfc3339(start)), IdempotencyClaim(f"key {number}", "a print")
        if by_hold:
            placed = world.services.holds.place(desk, world.hold_request(start=rfc3339(start)))
            request = world.book_request(hold_id=placed.hold.hold_id)
        outcome = at_once([partial(bookings.book, desk, request, key)] * CROWD)
        assert outcome.kinds() <= {RequestInProgress}
        answers = [*outcome.values, bookings.book(desk, request, key)]
        assert all(answer.booking == answers[0].booking and answer.created for answer in answers)
        assert [answer.replayed for answer in answers].count(False) == 1
    assert len(world.bookings()) == 10
    assert mirrored(world)


def test_of_many_owners_of_expired_holds_on_one_slot_exactly_one_books_it(world: World) -> None:
    alice, holds, bookings = world.caller("checkout"), world.services.holds, world.services.bookings
    for start in fresh_slots(10):
        requests = []
        for _ in range(8):
            hold_id = holds.place(alice, world.hold_request(start=rfc3339(start))).hold.hold_id
            lapse(world, hold_id)
            requests.append(world.book_request(hold_id=hold_id, if_expired="book_if_free"))
        outcome = at_once([partial(bookings.book, alice, request) for request in requests])
        assert len(outcome.values) == 1
        assert outcome.kinds() <= {SlotHeld, SlotBooked, HoldExpired}
    assert world.double_booked() == []
    assert mirrored(world)


def test_a_slot_that_is_cancelled_during_the_race_has_one_booking_at_a_time(world: World) -> None:
    bob, life, bookings = world.caller("desk"), world.services.booking_life, world.services.bookings
    request = world.direct_request(start=rfc3339(tomorrow(8)))
    current = bookings.book(bob, request).booking.booking_id

    def cancel() -> None:
        """The slot is free once both have ended: the later of the two may be answered before the other has freed it."""
        try:
            life.act(bob, current, "cancel")
        finally:
            ended.append(current)
            if len(ended) == 2:
                free.set()

    def insist() -> Confirmed:
        """Asks until the slot has been free, and once more."""
        while not free.is_set():
            with suppress(SlotHeld, SlotBooked):
                return bookings.book(bob, request)
        return bookings.book(bob, request)

    for _ in range(10):
        free, ended = threading.Event(), list[str]()
        outcome = at_once([cancel, cancel, *[insist] * 8])
        assert outcome.kinds() <= {SlotHeld, SlotBooked}
        active = [document["_id"] for document in world.bookings(active=True)]
        assert len(active) == 1
        assert active != [current]
        assert world.double_booked() == []
        assert mirrored(world)
        (current,) = active
