"""Visits as iCalendar (RFC 5545): the calendar of a technician, and the invitation of a customer. Pure: no store, no
clock.

All times are in UTC. A visit goes from one instant to another and never repeats, so UTC is exact, also in an hour that
clocks skip or repeat, and every calendar shows the visit in its reader's own zone. With TZID, the file would have to
carry the zone's rules as VTIMEZONE, and some programs use those rules while others use their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Literal, NamedTuple

from icalendar import Calendar, Event, vText

from models.booking import Booking
from models.calendar import TechnicianCalendar
from models.catalogue import Property, Technician

LAYOUT = 3
"""A part of every tag. Raise it with each change of the text, or clients that have the old text keep it."""

PRODUCT = "-//Holdfast//Technician calendar//EN"
REFRESH_MINUTES = 15
CALENDAR_END = b"END:VCALENDAR\r\n"

CALLED_OFF = frozenset({"cancelled", "expired"})
STATUS_MARKS = {"pending": "Pending", "cancelled": "Cancelled", "expired": "Expired", "no_show": "No-show"}
"""Written before a visit's title, because many calendars do not show STATUS."""
PRIORITY_MARKS = {"high": "high priority", "emergency": "emergency"}

_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


class Invitation(NamedTuple):
    """What an invitation says besides the booking. organizer, attendee: e-mail addresses."""

    title: str
    about: str
    organizer: str
    attendee: str


class _Text(vText):
    """Text that every program reads as it was typed. The library takes a typed backslash and N for a line break."""

    def to_ical(self) -> bytes:
        return str(self).translate(_ESCAPES).encode()


def calendar_tag(calendar: TechnicianCalendar) -> str:
    """A digest of everything that the text depends on. Calendars with equal tags have equal texts."""
    technician = calendar.technician
    seen = [repr((LAYOUT, technician.id, technician.name, technician.timezone))]
    for booking in calendar.bookings:
        site = calendar.property_of(booking)
        version = (booking.booking_id, booking.version, booking.updated_at)
        seen.append(repr((*version, site.name, site.address, calendar.service_of(booking))))
    return blake2b("\n".join(seen).encode(), digest_size=16).hexdigest()


def calendar_text(technician: Technician, events: Iterable[bytes]) -> bytes:
    """The whole calendar, in UTF-8, around the events that `event_text` made."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    # RFC 7986 has NAME. Older programs read the other property, some of them without undoing its escapes.
    for name in ("name", "x-wr-calname"):
        calendar.add(name, _one_line(technician.name))
    calendar.add("x-wr-timezone", technician.timezone)
    calendar.add("refresh-interval", timedelta(minutes=REFRESH_MINUTES), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{REFRESH_MINUTES}M")
    return b"".join([calendar.to_ical().removesuffix(CALENDAR_END), *events, CALENDAR_END])


def event_text(booking: Booking, site: Property, service: str | None = None) -> bytes:
    """One visit as a VEVENT for its technician. service: the name of what is done there."""
    event = _event(booking, site)
    event.add("summary", _summary(booking, site))
    event.add("description", _Text(_description(booking, service)))
    written: bytes = event.to_ical()
    return written


def invitation_text(booking: Booking, site: Property, invitation: Invitation) -> bytes:
    """One visit as a whole calendar in UTF-8, for its customer, as an e-mail carries it (RFC 5546, RFC 6047).

    A later one for the same booking takes the place of an earlier one, or, where the booking was called off, takes it
    out of the calendar.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", invitation_method(booking))
    event = _event(booking, site)
    event.add("summary", _one_line(invitation.title))
    event.add("description", _Text(_lines(invitation.about)))
    event.add("organizer", f"mailto:{invitation.organizer}")
    comes = {"PARTSTAT": "ACCEPTED", "RSVP": "FALSE", "ROLE": "REQ-PARTICIPANT"}
    event.add("attendee", f"mailto:{invitation.attendee}", parameters=comes)
    calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def invitation_method(booking: Booking) -> Literal["REQUEST", "CANCEL"]:
    """What a calendar is to do with the invitation to a booking."""
    return "CANCEL" if booking.status in CALLED_OFF else "REQUEST"


def _event(booking: Booking, site: Property) -> Event:
    """The facts that everybody sees. Of two events of one booking, the one with the higher SEQUENCE is newer."""
    event = Event()
    event.add("uid", f"{booking.booking_id}@holdfast")
    event.add("sequence", booking.version - 1)
    event.add("dtstamp", _utc(booking.updated_at))
    event.add("last-modified", _utc(booking.updated_at))
    event.add("created", _utc(booking.created_at))
    event.add("dtstart", _utc(booking.start))
    event.add("dtend", _utc(booking.end))
    event.add("status", _status(booking))
    event.add("transp", "TRANSPARENT" if booking.status in CALLED_OFF else "OPAQUE")
    if site.address:
        event.add("location", _one_line(site.address))
    return event


def _status(booking: Booking) -> str:
    if booking.status in CALLED_OFF:
        return "CANCELLED"
    return "TENTATIVE" if booking.status == "pending" else "CONFIRMED"


def _summary(booking: Booking, site: Property) -> _Text:
    mark, urgency = STATUS_MARKS.get(booking.status), PRIORITY_MARKS.get(booking.priority)
    before = f"{mark}: " if mark else ""
    after = f" ({urgency})" if urgency else ""
    return _Text(f"{before}{_one_line(site.name)}{after}")


def _description(booking: Booking, service: str | None) -> str:
    """The facts of the visit, one on each line. The customer's own words come last, so they cannot look like a fact.
    The office's `internal_note` and `metadata` stay in the office."""
    customer = booking.customer
    lines = [f"Status: {booking.status.replace('_', '-')}"]
    if service:
        lines.append(f"Service: {_one_line(service)}")
    if booking.external_reference:
        lines.append(f"Reference: {_one_line(booking.external_reference)}")
    lines.append(f"Customer: {_one_line(customer['name'])}")
    if customer.get("phone"):
        lines.append(f"Phone: {_one_line(customer['phone'])}")
    if booking.buffer_before_minutes:
        lines.append(f"Travel before: {booking.buffer_before_minutes} min")
    if booking.buffer_after_minutes:
        lines.append(f"Travel after: {booking.buffer_after_minutes} min")
    if booking.description:
        lines += ["", _lines(booking.description)]
    return "\n".join(lines)


def _lines(value: str) -> str:
    """Text with one kind of line break and without control characters, because RFC 5545 cannot write those."""
    return _CONTROL.sub("", _LINE_BREAK.sub("\n", value))


def _one_line(value: str) -> _Text:
    return _Text(_lines(value).replace("\n", " "))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
