"""Erasing a person from MongoDB, and exporting what is held of one, on real stores."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from models.booking import Booking, ReserveRequest
from models.booking_changes import BookingPatch
from models.customers import Erased, PersonRequest
from models.errors import BookingNotFound, StoreUnavailable
from models.waitlist import WaitEntry
from services.ledger.store import BookingStore
from services.stores.connections import Document
from tests.redis_dump import dump
from tests.waitlist.waiting import join, noted, offered, statuses, tend
from tests.world import World, rfc3339, tomorrow

ANN = {"name": "Ann Marker", "phone": "+45 12 34 56 78", "phone_e164": "+4512345678", "email": "ann.marker@example.com"}
BEN = {"name": "Ben Other", "phone": "+45 99 99 99 99", "phone_e164": "+4599999999"}
BY_PHONE = PersonRequest(phone="0045-12345678")
BY_EMAIL = PersonRequest(email="Ann.Marker@EXAMPLE.com")
MARKERS = ("Marker", "marker", "12 34 56 78", "12345678", "4711")


def book(world: World, hour: int = 10, customer: Any = None, **changed: Any) -> Booking:
    request = world.direct_request(start=rfc3339(tomorrow(hour)), customer=customer or ANN, **changed)
    return world.services.bookings.book(world.caller("desk"), request).booking


def patch(world: World, booking: Booking, **changed: Any) -> Booking:
    wanted = BookingPatch.model_validate(changed)
    return world.services.booking_life.reschedule(world.caller("desk"), booking.booking_id, wanted, None)


def erase(world: World, wanted: PersonRequest = BY_PHONE) -> Erased:
    return world.services.personal_data.erase_person(world.caller("admin"), wanted)


def stored(world: World) -> str:
    """All that both stores hold of the org, as text."""
    kept = [list(world.services.db[name].find({"org": world.org})) for name in ("bookings", "waitlist")]
    return repr(kept) + repr(dump(world.services.redis, world.org))


def current(world: World, booking: Booking) -> Booking:
    return world.services.booking_life.get(world.caller("desk"), booking.booking_id)


def every_kind(world: World) -> list[Booking]:
    """Bookings of Ann: of each way to be made, changed and ended."""
    services, desk = world.services, world.caller("desk")
    hold = services.holds.place(world.caller(), world.hold_request(start=rfc3339(tomorrow(6)))).hold
    of_hold = services.bookings.book(world.caller(), world.book_request(hold_id=hold.hold_id, customer=ANN)).booking
    slot = {"property_id": "prop-2", "technician_id": "tech-2", "start": rfc3339(tomorrow()), "customer": ANN}
    reserved = services.bookings.reserve(desk, ReserveRequest.model_validate(slot | {"reserved_by": "Mr Marker"}))
    told = patch(world, book(world, 8, description="key 4711"), description="no key", start=rfc3339(tomorrow(9)))
    passed_on = patch(world, book(world, 12), customer=BEN)
    cancelled = services.booking_life.act(desk, book(world, 14).booking_id, "cancel", "Ann Marker is ill")
    return [of_hold, reserved.booking, told, passed_on, cancelled]


@pytest.mark.parametrize("wanted", [BY_PHONE, BY_EMAIL])
def test_nothing_of_an_erased_person_is_left_in_any_store_or_log(world: World, wanted: PersonRequest) -> None:
    made = every_kind(world)
    join(world, customer=ANN, **{"from": rfc3339(tomorrow(18)), "to": rfc3339(tomorrow(20))})
    with capture_logs() as lines:
        assert erase(world, wanted) == Erased(bookings=len(made), waitlist=1, customers=0)
    assert [marker for marker in MARKERS if marker in stored(world) + repr(lines)] == []


def test_the_visits_stay(world: World) -> None:
    made = [current(world, booking) for booking in every_kind(world)]
    marks = set(world.marks())
    erase(world)
    for before in made:
        after = current(world, before)
        kept = ("status", "property_id", "technician_id", "start", "end", "claims", "hold_id", "created_at", "made_by")
        assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
        assert after.version == before.version + 1
        assert len(after.history) == len(before.history) + 1
        assert after.history[-1]["action"] == "erase"
    assert set(world.marks()) == marks
    active = world.bookings(active=True)
    assert {mark.split("|")[1] for mark in world.marks().values()} == {each["_id"] for each in active}
    versions = [world.services.redis.hget(world.names.booking(each["_id"]), "version") for each in active]
    assert versions == [str(each["version"]) for each in active]


def texts(booking: Booking) -> list[tuple[str, str]]:
    """What the history says of the description before and after each change of it."""
    changes = [entry["changes"]["description"] for entry in booking.history if "description" in entry["changes"]]
    return [(change["from"], change["to"]) for change in changes]


def passed_on_with_words(world: World) -> Booking:
    """A booking that was Ann's and now is Ben's. Her last words still stand; he wrote nothing."""
    booking = book(world, 12, description="Ann 1")
    patch(world, booking, description="Ann 2")
    return patch(world, booking, customer=BEN)


def test_the_words_of_a_former_customer_are_erased_with_them(world: World) -> None:
    booking = passed_on_with_words(world)
    erase(world)
    after = current(world, booking)
    assert (after.customer, after.description, texts(after)) == (BEN, "", [("", "")])
    assert "Ann" not in stored(world)
    assert erase(world) == Erased(bookings=0, waitlist=0, customers=0)


def test_the_words_of_a_former_customer_stay_when_the_next_one_is_erased(world: World) -> None:
    booking = passed_on_with_words(world)
    patch(world, booking, description="Ben 1")
    patch(world, booking, description="Ben 2", customer=ANN)
    erase(world, PersonRequest(phone=BEN["phone"]))
    after = current(world, booking)
    assert (after.customer, after.description) == (ANN, "Ben 2")
    assert texts(after) == [("Ann 1", "Ann 2"), ("Ann 2", ""), ("", "Ben 2")]
    assert "Ben 1" not in stored(world)


def test_an_export_has_the_words_of_a_person_and_of_no_other(world: World) -> None:
    booking = passed_on_with_words(world)
    desk, admin = world.services.personal_data, world.caller("admin")
    hers = desk.export_person(admin, BY_PHONE).bookings[0]
    assert (hers.customer, hers.description, texts(hers)) == ({"name": "Somebody else"}, "Ann 2", [("Ann 1", "Ann 2")])
    by_ben = PersonRequest(phone=BEN["phone"])
    his = desk.export_person(admin, by_ben).bookings[0]
    assert (his.customer, his.description, texts(his)) == (BEN, "", [("", "")])
    patch(world, booking, description="Ben 1")
    assert texts(desk.export_person(admin, by_ben).bookings[0]) == [("", ""), ("", "Ben 1")]
    assert texts(desk.export_person(admin, BY_PHONE).bookings[0]) == [("Ann 1", "Ann 2"), ("Ann 2", "")]


def test_a_reason_is_of_the_customer_of_its_moment(world: World) -> None:
    booking = patch(world, book(world, 12), customer=BEN)
    world.services.booking_life.act(world.caller("desk"), booking.booking_id, "cancel", "Ben is ill")
    erase(world)
    assert "Ben is ill" in repr(current(world, booking).history)
    erase(world, PersonRequest(phone=BEN["phone"]))
    assert "Ben" not in stored(world)


def test_other_people_stay(world: World) -> None:
    passed_on = patch(world, book(world, 12), customer=BEN, description="Ask Ben")
    others = book(world, 14, customer=BEN)
    erase(world)
    assert (current(world, passed_on).customer, current(world, passed_on).description) == (BEN, "Ask Ben")
    assert current(world, passed_on).token_generation == passed_on.token_generation
    assert current(world, others) == others
    assert "Ann" not in repr(current(world, passed_on))
    assert erase(world, PersonRequest(phone=BEN["phone"])) == Erased(bookings=2, waitlist=0, customers=0)


def test_a_person_is_erased_in_one_org_alone(world: World) -> None:
    booking = book(world)
    rival = world.services.access.authenticate(world.rival_key)
    desk = world.services.personal_data
    assert desk.erase_person(rival, BY_PHONE) == Erased(bookings=0, waitlist=0, customers=0)
    assert desk.export_person(rival, BY_PHONE) == ([], [], [], [])
    with pytest.raises(BookingNotFound):
        desk.erase_booking(rival, booking.booking_id)
    assert current(world, booking) == booking


def test_an_erased_booking_can_still_be_moved_and_cancelled(world: World) -> None:
    booking = book(world)
    erase(world)
    moved = patch(world, booking, start=rfc3339(tomorrow(15)))
    assert (moved.start, moved.customer) == (tomorrow(15), {"name": "Erased"})
    ended = world.services.booking_life.act(world.caller("desk"), booking.booking_id, "cancel")
    assert ended.status == "cancelled"
    assert world.marks() == {}


def test_a_repeat_finds_nothing_and_changes_nothing(world: World) -> None:
    every_kind(world)
    erase(world)
    before = world.bookings()
    assert erase(world) == Erased(bookings=0, waitlist=0, customers=0)
    assert world.bookings() == before


def test_after_a_crash_between_two_records_a_repeat_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [book(world, hour) for hour in (8, 10, 12)]
    rewrite, calls = BookingStore.rewrite, []

    def dies(store: BookingStore, old: Booking, new: Booking, noted: Document) -> Booking | None:
        calls.append(old.booking_id)
        if len(calls) == 2:
            raise StoreUnavailable
        return rewrite(store, old, new, noted)

    with monkeypatch.context() as patched:
        patched.setattr(BookingStore, "rewrite", dies)
        with pytest.raises(StoreUnavailable):
            erase(world)
    assert [current(world, each).customer == ANN for each in made] == [False, True, True]
    assert erase(world) == Erased(bookings=2, waitlist=0, customers=0)
    assert [marker for marker in MARKERS if marker in stored(world)] == []


def test_a_change_that_comes_first_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    booking, rewrite = book(world), BookingStore.rewrite

    def late(store: BookingStore, old: Booking, new: Booking, noted: Document) -> Booking | None:
        monkeypatch.setattr(BookingStore, "rewrite", rewrite)
        patch(world, booking, description="Ann Marker has a dog", priority="high")
        return rewrite(store, old, new, noted)

    monkeypatch.setattr(BookingStore, "rewrite", late)
    assert erase(world).bookings == 1
    after = current(world, booking)
    assert (after.priority, after.description, after.version) == ("high", "", 3)
    assert [entry["action"] for entry in after.history] == ["book", "edit", "erase"]
    assert "Marker" not in stored(world)


def test_one_booking_is_erased_with_the_waitlist_entry_that_it_came_from(world: World) -> None:
    entry = offered(world)
    request = world.book_request(hold_id=entry.held_as, customer={"name": "Ann Marker"})
    booking = world.services.bookings.book(world.caller("bot"), request).booking
    other = book(world, 15)
    desk, admin = world.services.personal_data, world.caller("admin")
    assert desk.erase_booking(admin, booking.booking_id) == Erased(bookings=1, waitlist=1, customers=0)
    assert noted(world, entry)["customer"] == {"name": "Erased"}
    assert current(world, booking).customer == {"name": "Erased"}
    assert current(world, other) == other
    assert desk.erase_booking(admin, booking.booking_id) == Erased(bookings=0, waitlist=0, customers=0)
    with pytest.raises(BookingNotFound):
        desk.erase_booking(admin, "bk_none")


def test_an_entry_that_waits_or_is_offered_ends(world: World) -> None:
    phone = PersonRequest(phone="+45 31 31 31 31")
    waiting = join(world, **{"from": rfc3339(tomorrow(18)), "to": rfc3339(tomorrow(20))})
    taken = offered(world)
    assert erase(world, phone) == Erased(bookings=0, waitlist=2, customers=0)
    tend(world)
    assert statuses(world, waiting, taken) == ["cancelled", "cancelled"]
    assert world.marks() == {}
    for entry in (waiting, taken):
        assert (noted(world, entry)["customer"], noted(world, entry)["persons"]) == ({"name": "Erased"}, [])
        assert noted(world, entry)["joined_from"] is None
    assert erase(world, phone) == Erased(bookings=0, waitlist=0, customers=0)


def test_the_manage_token_of_an_erased_booking_has_ended(world: World) -> None:
    booking = book(world)
    erase(world)
    assert current(world, booking).token_generation == booking.token_generation + 1


def test_an_export_has_all_that_is_held_of_one_person(world: World) -> None:
    made = every_kind(world)
    entry: WaitEntry = join(world, customer=ANN, **{"from": rfc3339(tomorrow(18)), "to": rfc3339(tomorrow(20))})
    book(world, 20, customer=BEN)
    for wanted in (BY_PHONE, BY_EMAIL):
        held = world.services.personal_data.export_person(world.caller("admin"), wanted)
        assert {each.booking_id for each in held.bookings} == {each.booking_id for each in made}
        assert [each.start for each in held.bookings] == sorted(each.start for each in held.bookings)
        assert [each.waitlist_id for each in held.waitlist] == [entry.waitlist_id]
        assert "key 4711" in repr(held)
        assert "Ben" not in repr(held)
        assert "Somebody else" in repr(held)


def test_records_of_an_earlier_release_are_found_too(world: World) -> None:
    booking, entry = book(world), join(world, customer=ANN)
    for name in ("bookings", "waitlist"):
        world.services.db[name].update_many({"org": world.org}, {"$unset": {"persons": ""}})
    world.services.db["bookings"].update_many({"org": world.org}, {"$unset": {"token_generation": ""}})
    assert erase(world) == Erased(bookings=0, waitlist=0, customers=0)
    world.services.prepare()
    assert erase(world) == Erased(bookings=1, waitlist=1, customers=0)
    assert current(world, booking).token_generation == 1
    assert noted(world, entry)["customer"] == {"name": "Erased"}


def test_a_token_of_before_generations_stays_valid(world: World) -> None:
    booking, access = book(world), world.services.access
    world.services.db["bookings"].update_one({"_id": booking.booking_id}, {"$unset": {"token_generation": ""}})
    caller = access.authenticate(access.manage_tokens.make(world.org, booking.booking_id))
    assert world.services.booking_life.get(caller, booking.booking_id).booking_id == booking.booking_id
