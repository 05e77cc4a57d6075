"""Direct bookings without Redis, and marks of bookings that MongoDB does not have."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.access import Caller, IdempotencyClaim
from models.catalogue import TechnicianPatch
from models.errors import HoldExpired, SlotBooked, TechnicianNotEligible
from models.service import ServiceCreate
from services import Services
from services.claims.mirror import Mirror
from services.claims.scripts import Scripts
from services.ledger.store import BookingStore
from tests.bookings.evidence import owners
from tests.waitlist.waiting import offered
from tests.world import World, rfc3339, tomorrow


def desk(world: World) -> Caller:
    """Bob."""
    return world.caller("desk")


def test_a_search_finds_a_slot_that_is_free_in_mongodb(world: World, cut_off: Services) -> None:
    for hour in (10, 11, 12):
        cut_off.bookings.book(desk(world), world.direct_request(start=rfc3339(tomorrow(hour))))
    request = world.direct_request(technician_id=None, fallback="next_available")
    found = cut_off.bookings.book(desk(world), request).booking
    # tech-1 has three visits on that day.
    assert (found.start, found.technician_id) == (tomorrow(13), "tech-2")


def test_a_service_decides_how_long_it_takes_and_who_may_be_sent(world: World, cut_off: Services) -> None:
    boiler = {"id": "boiler", "name": "Boiler", "duration_minutes": 90, "buffer_after_minutes": 15, "skill": "heating"}
    world.services.service_desk.create(world.org, ServiceCreate.model_validate(boiler))
    for number, skill in ((1, "locks"), (2, "heating"), (3, "locks")):
        world.services.catalogue_desk.patch_technician(world.org, f"tech-{number}", TechnicianPatch(skills=[skill]))
    with pytest.raises(TechnicianNotEligible):
        cut_off.bookings.book(desk(world), world.direct_request(service_id="boiler"))
    request = world.direct_request(service_id="boiler", technician_id=None)
    made = cut_off.bookings.book(desk(world), request).booking
    assert (made.service_id, made.technician_id) == ("boiler", "tech-2")
    assert (made.duration_minutes, made.buffer_before_minutes, made.buffer_after_minutes) == (90, 0, 15)


def test_a_day_that_is_full_is_refused_and_names_what_is_in_the_way(world: World, cut_off: Services) -> None:
    for hour in (0, 8, 16):
        fields = {"start": rfc3339(tomorrow(hour)), "duration_minutes": 480}
        cut_off.bookings.book(desk(world), world.direct_request(**fields))
    with pytest.raises(SlotBooked) as refused:
        cut_off.bookings.book(desk(world), world.direct_request(technician_id=None, fallback="next_available"))
    assert {(block.kind, block.id) for block in refused.value.members["conflicts"]} >= {("property", "prop-1")}


def test_a_repeat_without_redis_is_the_first_answer(world: World, cut_off: Services) -> None:
    key = IdempotencyClaim("a key", "print")
    first = world.services.bookings.book(desk(world), world.direct_request(), key)
    again = cut_off.bookings.book(desk(world), world.direct_request(), key)
    assert (again.booking, again.replayed) == (first.booking, True)


def test_a_mark_of_a_booking_that_mongodb_does_not_have_gives_way(world: World, cut_off: Services) -> None:
    # As after a restore of MongoDB from before a booking, whose marks Redis has kept.
    services = world.services
    ghost = services.bookings.book(desk(world), world.direct_request()).booking
    services.db["bookings"].delete_one({"_id": ghost.booking_id})
    made = cut_off.bookings.book(desk(world), world.direct_request()).booking
    assert set(owners(world)) == {f"booked {ghost.booking_id}"}
    store = BookingStore(services.db, services.settings.grid_minutes)
    Mirror(services.redis, Scripts(services.redis), services.grid, store.find).settle(made)
    assert set(owners(world)) == {f"booked {made.booking_id}"}


@pytest.mark.parametrize("offer_minutes", [15, 50])
def test_without_redis_an_offer_can_be_booked_until_it_ends(
    world: World, cut_off: Services, monkeypatch: pytest.MonkeyPatch, offer_minutes: int
) -> None:
    """An offer may live longer than any other hold, but not past its own end."""
    bot, entry = world.caller("bot"), offered(world, offer_minutes=offer_minutes)
    assert entry.offered_until is not None
    request = world.direct_request(hold_id=entry.held_as)
    for seconds, lives in ((1, False), (-30, True)):
        at = entry.offered_until + timedelta(seconds=seconds)
        for part in (cut_off.bookings._beginning, cut_off.bookings._beginning._without_redis):
            monkeypatch.setattr(part, "_clock", lambda at=at: at)
        if lives:
            assert cut_off.bookings.book(bot, request).booking.hold_id == entry.hold_id
        else:
            with pytest.raises(HoldExpired):
                cut_off.bookings.book(bot, request)
