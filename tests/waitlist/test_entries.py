"""The waitlist as clients use it: who may join, read and leave, and what they get."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.errors import WriteError
from structlog.testing import capture_logs

from models.access import IdempotencyClaim, Role
from models.catalogue import PolicyPatch
from models.errors import (
    Forbidden,
    HoldReleased,
    IdempotencyKeyReused,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    PropertyNotFound,
    RequestInProgress,
    TechnicianNotFound,
)
from services.claims.keys import digest
from services.ids import WaitlistIds
from services.waitlist.entries import Joined
from tests.bookings.evidence import another_server, begin, insert_only, lapse, lose_redis, warm
from tests.redis_dump import dump
from tests.waitlist.waiting import (
    join,
    live_holds,
    noted,
    offered,
    request,
    seen,
    statuses,
    take,
    tend,
)
from tests.world import SECRET, World, tomorrow


def test_an_entry_whose_offer_was_lost_with_redis_waits_in_its_old_position(world: World) -> None:
    first = offered(world)
    second = join(world)
    lose_redis(world)
    assert seen(world, first).status == "waiting"
    tend(world)
    assert statuses(world, first, second) == ["waiting", "waiting"]
    warm(world)
    tend(world)
    assert statuses(world, first, second) == ["offered", "waiting"]
    assert seen(world, first).hold_id != first.hold_id


def test_an_offer_lost_with_redis_lapses_when_its_time_is_over(world: World) -> None:
    entry = offered(world)
    over = {"$set": {"offered_until": datetime.now(UTC) - timedelta(seconds=1)}}
    world.services.db["waitlist"].update_one({"_id": entry.waitlist_id}, over)
    lose_redis(world)
    assert seen(world, entry).status == "lapsed"
    tend(world)
    assert statuses(world, entry) == ["lapsed"]


def test_an_offer_that_was_booked_just_before_redis_was_lost_is_booked(world: World) -> None:
    entry = offered(world)
    alice = world.caller("bot")
    booking = insert_only(world, alice, world.book_request(hold_id=entry.held_as), entry.held_as)
    lose_redis(world)
    assert (seen(world, entry).status, seen(world, entry).booking_id) == ("booked", booking.booking_id)
    tend(world)
    assert noted(world, entry)["booking_id"] == booking.booking_id


def test_between_two_rounds_an_offer_is_shown_as_its_hold_is(world: World) -> None:
    alice = world.caller("bot")
    expired = offered(world)
    lapse(world, str(expired.hold_id))
    assert seen(world, expired).status == "lapsed"
    tend(world)
    booked = offered(world, offer_minutes=5)
    longer = world.services.holds.extend(alice, str(booked.held_as), 600)
    assert seen(world, booked).offered_until == longer.expires_at
    begin(world, alice, str(booked.hold_id))
    assert seen(world, booked).status == "offered"
    made = world.services.bookings.book(alice, world.book_request(hold_id=booked.held_as)).booking
    assert (seen(world, booked).status, seen(world, booked).booking_id) == ("booked", made.booking_id)
    assert statuses(world, booked) == ["offered"]


def test_only_staff_and_the_key_that_waits_may_read_and_leave(world: World) -> None:
    access, waitlist = world.services.access, world.services.waitlist
    entry = join(world)
    stranger = access.authenticate(access.create_key(world.org, Role.CHECKOUT).key)
    rival = access.authenticate(world.rival_key)
    for act in (waitlist.get, waitlist.leave):
        with pytest.raises(Forbidden):
            act(stranger, entry.waitlist_id)
        with pytest.raises(NotFound):
            act(rival, entry.waitlist_id)
        with pytest.raises(NotFound):
            act(world.caller("admin"), "wl_nobody")
    assert waitlist.get(world.caller("desk"), entry.waitlist_id).customer["name"] == "Alice"
    waitlist.leave(world.caller("desk"), entry.waitlist_id)
    assert statuses(world, entry) == ["cancelled"]


def test_an_unknown_property_and_a_window_without_room_are_refused(world: World) -> None:
    with pytest.raises(PropertyNotFound):
        join(world, property_id="prop-9")
    with pytest.raises(TechnicianNotFound):
        join(world, technician_id="tech-9")
    now = datetime.now(UTC)
    for changed, faults in (
        ({"begin": now - timedelta(days=2), "end": now - timedelta(hours=1)}, [("to", "window_over")]),
        ({"end": tomorrow(10, 45)}, [("to", "no_visit_fits")]),
        ({"begin": now - timedelta(days=2), "end": now + timedelta(minutes=30)}, [("to", "no_visit_fits")]),
        (
            {"end": tomorrow(10) + timedelta(days=62, minutes=1), "duration_minutes": 50},
            [("to", "too_long"), ("duration_minutes", "off_grid")],
        ),
    ):
        with pytest.raises(InvalidRequest) as refused:
            join(world, **changed)
        assert [(fault.field, fault.code) for fault in refused.value.faults] == faults
    assert world.services.db["waitlist"].count_documents({"org": world.org}) == 0


def test_a_catalogue_change_on_another_server_counts_at_once(world: World) -> None:
    join(world)
    other = another_server(world)
    other.catalogue_desk.patch_policy(
        world.org, PolicyPatch(allowed_duration_minutes=[30], default_duration_minutes=30)
    )
    with pytest.raises(InvalidRequest):
        join(world)


def test_a_repeat_under_its_idempotency_key_gets_the_first_entry(world: World) -> None:
    alice, waitlist = world.caller("bot"), world.services.waitlist
    first = waitlist.join(alice, request(), IdempotencyClaim("key", "print")).entry
    assert waitlist.join(alice, request(), IdempotencyClaim("key", "print")) == Joined(first, replayed=True)
    with pytest.raises(IdempotencyKeyReused):
        waitlist.join(alice, request(), IdempotencyClaim("key", "another print"))
    world.services.db["waitlist"].update_one(
        {"_id": first.waitlist_id}, {"$set": {"created_at": first.created_at - timedelta(hours=25)}}
    )
    later = waitlist.join(alice, request(), IdempotencyClaim("key", "print"))
    assert (later.entry.waitlist_id != first.waitlist_id, later.replayed) == (True, False)
    assert waitlist.join(alice, request(), IdempotencyClaim("key", "print")) == replace(later, replayed=True)


def test_the_id_of_a_keyed_entry_cannot_be_derived_without_the_secret(world: World) -> None:
    alice, claim = world.caller("bot"), IdempotencyClaim("key", "print")
    entry = world.services.waitlist.join(alice, request(), claim).entry
    assert entry.waitlist_id == WaitlistIds(SECRET).derive(alice.org, alice.key_id, "key")
    assert entry.waitlist_id != WaitlistIds("another" + SECRET).derive(alice.org, alice.key_id, "key")
    assert entry.waitlist_id != f"wl_{digest('waitlist', alice.org, alice.key_id, 'key')}"
    assert WaitlistIds(SECRET).derive("a", "bc") != WaitlistIds(SECRET).derive("ab", "c")


def test_personal_data_stays_in_mongodb(world: World) -> None:
    with capture_logs() as lines:
        entry = offered(world)
        world.services.waitlist.leave(world.caller("bot"), entry.waitlist_id)
        tend(world)
    for text in (str(lines), str(dump(world.services.redis, world.org)), str(noted(world, entry)["history"])):
        assert "Alice" not in text
        assert "31 31 31" not in text
    assert {line["event"] for line in lines} >= {"waitlist_offered"}


@pytest.mark.parametrize("taken", [True, False], ids=["waiting", "offered"])
def test_leaving_cancels_the_entry_and_releases_its_hold(world: World, taken: bool) -> None:
    if taken:
        take(world)
    entry, waitlist = join(world), world.services.waitlist
    tend(world)
    second = join(world)
    for _ in range(2):
        waitlist.leave(world.caller("bot"), entry.waitlist_id)
        assert seen(world, entry).status == "cancelled"
        assert live_holds(world) == set()
    tend(world)
    assert statuses(world, entry, second) == ["cancelled", "waiting" if taken else "offered"]


def test_an_entry_whose_offer_lapsed_can_be_left(world: World) -> None:
    entry = offered(world)
    lapse(world, str(entry.hold_id))
    tend(world)
    world.services.waitlist.leave(world.caller("bot"), entry.waitlist_id)
    assert statuses(world, entry) == ["cancelled"]


def test_an_entry_that_became_a_booking_cannot_be_left(world: World) -> None:
    alice, entry = world.caller("bot"), offered(world)
    begin(world, alice, str(entry.hold_id))
    with pytest.raises(RequestInProgress):
        world.services.waitlist.leave(alice, entry.waitlist_id)
    world.services.bookings.book(alice, world.book_request(hold_id=entry.held_as))
    for _ in range(2):  # before the relay knows of the booking, and after
        with pytest.raises(InvalidTransition):
            world.services.waitlist.leave(alice, entry.waitlist_id)
        tend(world)
        assert statuses(world, entry) == ["booked"]
    assert len(world.bookings(active=True)) == 1


def test_an_entry_that_became_a_booking_cannot_be_left_while_redis_is_lost(world: World) -> None:
    alice, entry = world.caller("bot"), offered(world)
    insert_only(world, alice, world.book_request(hold_id=entry.held_as), entry.held_as)
    lose_redis(world)
    with pytest.raises(InvalidTransition):
        world.services.waitlist.leave(alice, entry.waitlist_id)


def test_an_offer_cannot_be_booked_after_its_entry_was_left(world: World) -> None:
    alice, entry = world.caller("bot"), offered(world)
    world.services.waitlist.leave(alice, entry.waitlist_id)
    with pytest.raises(HoldReleased):
        world.services.bookings.book(alice, world.book_request(hold_id=entry.held_as))


def test_mongodb_refuses_an_offer_without_a_hold(world: World) -> None:
    entry = join(world)
    for changed in ({"status": "offered"}, {"status": "booked", "unsettled": False}, {"unsettled": False}):
        with pytest.raises(WriteError):
            world.services.db["waitlist"].update_one({"_id": entry.waitlist_id}, {"$set": changed})
