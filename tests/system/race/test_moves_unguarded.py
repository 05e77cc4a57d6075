"""The guards of a move: pin, unique index, version. Each test runs once with its guard and once without it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from models.booking import Booking
from models.errors import SlotBooked, SlotHeld, VersionConflict
from services import Services
from services.claims.claims import Claims
from services.claims.placements import Placed, Placement, Stale, Taken
from services.ledger.schema import GUARD
from services.ledger.store import BookingStore
from services.stores.connections import connect_mongo, connect_redis
from tests.bookings.evidence import another_server, lose_redis
from tests.bookings.moving import at, at_step, check_settled, move, stored
from tests.servers import MongoServer, RedisServer
from tests.system.race.together import PATIENCE, Meeting, Outcome, at_once, fresh_slots
from tests.world import PATIENT, World, rfc3339, services_over, tomorrow

SCRATCH = "holdfast_moves"
MOVERS = 8


@pytest.fixture
def scratch_world(stores: tuple[RedisServer, MongoServer]) -> Iterator[World]:
    """A world in a database whose index a test may drop."""
    db, client = connect_mongo(stores[1].url, SCRATCH, PATIENT), connect_redis(stores[0].url, PATIENT)
    made = World(services_over(client, db))
    yield made
    made.services.access.close()
    db.client.drop_database(SCRATCH)
    client.close()
    db.client.close()


def book(world: World, **fields: Any) -> Booking:
    return world.services.bookings.book(world.caller("desk"), world.direct_request(**fields)).booking


# The pin


def hold_during_a_move(world: World) -> str | None:
    """Ask for a hold on the new slot while a booking moves there. Gives the id of the hold, if it was granted."""
    granted: list[str] = []

    def hold() -> None:
        wanted = world.hold_request(start=at(14, 30))
        granted.append(world.services.holds.place(world.caller("checkout"), wanted).hold.hold_id)

    booking = book(world)
    at_step(world.services, "after_move_claim", partial(_unless_taken, hold))
    move(world.services, world.caller("desk"), booking, start=at(14))
    return granted[0] if granted else None


def _unless_taken(act: Any) -> None:
    try:
        act()
    except (SlotHeld, SlotBooked):
        return


def test_no_hold_is_granted_on_the_slot_that_a_booking_moves_to(world: World) -> None:
    assert hold_during_a_move(world) is None
    check_settled(world)


def test_without_a_pin_a_hold_is_granted_there_and_refused_at_book(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same test with the guard off."""
    monkeypatch.setattr(Claims, "place", pin_nothing)
    hold_id = hold_during_a_move(world)
    assert hold_id is not None
    with pytest.raises(SlotBooked):
        world.services.bookings.book(world.caller("checkout"), world.book_request(hold_id=hold_id))


place = Claims.place


def pin_nothing(claims: Claims, placement: Placement) -> Placed | Stale | Taken:
    """A claim that checks whether a slot is free and leaves no pin there."""
    placed = place(claims, placement)
    request = placement.request
    if request.state == "moving" and isinstance(placed, Placed):
        claims.abort(request.org, request.hold_id, deadline_ms=placed.record.deadline_ms, restore=False)
    return placed


# The unique index


def all_move_to_one_slot_while_redis_forgets(world: World, rounds: int) -> list[Outcome[Booking]]:
    """Each move claims in turn, Redis loses each claim, and all write at one moment: MongoDB alone decides."""
    found = []
    for start in fresh_slots(rounds):
        bookings = [
            book(world, start=rfc3339(start + timedelta(minutes=15 * number)), duration_minutes=15)
            for number in range(MOVERS)
        ]
        turn, barrier = threading.Lock(), threading.Barrier(MOVERS)
        target = rfc3339(start + timedelta(hours=4))
        found.append(at_once([partial(forgotten_move, world, each, target, turn, barrier) for each in bookings]))
    return found


def forgotten_move(
    world: World, booking: Booking, target: str, turn: threading.Lock, barrier: threading.Barrier
) -> Booking:
    """One of these moves, on a server of its own."""
    server = another_server(world)

    def forget() -> None:
        lose_redis(world)
        turn.release()
        barrier.wait(PATIENCE)

    at_step(server, "after_move_claim", forget)
    turn.acquire()
    return move(server, world.caller("desk"), booking, start=target)


def test_with_redis_lost_during_the_moves_the_index_lets_exactly_one_succeed(scratch_world: World) -> None:
    for outcome in all_move_to_one_slot_while_redis_forgets(scratch_world, 6):
        assert len(outcome.values) == 1
        assert outcome.kinds() == {SlotBooked}
    assert scratch_world.double_booked() == []
    scratch_world.services.relay._rebuild.run(scratch_world.org)
    check_settled(scratch_world)


def test_without_the_index_several_moves_succeed(scratch_world: World) -> None:
    """The negative control: the same race with the guard off."""
    scratch_world.services.db["bookings"].drop_index(GUARD)
    for outcome in all_move_to_one_slot_while_redis_forgets(scratch_world, 3):
        assert SlotBooked not in outcome.kinds()  # only the mirror notices, and only afterwards
    assert len({tuple(sorted(each["bookings"])) for each in scratch_world.double_booked()}) == 3


# The version


class Unversioned:
    """The bookings of MongoDB, whose changes do not name a version."""

    def __init__(self, bookings: Any) -> None:
        self._bookings = bookings

    def find_one_and_update(self, query: dict[str, Any], *arguments: Any, **named: Any) -> Any:
        query = {name: value for name, value in query.items() if name not in ("version", "active")}
        return self._bookings.find_one_and_update(query, *arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bookings, name)


def without_version(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    store: BookingStore = services.booking_life._store
    monkeypatch.setattr(store, "_bookings", Unversioned(store._bookings))


def overtaken(world: World, how: str) -> Booking:
    """Cancel or move a booking while another request is about to move it. Gives the booking afterwards."""
    bob, booking, other = world.caller("desk"), book(world), another_server(world)

    def overtake() -> None:
        if how == "cancelled":
            other.booking_life.act(bob, booking.booking_id, "cancel")
        else:
            move(other, bob, booking, start=at(16))

    at_step(world.services, "after_move_claim", overtake)
    move(world.services, bob, booking, start=at(14))
    return stored(world, booking.booking_id)


@pytest.mark.parametrize("how", ["cancelled", "moved"])
def test_an_overtaken_move_is_refused_and_changes_nothing(world: World, how: str) -> None:
    with pytest.raises(VersionConflict):
        overtaken(world, how)
    (document,) = world.bookings()
    assert (document["version"], document["start"]) == (2, tomorrow(10) if how == "cancelled" else tomorrow(16))
    check_settled(world)


@pytest.mark.parametrize("how", ["cancelled", "moved"])
def test_without_the_version_in_the_query_the_other_change_is_lost(
    world: World, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same test with the guard off."""
    without_version(world.services, monkeypatch)
    found = overtaken(world, how)
    assert (found.version, found.start, len(found.history)) == (2, tomorrow(14), 3)


def test_without_the_version_several_moves_make_the_same_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of `test_of_many_moves_of_one_version_exactly_one_is_made`. The first move waits until a
    second one has read the version."""
    without_version(world.services, monkeypatch)
    at_step(world.services, "after_move_claim", Meeting())
    booking = book(world, duration_minutes=15)
    bob, moves = world.caller("desk"), [rfc3339(tomorrow(12 + hour)) for hour in range(8)]
    outcome = at_once([partial(move, world.services, bob, booking, start=start) for start in moves])
    assert len(outcome.values) > 1
    assert {moved.version for moved in outcome.values} == {2}
