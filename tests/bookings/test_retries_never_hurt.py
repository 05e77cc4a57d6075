"""Retries after a lost first answer, when something else has changed in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.access import Caller, IdempotencyClaim
from models.catalogue import PolicyPatch, PropertyPatch
from models.errors import IdempotencyKeyReused, InvalidRequest, SlotBooked, SlotHeld, StoreUnavailable
from services.claims.scripts import Scripts
from tests.bookings.evidence import another_server, begin, lasting
from tests.claim_keys import end_claims
from tests.world import World, name_of, rfc3339, tomorrow

KEY = IdempotencyClaim("a key", "print of the request")


def test_a_refused_booking_of_a_hold_leaves_the_holds_own_idempotency_key(world: World, alice: Caller) -> None:
    holds, bookings = world.services.holds, world.services.bookings
    first = holds.place(alice, world.hold_request(), KEY)
    with pytest.raises(InvalidRequest):
        bookings.book(alice, world.direct_request(hold_id=first.hold.hold_id, start=rfc3339(tomorrow(14))))
    assert lasting(holds.place(alice, world.hold_request(), KEY).hold) == lasting(first.hold)


def switch_off(world: World) -> None:
    world.services.catalogue_desk.patch_property(world.org, "prop-1", PropertyPatch(status="unavailable"))


def want_notice(world: World) -> None:
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(min_lead_minutes=5 * 24 * 60))


@pytest.mark.parametrize("change", [switch_off, want_notice])
def test_a_repeated_hold_is_answered_although_the_catalogue_would_refuse_it_now(
    world: World, alice: Caller, change: Callable[[World], None]
) -> None:
    first = world.services.holds.place(alice, world.hold_request(), KEY)
    change(world)
    assert lasting(world.services.holds.place(alice, world.hold_request(), KEY).hold) == lasting(first.hold)


@pytest.mark.parametrize("change", [switch_off, want_notice])
def test_a_repeated_direct_booking_is_answered_although_the_catalogue_would_refuse_it_now(
    world: World, bob: Caller, change: Callable[[World], None]
) -> None:
    first = world.services.bookings.book(bob, world.direct_request(), KEY)
    change(world)
    assert world.services.bookings.book(bob, world.direct_request(), KEY).booking == first.booking


def test_a_hold_that_redis_lost_during_its_booking_can_be_booked_under_the_same_key(
    world: World, alice: Caller
) -> None:
    hold_id = world.services.holds.place(alice, world.hold_request()).hold.hold_id
    begin(world, alice, hold_id, KEY)
    client: Any = world.services.redis
    end_claims(client, world.names, name_of(hold_id))
    client.delete(world.names.hold(name_of(hold_id)), world.names.pins)
    request = world.direct_request(hold_id=hold_id, if_expired="book_if_free")
    assert world.services.bookings.book(alice, request, KEY).booking.held_as == hold_id


@pytest.mark.parametrize("key", [None, KEY], ids=["no key", "idempotency key"])
@pytest.mark.parametrize("operation", ["hold", "book", "direct", "once"])
def test_a_script_that_runs_twice_answers_as_if_once(
    world: World,
    alice: Caller,
    bob: Caller,
    monkeypatch: pytest.MonkeyPatch,
    key: IdempotencyClaim | None,
    operation: str,
) -> None:
    services = world.services
    hold_id = services.holds.place(alice, world.hold_request(start=rfc3339(tomorrow(14)))).hold.hold_id
    run = Scripts.run

    def run_twice(scripts: Scripts, name: str, keys: list[str], args: list[Any]) -> list[Any]:
        run(scripts, name, keys, args)
        return run(scripts, name, keys, args)

    monkeypatch.setattr(Scripts, "run", run_twice)
    if operation == "hold":
        assert services.holds.place(alice, world.hold_request(), key).created
    elif operation == "book":
        assert services.bookings.book(alice, world.book_request(hold_id=hold_id), key).created
    elif operation == "direct":
        assert services.bookings.book(bob, world.direct_request(), key).booking.status == "confirmed"
    else:
        assert services.idempotency.once(alice, key or KEY, lambda: (201, {}))[:2] == (201, {})


@pytest.mark.parametrize("suggest", [0, 1])
def test_a_failing_mongodb_lets_no_client_book_over_a_live_hold(world: World, suggest: int) -> None:
    alice, bob = world.caller("checkout"), world.caller("desk")
    hold_id = world.services.holds.place(alice, world.hold_request()).hold.hold_id
    another_server(world).catalogue_desk.patch_policy(world.org, PolicyPatch(hold_seconds=60))
    failure = {"errorCode": 50, "failCommands": ["find"], "appName": "holdfast"}
    world.services.db.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=failure)
    with pytest.raises((SlotHeld, StoreUnavailable)):
        world.services.bookings.book(bob, world.direct_request(suggest=suggest))
    assert world.services.bookings.book(alice, world.book_request(hold_id=hold_id)).created


def test_an_idempotency_key_answered_with_the_callers_own_hold_belongs_to_that_request(
    world: World, alice: Caller
) -> None:
    holds = world.services.holds
    first = holds.place(alice, world.hold_request(holder="alice-alice-alice"))
    again = holds.place(alice, world.hold_request(holder="alice-alice-alice"), KEY)
    assert (lasting(again.hold), again.created) == (lasting(first.hold), False)
    holds.release(alice, first.hold.hold_id)
    replay = holds.place(alice, world.hold_request(holder="alice-alice-alice"), KEY)
    assert (replay.hold.hold_id, replay.created, replay.replayed) == (first.hold.hold_id, False, True)
    other = IdempotencyClaim(KEY.key, "print of another request")
    with pytest.raises(IdempotencyKeyReused):
        holds.place(alice, world.hold_request(start=rfc3339(tomorrow(15))), other)


def test_an_idempotency_key_answered_with_an_earlier_booking_belongs_to_that_request(
    world: World, alice: Caller
) -> None:
    services = world.services
    one = services.holds.place(alice, world.hold_request()).hold.hold_id
    two = services.holds.place(alice, world.hold_request(start=rfc3339(tomorrow(14)))).hold.hold_id
    booked = services.bookings.book(alice, world.book_request(hold_id=one)).booking
    found = services.bookings.book(alice, world.book_request(hold_id=one), KEY)
    assert (found.booking, found.created) == (booked, False)
    with pytest.raises(IdempotencyKeyReused):
        services.bookings.book(alice, world.book_request(hold_id=two), IdempotencyClaim(KEY.key, "another"))


def test_a_request_for_the_slot_that_a_search_found_gets_the_callers_own_hold(
    world: World, alice: Caller, bob: Caller
) -> None:
    holds, mine = world.services.holds, "alice-alice-alice"
    world.services.bookings.book(bob, world.direct_request())
    later = holds.place(alice, world.hold_request(holder=mine, fallback="next_available")).hold
    assert later.start == tomorrow(11)
    assert holds.place(alice, world.hold_request(holder=mine, start=rfc3339(tomorrow(11)))).hold == later


def test_the_next_booking_attempt_sets_missing_marks_again(world: World) -> None:
    services, alice = world.services, world.caller("checkout")
    services.bookings.book(world.caller("desk"), world.direct_request())
    client: Any = services.redis
    client.delete(*world.claim_keys())
    hold_id = services.holds.place(alice, world.hold_request()).hold.hold_id
    with pytest.raises(SlotBooked):
        services.bookings.book(alice, world.book_request(hold_id=hold_id))
    with pytest.raises(SlotBooked):
        services.holds.place(alice, world.hold_request())
