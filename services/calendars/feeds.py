"""The technicians' calendar feeds: their secret addresses, and what they show.

An address holds a token of 192 random bits; MongoDB keeps its SHA-256 alone, one for each technician, and Redis
nothing. Nothing of a feed is remembered between requests, so a replaced or revoked address is dead at once.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from pymongo import ASCENDING
from pymongo.database import Database

from models.booking import Booking
from models.calendar import TechnicianCalendar
from models.catalogue import Property
from models.errors import NotFound, TechnicianNotFound
from services.calendars.icalendar_text import calendar_text, event_text
from services.catalogue.reader import PROPERTIES, TECHNICIANS, document_id, property_of, technician_of
from services.ledger.documents import booking_of
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.timetable.grid import to_milliseconds

CALENDAR_FEEDS = "calendar_feeds"

PAST = timedelta(days=30)
AHEAD = timedelta(days=400)
MOST_VISITS = 2_000
"""The first that many of the window, about a megabyte: what is furthest ahead is left out, and comes in time."""
READ_BATCH = 500
WRITTEN_AT_ONCE = 10
PAUSE_SECONDS = 0.001
"""So many visits are written, some three milliseconds, before other requests of this process get their turn. A pause of
nothing does not do: gevent then hardly looks at its sockets, and the others waited ten times as long when measured."""

_TOKEN = re.compile(r"hfc_[A-Za-z0-9_-]{32}\Z")


def ensure_calendar_indexes(db: Database[Document]) -> None:
    """Makes the indexes of the feeds; nothing where they exist. StoreUnavailable."""
    with mongo_faults():
        feeds = db[CALENDAR_FEEDS]
        feeds.create_index([("org", ASCENDING), ("technician_id", ASCENDING)], unique=True, name="one_per_technician")
        # Not unique: two of 192 random bits are never the same, and unique indexes begin with the org.
        feeds.create_index([("token_sha256", ASCENDING)], name="by_token")


@dataclass(frozen=True, slots=True)
class NewFeed:
    """A feed as it was just made. The token is not to be had again."""

    token: str
    created_at: datetime


class CalendarFeeds:
    """The feeds of all orgs. Everything but `text` may raise StoreUnavailable. clock: the present as aware UTC."""

    def __init__(self, db: Database[Document], clock: Callable[[], datetime]) -> None:
        self._feeds = db[CALENDAR_FEEDS]
        self._technicians = db[TECHNICIANS]
        self._properties = db[PROPERTIES]
        self._bookings = db["bookings"]
        self._clock = clock
        self._writing = threading.Lock()

    def issue(self, org: str, technician_id: str) -> NewFeed:
        """Gives the technician's calendar a new token; the one before is good for nothing from here on.

        After StoreUnavailable either may be the good one: issue again. Raises TechnicianNotFound.
        """
        self._require(org, technician_id)
        made = NewFeed(f"hfc_{secrets.token_urlsafe(24)}", to_milliseconds(self._clock()))
        fields = {"token_sha256": _digest(made.token), "created_at": made.created_at}
        with mongo_faults():
            # MongoDB itself repeats an upsert that met another one on the index of exactly these two fields.
            self._feeds.update_one({"org": org, "technician_id": technician_id}, {"$set": fields}, upsert=True)
        return made

    def revoke(self, org: str, technician_id: str) -> None:
        """Ends the technician's feed, if there is one. Raises TechnicianNotFound."""
        self._require(org, technician_id)
        with mongo_faults():
            self._feeds.delete_one({"org": org, "technician_id": technician_id})

    def read(self, technician_id: str, token: str) -> TechnicianCalendar:
        """What the feed shows now. Raises NotFound unless this is the token of this technician's feed.

        The lookup is by hash, so how long it takes says nothing about any token.
        """
        if not _TOKEN.match(token):
            raise NotFound
        with mongo_faults():
            feed = self._feeds.find_one({"token_sha256": _digest(token)}, {"org": 1, "technician_id": 1})
            if feed is None or feed["technician_id"] != technician_id:
                raise NotFound
            org = feed["org"]
            technician = self._technicians.find_one({"_id": document_id(org, technician_id), "org": org})
            if technician is None:
                raise NotFound
            bookings = self._visits(org, technician_id)
            places = self._places(org, {booking.property_id for booking in bookings})
        return TechnicianCalendar(technician_of(technician), bookings, places)

    def text(self, calendar: TechnicianCalendar) -> bytes:
        """The calendar as iCalendar.

        Two thousand visits take half a second of the processor: one calendar is written at a time, and in between the
        process's other requests go on.
        """
        with self._writing:
            return calendar_text(calendar.technician, _events(calendar))

    def _require(self, org: str, technician_id: str) -> None:
        with mongo_faults():
            query = {"_id": document_id(org, technician_id), "org": org}
            if self._technicians.find_one(query, {"_id": 1}) is None:
                raise TechnicianNotFound

    def _visits(self, org: str, technician_id: str) -> list[Booking]:
        now = self._clock()
        query = {"org": org, "technician_id": technician_id, "start": {"$gte": now - PAST, "$lt": now + AHEAD}}
        found = self._bookings.find(query, {"history": 0, "claims": 0}, batch_size=READ_BATCH).hint("by_technician")
        found = found.sort([("start", ASCENDING), ("_id", ASCENDING)]).limit(MOST_VISITS)
        return [booking_of({"history": [], "claims": [], **document}) for document in found]

    def _places(self, org: str, property_ids: set[str]) -> dict[str, Property]:
        wanted = [document_id(org, property_id) for property_id in sorted(property_ids)]
        found = self._properties.find({"_id": {"$in": wanted}, "org": org})
        return {document["id"]: property_of(document) for document in found}


def _events(calendar: TechnicianCalendar) -> Iterator[bytes]:
    for number, booking in enumerate(calendar.bookings, 1):
        yield event_text(booking, calendar.property_of(booking))
        if number % WRITTEN_AT_ONCE == 0:
            time.sleep(PAUSE_SECONDS)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
