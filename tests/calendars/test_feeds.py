"""Which visits a technician's calendar shows, how they are read, and which calendar a token opens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import groupby
from typing import Any

import pytest
from icalendar import Calendar

from models.access import Caller
from models.booking import Booking
from models.catalogue import Property, PropertyCreate, TechnicianPatch
from models.errors import NotFound, TechnicianNotFound
from models.service import ServiceCreate
from scripts.dev_server.child import wait_until
from services.calendars.feeds import (
    AHEAD,
    CALENDAR_FEEDS,
    PAST,
    WRITTEN_AT_ONCE,
    CalendarFeeds,
    ensure_calendar_indexes,
)
from services.clock import utc_now
from services.ledger.documents import document_of
from services.relay.change_feed import ChangeFeed
from services.stores.connections import connect_mongo
from tests.bookings.sample import sample
from tests.servers import MongoServer, RedisServer
from tests.system.race.together import Meeting, at_once
from tests.world import PATIENT, World, tomorrow

HOUR = timedelta(hours=1)
UNTIL_LOST = 240
"""Seconds in which a race without its guard is lost, which mostly happens at once."""


@pytest.fixture
def feeds(world: World) -> CalendarFeeds:
    return world.services.calendar_feeds


@pytest.fixture
def database(stores: tuple[RedisServer, MongoServer]) -> Iterator[Any]:
    """A database for one test, with a technician in it."""
    db = connect_mongo(stores[1].url, "calendar_tests", PATIENT)
    db["technicians"].insert_one({"_id": "demo/tech-1", "org": "demo", "id": "tech-1", "name": "Nina"})
    yield db
    db.client.drop_database(db.name)
    db.client.close()


def write(world: World, start: datetime, **changed: Any) -> Booking:
    """Writes a booking into MongoDB, as a worker does."""
    made = sample(start, booking_id=f"bk_{start.timestamp():.0f}.{world.org}", org=world.org, **changed)
    world.services.db["bookings"].insert_one(document_of(made))
    return made


def shown(world: World, technician_id: str = "tech-1") -> list[Any]:
    """The events of a technician's calendar, as a calendar program reads them."""
    feeds = world.services.calendar_feeds
    token = feeds.issue(world.org, technician_id).token
    calendar: Any = Calendar.from_ical(feeds.text(feeds.read(technician_id, token)))
    return list(calendar.events)


def test_a_visit_is_shown_only_to_its_technician(world: World, bob: Caller) -> None:
    booking = world.services.bookings.book(bob, world.direct_request()).booking
    (event,) = shown(world)
    assert (event["UID"], event["SUMMARY"]) == (f"{booking.booking_id}@holdfast", "House 1")
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (booking.start, booking.end)
    assert shown(world, "tech-2") == []


def test_a_cancelled_visit_stays_in_the_calendar_as_cancelled(world: World, bob: Caller) -> None:
    booking = world.services.bookings.book(bob, world.direct_request()).booking
    world.services.booking_life.act(bob, booking.booking_id, "cancel")
    (event,) = shown(world)
    assert (event["STATUS"], event["SEQUENCE"], event["SUMMARY"]) == ("CANCELLED", 1, "Cancelled: House 1")


def test_a_reservation_is_tentative(world: World) -> None:
    until = tomorrow(9)
    write(world, tomorrow(), status="pending", reserved_by="Alice", reserved_until=until)
    (event,) = shown(world)
    assert (event["STATUS"], event["SUMMARY"]) == ("TENTATIVE", "Pending: House 1")


def test_a_visit_given_to_another_technician_moves_to_that_calendar(world: World) -> None:
    booking = write(world, tomorrow())
    assert [event["SEQUENCE"] for event in shown(world)] == [0]
    moved = booking.changed(
        technician_id="tech-2", technician_ids=["tech-2"], version=2, start=booking.start + HOUR, end=booking.end + HOUR
    )
    world.services.db["bookings"].replace_one({"_id": booking.booking_id}, document_of(moved))
    assert shown(world) == []
    (event,) = shown(world, "tech-2")
    assert (event["UID"], event["SEQUENCE"]) == (f"{booking.booking_id}@holdfast", 1)
    assert event["DTSTART"].dt == moved.start


def test_the_calendar_reaches_from_a_month_ago_to_a_year_ahead(world: World) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    within = [now - PAST + HOUR, now, now + AHEAD - HOUR]
    for start in (now - PAST - HOUR, *within, now + AHEAD + HOUR):
        write(world, start)
    assert [event["DTSTART"].dt for event in shown(world)] == within


def test_a_property_is_shown_with_its_address_and_an_unknown_one_by_its_id(world: World) -> None:
    made = PropertyCreate(id="prop-9", name="Mill House", address="Quay 1")
    world.services.catalogue_desk.create_property(world.org, made)
    write(world, tomorrow(8), property_id="prop-9")
    write(world, tomorrow(12), property_id="prop-gone")
    mill, gone = shown(world)
    assert (mill["SUMMARY"], mill["LOCATION"]) == ("Mill House", "Quay 1")
    assert gone["SUMMARY"] == "prop-gone"
    assert "LOCATION" not in gone


def test_only_the_hash_of_a_token_is_stored(world: World) -> None:
    made = world.services.calendar_feeds.issue(world.org, "tech-1")
    (kept,) = world.services.db[CALENDAR_FEEDS].find({"org": world.org})
    assert kept["token_sha256"] == sha256(made.token.encode()).hexdigest()
    assert made.token not in str(kept)
    assert len(made.token) >= len("hfc_") + 192 / 6
    assert world.services.calendar_feeds.issue(world.org, "tech-1").token != made.token


def test_a_token_opens_only_the_calendar_of_its_technician_in_its_org(world: World, feeds: CalendarFeeds) -> None:
    token = feeds.issue(world.org, "tech-1").token
    rival = feeds.issue(world.other_org, "tech-1").token
    assert feeds.read("tech-1", token).technician.name == "Technician 1"
    assert feeds.read("tech-1", rival).technician.name == "Technician of a rival"
    for technician_id, wrong in [("tech-2", token), ("tech-1", token[:-1]), ("tech-1", f"{token}\n"), ("tech-1", "")]:
        with pytest.raises(NotFound):
            feeds.read(technician_id, wrong)


def test_a_new_token_ends_the_old_one_and_revoking_ends_the_new_one(world: World, feeds: CalendarFeeds) -> None:
    first, second = (feeds.issue(world.org, "tech-1").token for _ in range(2))
    with pytest.raises(NotFound):
        feeds.read("tech-1", first)
    assert feeds.read("tech-1", second)
    for _ in range(2):
        feeds.revoke(world.org, "tech-1")
    with pytest.raises(NotFound):
        feeds.read("tech-1", second)


def test_only_a_technician_of_the_org_has_a_feed(world: World, feeds: CalendarFeeds) -> None:
    for act in (feeds.issue, feeds.revoke):
        with pytest.raises(TechnicianNotFound):
            act(world.other_org, "tech-2")


def test_the_calendar_shows_the_technicians_current_name(world: World, feeds: CalendarFeeds) -> None:
    token = feeds.issue(world.org, "tech-1").token
    world.services.catalogue_desk.patch_technician(world.org, "tech-1", TechnicianPatch(name="Nina"))
    assert feeds.read("tech-1", token).technician.name == "Nina"


def test_of_many_addresses_made_at_once_one_opens_the_calendar(database: Any) -> None:
    ensure_calendar_indexes(database)
    feeds = CalendarFeeds(database, utc_now)
    for _ in range(5):
        database[CALENDAR_FEEDS].delete_many({})
        made = at_once([partial(feeds.issue, "demo", "tech-1")] * 12)
        assert made.errors == []
        assert sum(opens(feeds, feed.token) for feed in made.values) == 1
        assert database[CALENDAR_FEEDS].count_documents({}) == 1


def test_without_the_unique_index_several_addresses_open_it(database: Any) -> None:
    feeds = CalendarFeeds(database, utc_now)

    def several_are_made() -> bool:
        database[CALENDAR_FEEDS].delete_many({})
        at_once([partial(feeds.issue, "demo", "tech-1")] * 12)
        return bool(database[CALENDAR_FEEDS].count_documents({}) > 1)

    assert wait_until(several_are_made, seconds=UNTIL_LOST)


def opens(feeds: CalendarFeeds, token: str) -> bool:
    try:
        feeds.read("tech-1", token)
    except NotFound:
        return False
    return True


@pytest.mark.parametrize("guarded", [True, False])
def test_calendars_are_written_one_at_a_time(fake_world: World, monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    """Without the lock, two writers continue in each other's pauses, which are meant for other requests."""
    feeds, writers = fake_world.services.calendar_feeds, list[int]()
    write(fake_world, tomorrow())
    calendar = feeds.read("tech-1", feeds.issue(fake_world.org, "tech-1").token)
    calendar = replace(calendar, bookings=calendar.bookings * 30 * WRITTEN_AT_ONCE)

    meet = (lambda: None) if guarded else Meeting()

    def note(_booking: Booking, _site: Property, _service: str | None) -> bytes:
        writers.append(threading.get_ident())
        meet()
        return b""

    monkeypatch.setattr("services.calendars.feeds.event_text", note)
    if not guarded:
        monkeypatch.setattr(feeds, "_writing", nullcontext())
    assert at_once([partial(feeds.text, calendar)] * 2).errors == []
    turns = len(list(groupby(writers)))
    assert turns == 2 if guarded else turns > 2


def test_the_relay_does_not_read_changes_of_feeds(database: Any) -> None:
    feed, feeds = ChangeFeed(database, lambda: "a redis", utc_now), CalendarFeeds(database, utc_now)
    feed.start_at(feed.end_of_log())
    feeds.issue("demo", "tech-1")
    feeds.issue("demo", "tech-1")
    feeds.revoke("demo", "tech-1")
    assert [change for batch in feed.read() for change in batch] == []
    database["technicians"].update_one({"_id": "demo/tech-1"}, {"$set": {"name": "Tom"}})
    assert [change.org for batch in feed.read() for change in batch] == ["demo"]


def test_a_calendar_is_read_in_seven_queries_each_served_by_an_index(world: World) -> None:
    for days in range(1, 6):
        write(world, tomorrow() + timedelta(days=days), property_id=f"prop-{days % 3 + 1}")
    write(world, tomorrow(15), technician_id="tech-2")
    write(world, tomorrow() - timedelta(days=60))
    token = world.services.calendar_feeds.issue(world.org, "tech-1").token
    with profiled(world.services.db) as ran:
        assert len(world.services.calendar_feeds.read("tech-1", token).bookings) == 5
    assert [entry["ns"].partition(".")[2] for entry in ran] == [
        *(CALENDAR_FEEDS, "technicians"),
        *["bookings"] * 4,
        "properties",
    ]
    assert [entry["nreturned"] for entry in ran] == [1, 1, 5, 0, 0, 0, 3]
    assert [entry["docsExamined"] for entry in ran] == [1, 1, 5, 0, 5, 0, 3]
    plans = [entry["planSummary"] for entry in ran]
    assert plans[0] == "IXSCAN { token_sha256: 1 }"
    assert set(plans[2:6]) == {"IXSCAN { org: 1, technician_ids: 1, start: 1, _id: 1 }"}
    for entry in ran:
        assert not entry.get("hasSortStage")
        assert "COLLSCAN" not in str(entry["execStats"])


def test_an_invalid_token_costs_at_most_one_index_lookup(world: World) -> None:
    feeds = world.services.calendar_feeds
    token = feeds.issue(world.org, "tech-1").token
    for technician_id, wrong, looks in [("tech-1", "hfc_" + "x" * 32, 1), ("tech-2", token, 1), ("tech-1", "hfc_x", 0)]:
        with profiled(world.services.db) as ran, pytest.raises(NotFound):
            feeds.read(technician_id, wrong)
        assert [entry["planSummary"] for entry in ran] == ["IXSCAN { token_sha256: 1 }"] * looks


@contextmanager
def profiled(db: Any) -> Iterator[list[dict[str, Any]]]:
    """The queries that MongoDB ran during the block, with their plans. The list is filled when the block ends."""
    plain, ran = db.client.get_database(db.name), list[dict[str, Any]]()
    plain.command("profile", 0)
    plain["system.profile"].drop()
    plain.command("profile", 2)
    try:
        yield ran
    finally:
        plain.command("profile", 0)
    ran += plain["system.profile"].find({"op": {"$in": ["query", "getmore"]}}).sort("$natural", 1)


def test_a_visit_names_its_service_and_by_its_id_one_that_was_removed(world: World) -> None:
    fields = ServiceCreate(id="boiler", name="Boiler check", duration_minutes=60)
    world.services.service_desk.create(world.org, fields)
    write(world, tomorrow(10), service_id="boiler")
    assert "Service: Boiler check" in shown(world)[0]["description"]
    world.services.service_desk.remove(world.org, "boiler", None)
    assert "Service: boiler" in shown(world)[0]["description"]
