"""Requests race at the deadline of a reservation, on a real Redis: exactly one wins.

Each race has a negative control: the same race with a guard off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from models.booking import Booking
from models.errors import InvalidTransition, Refusal, SlotBooked, SlotHeld
from scripts.dev_server.child import wait_until
from services.claims.mirror import Mirror
from services.ledger.expiry import Reservations
from services.ledger.store import BookingStore
from services.stores.connections import Document, connect_mongo, connect_redis
from tests.bookings.evidence import owners
from tests.bookings.reserving import NEAR_SECONDS, due_in, expired, now_in_store, request, seen_by
from tests.servers import MongoServer, RedisServer
from tests.system.race.together import PATIENCE, Outcome, at_once, fresh_slots, mirrored
from tests.world import DATABASE, PATIENT, World, rfc3339, services_over, tomorrow

CLIENTS = 50
TO_THE_RACE = 0.7
"""Seconds to a deadline around which requests race. If they all come late, the rules of the race are the same."""
SPREAD = timedelta(milliseconds=30)
Act = Callable[[], Booking]


class RefusedAtBook(Exception):
    """A hold was granted and then could not be booked. This is a fault, not a lost race."""


@pytest.fixture
def servers(world: World, stores: tuple[RedisServer, MongoServer]) -> Iterator[list[World]]:
    """One org on two servers, each with connections of its own."""
    client, db = connect_redis(stores[0].url, PATIENT), connect_mongo(stores[1].url, DATABASE, PATIENT)
    second = services_over(client, db)
    yield [world, seen_by(world, second)]
    second.access.close()
    client.close()
    db.client.close()


def reserved(world: World, start: datetime) -> Booking:
    wanted = request(start=rfc3339(start), hours=1)
    return world.services.bookings.reserve(world.caller("desk"), wanted).booking


def directly(world: World, start: datetime) -> Booking:
    return world.services.bookings.book(world.caller("bot"), world.direct_request(start=rfc3339(start))).booking


def by_hold(world: World, start: datetime) -> Booking:
    alice, services = world.caller("checkout"), world.services
    hold_id = services.holds.place(alice, world.hold_request(start=rfc3339(start))).hold.hold_id
    try:
        return services.bookings.book(alice, world.book_request(hold_id=hold_id)).booking
    except Refusal as error:
        raise RefusedAtBook from error


def confirm(world: World, booking: Booking) -> Booking:
    return world.services.booking_life.act(world.caller("desk"), booking.booking_id, "confirm")


def around(moment: datetime, count: int) -> list[datetime]:
    """`count` moments, spread evenly around one."""
    return [moment + SPREAD * (2 * number / (count - 1) - 1) for number in range(count)]


def rush(servers: list[World], start: datetime, count: int = CLIENTS) -> list[Act]:
    """Many requests for one slot: half of them by a hold, half of them on each server."""
    return [partial(by_hold if number % 2 else directly, servers[number // 2 % 2], start) for number in range(count)]


def race_at_the_deadline(servers: list[World], start: datetime) -> tuple[Booking, Outcome[Booking]]:
    """Make a reservation, and ask for its slot many times from just before its deadline to just after it."""
    due = due_in(servers[0], reserved(servers[0], start), TO_THE_RACE)
    assert due.reserved_until
    return due, at_once(rush(servers, start), around(due.reserved_until, CLIENTS))


def test_of_fifty_requests_at_the_deadline_exactly_one_gets_the_slot(servers: list[World]) -> None:
    world = servers[0]
    for start in fresh_slots(4):
        due, outcome = race_at_the_deadline(servers, start)
        (made,) = outcome.values
        assert outcome.kinds() <= {SlotHeld, SlotBooked}
        assert due.reserved_until
        assert made.created_at >= due.reserved_until
        assert expired(world, due)
    assert world.double_booked() == []
    assert len(world.bookings(active=True)) == 4
    assert mirrored(world)


def test_if_the_marks_do_not_end_no_request_gets_the_slot(
    servers: list[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: marks last until the visit is over, and no server asks MongoDB about them."""
    monkeypatch.setattr(Reservations, "made_way", lambda *_asked: False)
    asked_of = Mirror._asked

    def endless(mirror: Mirror, booking: Booking, gone: Set[str]) -> dict[str, Any]:
        asked = asked_of(mirror, booking, gone)
        return {**asked, "ends_ms": asked["visit_ends_ms"]}

    monkeypatch.setattr(Mirror, "_asked", endless)
    _, outcome = race_at_the_deadline(servers, tomorrow(8))
    assert outcome.values == []
    assert outcome.kinds() == {SlotBooked}


def test_of_a_confirmation_and_requests_at_the_deadline_exactly_one_gets_the_slot(servers: list[World]) -> None:
    world = servers[0]
    for number, start in enumerate(fresh_slots(8)):
        due = due_in(world, reserved(world, start), TO_THE_RACE / 2)
        assert due.reserved_until
        late = due.reserved_until + SPREAD * (number - 6) / 4
        acts: list[Act] = [partial(confirm, servers[1], due), *rush(servers, start, 12)]
        outcome = at_once(acts, [late, *around(due.reserved_until, 12)])
        (made,) = outcome.values
        assert outcome.kinds() <= {SlotHeld, SlotBooked, InvalidTransition}
        assert (made.booking_id == due.booking_id) != expired(world, due)
        assert [each["_id"] for each in world.bookings(active=True, start=start)] == [made.booking_id]
    assert world.double_booked() == []
    assert mirrored(world)


def over(due: Booking) -> bool:
    """Whether its deadline is over on every clock."""
    assert due.reserved_until
    return datetime.now(UTC) > due.reserved_until + timedelta(milliseconds=5)


def hold_during_a_confirmation(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[Act, Booking]:
    """A worker confirms in time but stalls before it writes; the deadline passes, and Alice holds the slot.

    Gives the act by which Alice books her hold, and the reservation.
    """
    alice, services, update, given = world.caller("checkout"), world.services, BookingStore.update, list[str]()
    due = due_in(world, reserved(world, tomorrow(10)), NEAR_SECONDS)

    def stall(store: BookingStore, old: Booking, fields: Document, noted: Document, *also: Document) -> Booking | None:
        if noted["action"] == "confirm" and not given:
            assert wait_until(partial(over, due), seconds=PATIENCE)
            given.append(services.holds.place(alice, world.hold_request()).hold.hold_id)
        return update(store, old, fields, noted, *also)

    monkeypatch.setattr(BookingStore, "update", stall)
    with suppress(InvalidTransition):
        confirm(world, due)
    (hold_id,) = given
    return lambda: services.bookings.book(alice, world.book_request(hold_id=hold_id)).booking, due


def test_a_hold_that_is_granted_during_a_confirmation_can_be_booked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, due = hold_during_a_confirmation(world, monkeypatch)
    made = book()
    assert expired(world, due)
    assert owners(world) == {f"booked {made.booking_id}": 8}


def test_without_keeping_the_slot_such_a_hold_cannot_be_booked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the same run with the guard off."""
    monkeypatch.setattr(Reservations, "keep", lambda *_kept: None)
    book, due = hold_during_a_confirmation(world, monkeypatch)
    assert now_in_store(world, due).status == "confirmed"
    with pytest.raises(SlotBooked):
        book()


Update = Callable[..., Booking | None]


def confirmation_during_an_expiry(
    world: World, monkeypatch: pytest.MonkeyPatch, expire: Update
) -> tuple[Booking, Booking, list[Booking]]:
    """A confirmation in time is written late, while another worker is about to expire the reservation as overdue.

    expire: writes the expiry. Gives the reservation, the answer to the confirmation, and the other worker's booking, if
    it made one.
    """
    update, waiting = BookingStore.update, list[tuple[BookingStore, Booking, Document, Document]]()
    answers, booked = list[Booking | None](), list[Booking]()
    due = due_in(world, reserved(world, tomorrow(10)), NEAR_SECONDS)

    def cross(store: BookingStore, old: Booking, fields: Document, noted: Document, *also: Document) -> Booking | None:
        if noted["action"] == "confirm":
            waiting.append((store, old, fields, noted))
            assert wait_until(partial(over, due), seconds=PATIENCE)
            with suppress(SlotBooked):
                booked.append(directly(world, tomorrow(10)))
            return answers[0]
        if noted["action"] == "expire" and not answers:
            answers.append(update(*waiting[0]))
        return expire(store, old, fields, noted, *also)

    monkeypatch.setattr(BookingStore, "update", cross)
    return due, confirm(world, due), booked


def by_id_alone(store: BookingStore, old: Booking, fields: Document, noted: Document, *_also: Document) -> Booking:
    """An expiry that ignores the version: it ends the booking, whatever happened to it meanwhile."""
    changed = {"$set": {**fields, "version": old.version + 1}, "$push": {"history": {**noted, "at": datetime.now(UTC)}}}
    store._bookings.update_one({"_id": old.booking_id}, changed)
    found = store.find(old.org, old.booking_id)
    assert found is not None
    return found


def test_an_expiry_after_a_confirmation_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    due, answered, booked = confirmation_during_an_expiry(world, monkeypatch, BookingStore.update)
    assert (answered.status, now_in_store(world, due), booked) == ("confirmed", answered, [])
    assert owners(world) == {f"booked {due.booking_id}": 8}
    with pytest.raises(SlotBooked):
        directly(world, tomorrow(10))


def test_an_expiry_by_id_alone_expires_a_confirmed_booking(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the same run with the guard off."""
    due, answered, booked = confirmation_during_an_expiry(world, monkeypatch, by_id_alone)
    assert (answered.status, now_in_store(world, due).status) == ("confirmed", "expired")
    assert [each["_id"] for each in world.bookings(active=True)] == [made.booking_id for made in booked]
