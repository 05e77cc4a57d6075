"""The technicians' calendar feeds: their secret addresses and the visits that they show.

An address contains a token of 192 random bits. MongoDB stores only its SHA-256, one for each technician; Redis stores
nothing. No request leaves anything in memory, so a replaced or revoked address stops working at once.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from models.booking import Booking
from models.calendar import TechnicianCalendar
from models.catalogue import Property
from models.errors import NotFound, TechnicianNotFound
from services.calendars.icalendar_text import CALLED_OFF, calendar_text, event_text
from services.catalogue.documents import PROPERTIES, SERVICES, TECHNICIANS, document_id, property_of, technician_of
from services.clock import Clock
from services.ledger.documents import booking_of
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.timetable.grid import to_milliseconds

CALENDAR_FEEDS = "calendar_feeds"

PAST = timedelta(days=30)
AHEAD = timedelta(days=400)
MOST_VISITS = 2_000
"""Of the visits that take place or took place, about a megabyte: the nearest to now."""
MOST_CALLED_OFF = 200
"""Of the cancelled and expired visits, besides: customers can make many, and they crowd out no other."""
READ_BATCH = 500
WRITTEN_AT_ONCE = 10
PAUSE_SECONDS = 0.001
"""After WRITTEN_AT_ONCE visits (about three milliseconds) other requests of this process get a turn. A pause of zero is
not enough: gevent then hardly reads its sockets, and other requests took ten times as long when measured."""

_CALLED_OFF = sorted(CALLED_OFF)
_TOKEN = re.compile(r"hfc_[A-Za-z0-9_-]{32}\Z")


def ensure_calendar_indexes(db: Database[Document]) -> None:
    """Makes the indexes of the feeds, if they are not there yet. Raises StoreUnavailable."""
    with mongo_faults():
        feeds = db[CALENDAR_FEEDS]
        feeds.create_index([("org", ASCENDING), ("technician_id", ASCENDING)], unique=True, name="one_per_technician")
        # Not unique: two tokens of 192 random bits never agree, and every unique index begins with the org.
        feeds.create_index([("token_sha256", ASCENDING)], name="by_token")


@dataclass(frozen=True, slots=True)
class NewFeed:
    """A new feed. The token cannot be read again."""

    token: str
    created_at: datetime


class CalendarFeeds:
    """The feeds of all orgs. Everything but `text` may raise StoreUnavailable."""

    def __init__(self, db: Database[Document], clock: Clock) -> None:
        self._feeds = db[CALENDAR_FEEDS]
        self._technicians = db[TECHNICIANS]
        self._properties = db[PROPERTIES]
        self._services = db[SERVICES]
        self._bookings = db["bookings"]
        self._clock = clock
        self._writing = threading.Lock()

    def issue(self, org: str, technician_id: str) -> NewFeed:
        """Gives the technician's calendar a new token and ends the one before. Raises TechnicianNotFound.

        After StoreUnavailable either token may be the valid one: issue again.
        """
        self._require(org, technician_id)
        made = NewFeed(f"hfc_{secrets.token_urlsafe(24)}", to_milliseconds(self._clock()))
        fields = {"token_sha256": _digest(made.token), "created_at": made.created_at}
        with mongo_faults():
            # When two upserts meet on the unique index of exactly these two fields, MongoDB itself repeats one of them.
            self._feeds.update_one({"org": org, "technician_id": technician_id}, {"$set": fields}, upsert=True)
        return made

    def revoke(self, org: str, technician_id: str) -> None:
        """Ends the technician's feed, if there is one. Raises TechnicianNotFound."""
        self._require(org, technician_id)
        with mongo_faults():
            self._feeds.delete_one({"org": org, "technician_id": technician_id})

    def read(self, technician_id: str, token: str, *, called_off: bool = True) -> TechnicianCalendar:
        """The calendar as it is now. Raises NotFound unless the token belongs to this technician's feed.

        called_off: whether it shows cancelled and expired visits. The lookup is by hash, so its duration reveals
        nothing about any token.
        """
        if not _TOKEN.match(token):
            raise NotFound
        with mongo_faults():
            feed = self._feeds.find_one(
                {"token_sha256": _digest(token)}, {"org": 1, "technician_id": 1, "created_at": 1}
            )
            if feed is None or feed["technician_id"] != technician_id:
                raise NotFound
            org = feed["org"]
            technician = self._technicians.find_one({"_id": document_id(org, technician_id), "org": org})
            if technician is None or technician.get("created_at", feed["created_at"]) > feed["created_at"]:
                raise NotFound  # also for an address of one who was removed, and whose id another has now
            bookings = self._visits(org, technician_id, called_off)
            properties = self._properties_of(org, {booking.property_id for booking in bookings})
            services = self._services_of(org, {each.service_id for each in bookings if each.service_id})
        return TechnicianCalendar(technician_of(technician), bookings, properties, services)

    def text(self, calendar: TechnicianCalendar) -> bytes:
        """The calendar as iCalendar, in UTF-8.

        Two thousand visits take half a second of processor time, so a process writes one calendar at a time and pauses
        for its other requests.
        """
        with self._writing:
            return calendar_text(calendar.technician, _events(calendar))

    def _require(self, org: str, technician_id: str) -> None:
        with mongo_faults():
            query = {"_id": document_id(org, technician_id), "org": org}
            if self._technicians.find_one(query, {"_id": 1}) is None:
                raise TechnicianNotFound

    def _visits(self, org: str, technician_id: str, called_off: bool) -> list[Booking]:
        """By start. The two kinds are counted apart."""
        wanted = {"org": org, "technician_ids": technician_id}
        found = self._nearest({**wanted, "status": {"$nin": _CALLED_OFF}}, MOST_VISITS)
        if called_off:
            found += self._nearest({**wanted, "status": {"$in": _CALLED_OFF}}, MOST_CALLED_OFF)
        return [booking_of({"history": [], "claims": [], **each}) for each in sorted(found, key=_by_start)]

    def _nearest(self, wanted: Document, most: int) -> list[Document]:
        """At most so many documents that match, those that start nearest to now."""
        now = self._clock()
        found = self._read(wanted, {"$gte": now, "$lt": now + AHEAD}, ASCENDING, most)
        found += self._read(wanted, {"$gte": now - PAST, "$lt": now}, DESCENDING, most)
        return sorted(found, key=lambda each: abs(each["start"] - now))[:most]

    def _read(self, wanted: Document, start: Document, order: int, most: int) -> list[Document]:
        query, hidden = {**wanted, "start": start}, {"history": 0, "claims": 0}
        found = self._bookings.find(query, hidden, batch_size=READ_BATCH).hint("by_technician_ids")
        return list(found.sort([("start", order), ("_id", order)]).limit(most))

    def _properties_of(self, org: str, property_ids: set[str]) -> dict[str, Property]:
        wanted = [document_id(org, property_id) for property_id in sorted(property_ids)]
        found = self._properties.find({"_id": {"$in": wanted}, "org": org})
        return {document["id"]: property_of(document) for document in found}

    def _services_of(self, org: str, service_ids: set[str]) -> dict[str, str]:
        if not service_ids:
            return {}
        wanted = [document_id(org, service_id) for service_id in sorted(service_ids)]
        found = self._services.find({"_id": {"$in": wanted}, "org": org}, {"id": 1, "name": 1})
        return {document["id"]: document["name"] for document in found}


def _by_start(document: Document) -> tuple[datetime, str]:
    return document["start"], document["_id"]


def _events(calendar: TechnicianCalendar) -> Iterator[bytes]:
    for number, booking in enumerate(calendar.bookings, 1):
        yield event_text(booking, calendar.property_of(booking), calendar.service_of(booking))
        if number % WRITTEN_AT_ONCE == 0:
            time.sleep(PAUSE_SECONDS)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
