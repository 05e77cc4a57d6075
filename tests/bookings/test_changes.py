"""A booking after it was made: reading, listing, cancelling; and its first answer, which never changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.access import Caller
from models.booking import Booking
from models.booking_lists import BookingQuery
from models.catalogue import PolicyPatch
from models.errors import BookingNotFound, InvalidRequest, InvalidTransition, TooLate, VersionConflict
from services.bookings.changes import BookingLife
from services.ledger.documents import as_of, change
from tests.bookings.evidence import everything, lose_redis, owners
from tests.world import World, rfc3339, services_over, tomorrow


@pytest.fixture
def life(world: World) -> BookingLife:
    return world.services.booking_life


@pytest.fixture
def booking(world: World, bob: Caller) -> Booking:
    """A visit tomorrow at ten, booked by the desk."""
    return world.services.bookings.book(bob, world.direct_request()).booking


def customer_of(world: World, booking: Booking) -> Caller:
    """The bearer of the booking's manage token."""
    access = world.services.access
    return access.authenticate(access.manage_tokens.make(world.org, booking.booking_id))


def test_a_cancelled_booking_says_who_when_and_why(life: BookingLife, booking: Booking, bob: Caller) -> None:
    cancelled = life.act(bob, booking.booking_id, "cancel", "the customer moved away")
    assert (cancelled.status, cancelled.active, cancelled.version) == ("cancelled", False, 2)
    assert cancelled.updated_at >= booking.updated_at
    entry = cancelled.history[-1]
    assert (entry["action"], entry["by"]) == ("cancel", f"desk:{bob.key_id}")
    assert entry["changes"] == {
        "status": {"from": "confirmed", "to": "cancelled"},
        "reason": {"from": None, "to": "the customer moved away"},
    }
    assert life.get(bob, booking.booking_id) == cancelled


def test_its_slot_is_free_at_once(world: World, life: BookingLife, booking: Booking, bob: Caller) -> None:
    life.act(bob, booking.booking_id, "cancel")
    assert owners(world) == {}
    assert world.services.holds.place(bob, world.hold_request()).created


def test_cancelling_again_gives_the_same_answer_and_changes_nothing(
    world: World, life: BookingLife, booking: Booking, bob: Caller
) -> None:
    first = life.act(bob, booking.booking_id, "cancel")
    before = everything(world)
    assert life.act(bob, booking.booking_id, "cancel", "another reason", expected_version=1) == first
    assert everything(world) == before


def test_cancelling_works_after_redis_was_lost(world: World, life: BookingLife, booking: Booking, bob: Caller) -> None:
    lose_redis(world)
    assert life.act(bob, booking.booking_id, "cancel").status == "cancelled"
    assert owners(world) == {}


def test_a_stale_version_is_refused_and_nothing_changes(
    world: World, life: BookingLife, booking: Booking, bob: Caller
) -> None:
    before = everything(world)
    with pytest.raises(VersionConflict):
        life.act(bob, booking.booking_id, "cancel", expected_version=2)
    assert everything(world) == before
    assert life.act(bob, booking.booking_id, "cancel", expected_version=1).version == 2


@pytest.mark.parametrize("status", ["completed", "no_show", "expired"])
def test_a_booking_that_ended_otherwise_is_not_cancelled(
    world: World, life: BookingLife, booking: Booking, bob: Caller, status: str
) -> None:
    ended = {"$set": {"status": status, "active": False}}
    world.services.db["bookings"].update_one({"_id": booking.booking_id}, ended)
    before = everything(world)
    with pytest.raises(InvalidTransition):
        life.act(bob, booking.booking_id, "cancel")
    assert everything(world) == before


def test_inside_the_cancellation_window_only_staff_may_cancel(
    world: World, life: BookingLife, booking: Booking, bob: Caller, bot: Caller
) -> None:
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(cancel_window_minutes=3 * 24 * 60))
    before = everything(world)
    for caller in (bot, customer_of(world, booking)):
        with pytest.raises(TooLate):
            life.act(caller, booking.booking_id, "cancel")
    assert everything(world) == before
    assert life.act(bob, booking.booking_id, "cancel").status == "cancelled"


def test_the_window_counts_at_once_where_another_server_changed_it(
    world: World, life: BookingLife, booking: Booking
) -> None:
    window = PolicyPatch(cancel_window_minutes=3 * 24 * 60)
    assert world.services.catalogue.policy(world.org).cancel_window_minutes == 0
    other = services_over(world.services.redis, world.services.db)
    other.catalogue_desk.patch_policy(world.org, window)
    other.access.close()
    with pytest.raises(TooLate):
        life.act(customer_of(world, booking), booking.booking_id, "cancel")


def test_outside_the_cancellation_window_the_customer_may_cancel(
    world: World, life: BookingLife, booking: Booking
) -> None:
    assert life.act(customer_of(world, booking), booking.booking_id, "cancel").status == "cancelled"


def test_a_customer_sees_only_their_own_booking(world: World, life: BookingLife, booking: Booking, bob: Caller) -> None:
    another = world.services.bookings.book(bob, world.direct_request(start=rfc3339(tomorrow(14)))).booking
    alice = customer_of(world, booking)
    assert life.get(alice, booking.booking_id) == booking
    with pytest.raises(BookingNotFound):
        life.get(alice, another.booking_id)
    with pytest.raises(BookingNotFound):
        life.act(alice, another.booking_id, "cancel")


def test_another_org_does_not_find_the_booking(
    world: World, life: BookingLife, booking: Booking, charlie: Caller, bob: Caller
) -> None:
    with pytest.raises(BookingNotFound):
        life.get(charlie, booking.booking_id)
    with pytest.raises(BookingNotFound):
        life.act(charlie, booking.booking_id, "cancel")
    with pytest.raises(BookingNotFound):
        life.get(bob, "bk_nothing")


def test_the_first_answer_is_the_booking_as_it_was_made(life: BookingLife, booking: Booking, bob: Caller) -> None:
    assert as_of(life.act(bob, booking.booking_id, "cancel", "a reason"), 1) == booking
    assert as_of(booking, 1) == booking


def test_the_first_answer_undoes_every_change_in_turn(booking: Booking) -> None:
    now, later = booking.created_at + timedelta(hours=1), booking.start + timedelta(hours=1)
    history = [
        *booking.history,
        change(now, "desk:key", "move", {"start": (booking.start, now), "technician_id": ("tech-1", "tech-2")}),
        change(now, "desk:key", "move", {"start": (now, later), "technician_id": ("tech-2", "tech-3")}),
    ]
    changed = {name: getattr(booking, name) for name in Booking.model_fields}
    changed |= {"start": later, "technician_id": "tech-3", "version": 3, "updated_at": now, "history": history}
    assert as_of(Booking(**changed), 1) == booking


def test_the_first_answer_of_an_imported_booking_goes_back_as_far_as_its_history(booking: Booking) -> None:
    imported = booking.changed(version=3, history=[change(booking.created_at, "system", "import", {})])
    assert as_of(imported, 1) == imported.changed(version=1)


def test_a_list_is_ordered_by_start_across_pages(world: World, life: BookingLife, bob: Caller) -> None:
    made = [
        world.services.bookings.book(bob, world.direct_request(start=rfc3339(tomorrow(hour)))).booking
        for hour in (14, 8, 12, 10, 16)
    ]
    listed: list[Booking] = []
    cursor: str | None = None
    for _ in range(3):
        page, cursor = life.page(bob, BookingQuery(limit=2, cursor=cursor))
        listed += page
    assert cursor is None
    assert listed == sorted(made, key=lambda booking: booking.start)


def test_a_list_can_be_narrowed(world: World, life: BookingLife, booking: Booking, bob: Caller) -> None:
    other = world.direct_request(property_id="prop-2", technician_id="tech-2", start=rfc3339(tomorrow(14)))
    second = world.services.bookings.book(bob, other).booking
    cancelled = life.act(bob, booking.booking_id, "cancel")
    after = {"from": rfc3339(tomorrow(12))}
    for query, expected in (
        ({"property_id": "prop-1"}, [cancelled]),
        ({"technician_id": "tech-2"}, [second]),
        ({"status": "cancelled"}, [cancelled]),
        (after, [second]),
        ({"to": rfc3339(tomorrow(12))}, [cancelled]),
    ):
        assert life.page(bob, BookingQuery.model_validate(query)) == (expected, None)


def test_a_list_shows_nothing_of_another_org(
    world: World, life: BookingLife, booking: Booking, charlie: Caller
) -> None:
    assert life.page(charlie, BookingQuery()) == ([], None)
    with pytest.raises(InvalidRequest):
        life.page(charlie, BookingQuery(cursor="not a cursor"))


def test_a_cancelled_booking_was_changed_at_a_known_time(life: BookingLife, booking: Booking, bob: Caller) -> None:
    cancelled = life.act(bob, booking.booking_id, "cancel")
    assert datetime.now(UTC) - cancelled.updated_at < timedelta(minutes=1)
    assert cancelled.history[-1]["at"] == cancelled.updated_at
