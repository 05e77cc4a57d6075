"""Servers whose own clock is wrong: MongoDB's clock ends a reservation, and gives the times of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from models.access import Caller
from models.booking import Booking
from models.booking_changes import BookingPatch
from models.booking_lists import BookingQuery
from models.errors import InvalidTransition, RequestInProgress, SlotBooked
from services import Services
from services.claims.mirror import Mirror
from services.ledger import store
from services.ledger.versions import OVERDUE
from services.stores.connections import connect_redis
from tests.bookings.evidence import lose_redis
from tests.bookings.moving import at_step, move
from tests.bookings.reserving import (
    Clock,
    Take,
    book,
    confirm,
    expired,
    hold_and_book,
    now_in_store,
    reserve,
    reserve_too,
    run_out,
    search,
    seen_by,
)
from tests.claim_keys import end_claims
from tests.world import World, rfc3339, services_over, tomorrow

WRONG = {"two hours ahead": timedelta(hours=2), "an hour behind": timedelta(hours=-1)}
CLOSE = timedelta(minutes=1)
Server = Callable[[timedelta], World]


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    """Makes another server of the same org whose clock is wrong by so much."""
    made: list[Services] = []

    def make(ahead: timedelta) -> World:
        clock, here = Clock(), world.services
        clock.ahead = ahead
        made.append(services_over(here.redis, here.db, clock, prepared=True))
        return seen_by(world, made[-1])

    yield make
    for services in made:
        services.access.close()


@pytest.fixture(params=WRONG.values(), ids=WRONG.keys())
def wrong(server: Server, request: pytest.FixtureRequest) -> World:
    """The same org on a server whose clock is wrong."""
    return server(request.param)


def is_about_now(moment: datetime | None) -> bool:
    return moment is not None and abs(moment - datetime.now(UTC)) < CLOSE


def test_a_reservation_lasts_its_hours_by_the_clock_of_a_store(wrong: World) -> None:
    booking = reserve(wrong, hours=1)
    assert booking.reserved_until
    assert is_about_now(booking.reserved_until - timedelta(hours=1))
    assert is_about_now(booking.created_at)


def test_without_redis_it_lasts_its_hours_by_mongodbs_clock(world: World) -> None:
    clock, nowhere = Clock(), connect_redis("redis://127.0.0.1:1/0")
    clock.ahead = timedelta(hours=2)
    cut_off = services_over(nowhere, world.services.db, clock, prepared=True)
    booking = reserve(seen_by(world, cut_off), hours=1)
    cut_off.access.close()
    nowhere.close()
    assert booking.reserved_until
    assert is_about_now(booking.reserved_until - timedelta(hours=1))


def test_nothing_that_a_wrong_server_is_asked_ends_a_reservation_early(world: World, wrong: World, bob: Caller) -> None:
    booking, life = reserve(world, hours=1), wrong.services.booking_life
    assert life.get(bob, booking.booking_id) == booking
    for query in (BookingQuery(), BookingQuery(status="pending"), BookingQuery(property_id="prop-1")):
        assert life.page(bob, query) == ([booking], None)
    for take in (hold_and_book, book, reserve_too):
        with pytest.raises(SlotBooked):
            take(wrong)
    assert search(wrong).start == tomorrow(11)
    assert now_in_store(world, booking) == booking
    assert confirm(wrong, booking).status == "confirmed"


def test_by_its_own_clock_a_server_that_is_ahead_would_end_it_early(
    world: World, server: Server, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the filter asks the clock of the server in place of MongoDB's."""
    booking, ahead = reserve(world, hours=1), server(WRONG["two hours ahead"])
    monkeypatch.setattr(store, "OVERDUE", {"status": "pending", "reserved_until": {"$lte": ahead.services.clock()}})
    assert ahead.services.booking_life.get(bob, booking.booking_id).status == "expired"
    assert book(ahead).start == tomorrow(10)
    assert expired(world, booking)


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
@pytest.mark.parametrize("take", [hold_and_book, book, reserve_too])
def test_a_wrong_server_gives_an_overdue_reservation_to_the_next_request(
    world: World, wrong: World, take: Callable[[World], Booking], cold: bool
) -> None:
    booking = reserve(world, hours=1)
    run_out(world, booking)
    if cold:
        lose_redis(world)
    bob = world.caller("desk")
    assert wrong.services.booking_life.get(bob, booking.booking_id).status == "expired"
    with pytest.raises(InvalidTransition):
        confirm(wrong, booking)
    assert take(wrong).start == tomorrow(10)
    assert expired(world, booking)


def test_the_relay_of_a_wrong_machine_expires_what_is_overdue_and_nothing_else(world: World, wrong: World) -> None:
    lasting, over = reserve(world, 14, hours=1), reserve(world, 10, hours=1)
    run_out(world, over)
    wrong.services.relay._reservations.expire_overdue()
    assert (now_in_store(world, lasting), expired(world, over)) == (lasting, True)


def test_the_relay_finds_overdue_reservations_along_the_index_of_deadlines(world: World) -> None:
    for hour in range(8, 18):
        reserve(world, hour)
    bookings = world.services.db["bookings"]
    found = bookings.find(OVERDUE).hint("by_deadline").sort("reserved_until", 1)
    # Other tests share the collection and may leave overdue reservations in it.
    assert found.explain()["executionStats"]["totalDocsExamined"] <= bookings.count_documents(OVERDUE) < 10


def test_times_of_a_booking_never_go_back(world: World, server: Server, bob: Caller) -> None:
    """The changes come from servers that are ahead and behind in turn."""
    servers = [server(timedelta(minutes=minutes)) for minutes in (5, -5, 5, -5)]
    booking = book(servers[0])
    seen = [booking]
    for number, each in enumerate(servers):
        patch = BookingPatch(description=f"Note {number}")
        seen.append(each.services.booking_life.reschedule(bob, booking.booking_id, patch, None))
    seen.append(servers[1].services.booking_life.act(bob, booking.booking_id, "cancel"))
    last = seen[-1]
    times = [entry["at"] for entry in last.history]
    assert times == sorted(times) == [each.updated_at for each in seen]
    assert is_about_now(times[0])
    assert is_about_now(times[-1])
    assert last.created_at == times[0]


@pytest.mark.parametrize("take", [book, reserve_too, search])
def test_a_direct_booking_is_refused_while_redis_alone_takes_a_reservation_for_over(
    world: World, monkeypatch: pytest.MonkeyPatch, take: Take
) -> None:
    """The clock of Redis is ahead, so it takes no marks of the reservation."""
    booking = reserve(world)
    end_claims(world.services.redis, world.names, booking.booking_id)
    monkeypatch.setattr(Mirror, "settle", lambda *_: None)
    with pytest.raises(SlotBooked):
        take(world)
    assert (world.marks(), now_in_store(world, booking)) == ({}, booking)


def test_the_next_time_is_no_earlier_than_the_last_even_if_mongodbs_clock_went_back(world: World, bob: Caller) -> None:
    booking, later = book(world), tomorrow(20)
    world.services.db["bookings"].update_one({"_id": booking.booking_id}, {"$set": {"updated_at": later}})
    changed = world.services.booking_life.reschedule(bob, booking.booking_id, BookingPatch(description="x"), 1)
    assert (changed.updated_at, changed.history[-1]["at"]) == (later, later)


def test_the_same_move_twice_at_once_is_one_change_and_the_second_has_to_wait(
    world: World, wrong: World, bob: Caller
) -> None:
    booking, refused = book(world), list[bool]()

    def ask_as_well() -> None:
        with pytest.raises(RequestInProgress):
            move(wrong.services, bob, booking, start=rfc3339(tomorrow(14)))
        refused.append(True)

    at_step(world.services, "after_move_claim", ask_as_well)
    assert move(world.services, bob, booking, start=rfc3339(tomorrow(14))).version == 2
    assert refused
