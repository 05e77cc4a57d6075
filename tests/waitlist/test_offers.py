"""An offer is made in four steps: what happens when a relay dies, or a client leaves or books, between two of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.errors import HoldReleased, InvalidTransition
from models.slot import Opening
from models.waitlist import WaitEntry
from services import Services
from services.claims.claims import Claims
from services.waitlist.offers import Offering
from services.waitlist.store import WaitlistStore
from tests.bookings.evidence import another_server, id_of, lapse, lose_redis, warm
from tests.waitlist.waiting import join, live_holds, noted, offers_published, seen, statuses, tend
from tests.world import World, name_of, tomorrow

STEPS = ("after_offer_intent", "after_offer_hold", "after_offer_published")


class Died(BaseException):
    """The relay was killed here."""


def at_step(services: Services, step: str, act: Callable[[], object]) -> None:
    """Calls `act` whenever an offer by these services reaches a step."""

    def reach(point: str) -> None:
        if point == step:
            act()

    services.offers._offering._crash = reach


def dying_relay(world: World, step: str) -> Services:
    """A relay that dies right after a step."""

    def die() -> None:
        raise Died

    services = another_server(world)
    at_step(services, step, die)
    return services


def die_at(world: World, step: str) -> None:
    with pytest.raises(Died):
        tend(world, dying_relay(world, step))


def leave(world: World, entry: WaitEntry) -> None:
    world.services.waitlist.leave(world.caller("bot"), entry.waitlist_id)


@pytest.mark.parametrize("step", STEPS)
def test_a_relay_continues_what_a_dead_relay_left(world: World, step: str) -> None:
    first, second = join(world), join(world)
    die_at(world, step)
    assert statuses(world, first, second) == ["waiting", "waiting"]
    assert len(live_holds(world)) == (0 if step == "after_offer_intent" else 1)
    left = noted(world, first)["hold_id"]
    tend(world)
    assert statuses(world, first, second) == ["offered", "waiting"]
    assert live_holds(world) == {left} == {seen(world, first).hold_id}
    assert [(event["id"], event["hold_id"]) for event in offers_published(world)] == [(first.waitlist_id, left)]


@pytest.mark.parametrize("step", STEPS)
def test_relays_that_die_one_after_another_leave_one_hold(world: World, step: str) -> None:
    entry = join(world, end=tomorrow(18))
    for _ in range(3):
        with suppress(Died):  # a relay does not repeat a step that is done
            tend(world, dying_relay(world, step))
    tend(world)
    assert live_holds(world) == {seen(world, entry).hold_id}
    assert len(offers_published(world)) == 1


@pytest.mark.parametrize("step", STEPS)
def test_an_unmarked_hold_that_ran_out_is_followed_by_a_new_offer(world: World, step: str) -> None:
    entry = join(world)
    die_at(world, step)
    left = noted(world, entry)["hold_id"]
    if step != "after_offer_intent":
        lapse(world, left)
    tend(world)
    assert statuses(world, entry) == ["offered"]
    assert live_holds(world) == {seen(world, entry).hold_id}
    assert (seen(world, entry).hold_id == left) == (step == "after_offer_intent")


@pytest.mark.parametrize("step", STEPS)
def test_leaving_while_an_offer_is_made_leaves_no_hold(world: World, step: str) -> None:
    entry, relay = join(world), another_server(world)
    at_step(relay, step, lambda: leave(world, entry))
    tend(world, relay)
    assert statuses(world, entry) == ["cancelled"]
    assert live_holds(world) == set()


@pytest.mark.parametrize("step", STEPS)
def test_leaving_after_the_relay_died_leaves_no_hold(world: World, step: str) -> None:
    entry = join(world)
    die_at(world, step)
    leave(world, entry)
    assert statuses(world, entry) == ["cancelled"]
    assert live_holds(world) == set()
    tend(world)
    assert live_holds(world) == set()


def test_a_hold_placed_late_for_a_cancelled_entry_is_released(world: World) -> None:
    """A relay freezes before it places the hold, and dies right after."""
    entry = join(world)
    die_at(world, "after_offer_intent")
    intended = world.services.offers._store.find(world.org, entry.waitlist_id)
    assert intended is not None
    leave(world, entry)
    opening = Opening(tomorrow(10), tomorrow(11), "tech-1")
    assert world.services.offers._offering._place(intended, opening)
    assert live_holds(world) == {intended.hold_id}
    tend(world)
    assert live_holds(world) == set()
    assert noted(world, entry)["unsettled"] is True
    late = {"$set": {"updated_at": datetime.now(UTC) - timedelta(minutes=2)}}
    world.services.db["waitlist"].update_one({"_id": entry.waitlist_id}, late)
    tend(world)
    assert noted(world, entry)["unsettled"] is False


def test_an_offer_made_while_the_client_leaves_is_released_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, change = join(world), WaitlistStore.change

    def offered_meanwhile(
        store: WaitlistStore, old: WaitEntry, at: datetime, by: str, action: str, **changed: Any
    ) -> Any:
        if action == "cancel" and not offers_published(world):
            tend(world)
            assert statuses(world, entry) == ["offered"]
        return change(store, old, at, by, action, **changed)

    monkeypatch.setattr(WaitlistStore, "change", offered_meanwhile)
    leave(world, entry)
    assert len(offers_published(world)) == 1
    assert statuses(world, entry) == ["cancelled"]
    assert live_holds(world) == set()


def test_a_booking_made_while_the_client_leaves_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, release = join(world), Claims.release
    tend(world)
    hold_id = seen(world, entry).held_as

    def booked_meanwhile(claims: Claims, *args: Any, **named: Any) -> str:
        world.services.bookings.book(world.caller("bot"), world.book_request(hold_id=hold_id))
        return release(claims, *args, **named)

    monkeypatch.setattr(Claims, "release", booked_meanwhile)
    with pytest.raises(InvalidTransition):
        leave(world, entry)
    monkeypatch.undo()
    tend(world)
    assert statuses(world, entry) == ["booked"]
    assert len(world.bookings(active=True)) == 1


def test_a_booking_after_the_release_is_refused_and_the_entry_is_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, release = join(world), Claims.release
    tend(world)
    hold_id = seen(world, entry).held_as

    def booked_after(claims: Claims, *args: Any, **named: Any) -> str:
        word = release(claims, *args, **named)
        with pytest.raises(HoldReleased):
            world.services.bookings.book(world.caller("bot"), world.book_request(hold_id=hold_id))
        return word

    monkeypatch.setattr(Claims, "release", booked_after)
    leave(world, entry)
    assert statuses(world, entry) == ["cancelled"]
    assert world.bookings() == []


def test_a_crash_between_release_and_cancellation_leaves_an_unaccepted_offer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = join(world)
    tend(world)
    second = join(world)

    def die(*_: object, **__: object) -> None:
        raise Died

    monkeypatch.setattr(WaitlistStore, "change", die)
    with pytest.raises(Died):
        leave(world, entry)
    monkeypatch.undo()
    tend(world)
    assert statuses(world, entry, second) == ["lapsed", "offered"]
    leave(world, entry)
    assert statuses(world, entry, second) == ["cancelled", "offered"]
    assert live_holds(world) == {seen(world, second).hold_id}


def test_an_entry_is_cancelled_even_if_the_relay_settles_it_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, release = join(world), Claims.release
    tend(world)

    def settled_meanwhile(claims: Claims, *args: Any, **named: Any) -> str:
        word = release(claims, *args, **named)
        monkeypatch.undo()
        tend(world)
        return word

    monkeypatch.setattr(Claims, "release", settled_meanwhile)
    leave(world, entry)
    assert statuses(world, entry) == ["cancelled"]


def test_a_hold_that_was_not_checked_in_mongodb_is_not_offered(world: World) -> None:
    entry = join(world)
    die_at(world, "after_offer_hold")
    unchecked = noted(world, entry)["hold_id"]
    world.services.redis.hset(world.names.hold(name_of(unchecked)), "cold", 1)
    tend(world)
    assert statuses(world, entry) == ["offered"]
    assert live_holds(world) == {seen(world, entry).hold_id}
    assert seen(world, entry).hold_id != unchecked
    assert [event["hold_id"] for event in offers_published(world)] == [seen(world, entry).hold_id]


def test_an_intent_whose_hold_was_lost_with_redis_gets_a_new_hold(world: World) -> None:
    entry = join(world)
    die_at(world, "after_offer_hold")
    lose_redis(world)
    tend(world)
    assert live_holds(world) == set()
    warm(world)
    tend(world)
    assert statuses(world, entry) == ["offered"]
    assert live_holds(world) == {seen(world, entry).hold_id}


def test_an_offer_booked_before_its_entry_was_marked_is_booked(world: World) -> None:
    """The event names the hold before the entry does."""
    entry, alice = join(world), world.caller("bot")
    die_at(world, "after_offer_published")
    (event,) = offers_published(world)
    booking = world.services.bookings.book(alice, world.book_request(hold_id=id_of(world, event["hold_id"]))).booking
    tend(world)
    tend(world)
    found = noted(world, entry)
    assert (found["status"], found["booking_id"]) == ("booked", booking.booking_id)
    assert len(offers_published(world)) == 1


def test_an_opening_that_another_client_took_first_is_skipped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, offer = join(world, end=tomorrow(13)), Offering.offer

    def overtaken(offering: Offering, waiting: WaitEntry, openings: list[Opening]) -> bool:
        world.services.holds.place(world.caller("desk"), world.hold_request())
        return offer(offering, waiting, openings)

    monkeypatch.setattr(Offering, "offer", overtaken)
    tend(world)
    assert statuses(world, entry) == ["waiting"]
    monkeypatch.undo()
    tend(world)
    assert seen(world, entry).start == tomorrow(11)
