"""A technician's calendar as iCalendar (RFC 5545). Pure: no store, no clock.

All times are written in UTC. A visit is one instant to another and never repeats, so UTC says exactly when it is, also
in the hour that a clock change shows twice or leaves out, and every calendar shows it in its reader's own zone. With
TZID the zone's rules would have to travel along as VTIMEZONE, and programs differ in whether they go by those or by
their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from icalendar import Calendar, Event, vText

from models.booking import Booking
from models.calendar import TechnicianCalendar
from models.catalogue import Property, Technician

LAYOUT = 1
"""Goes into every tag: raise it with each change of what is written, or who has the old text is told nothing is new."""

PRODUCT = "-//Holdfast//Technician calendar//EN"
REFRESH_MINUTES = 15
CALENDAR_END = b"END:VCALENDAR\r\n"

CALLED_OFF = frozenset({"cancelled", "expired"})
STATUS_MARKS = {"pending": "Pending", "cancelled": "Cancelled", "expired": "Expired", "no_show": "No-show"}
"""What stands before a visit's title: many calendars show no STATUS."""
PRIORITY_MARKS = {"high": "high priority", "emergency": "emergency"}

_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


def calendar_tag(calendar: TechnicianCalendar) -> str:
    """A digest of all that the text depends on: calendars with the same one have the same text."""
    technician = calendar.technician
    seen = [repr((LAYOUT, technician.id, technician.name, technician.timezone))]
    for booking in calendar.bookings:
        place = calendar.property_of(booking)
        seen.append(repr((booking.booking_id, booking.version, booking.updated_at, place.name, place.address)))
    return blake2b("\n".join(seen).encode(), digest_size=16).hexdigest()


def calendar_text(technician: Technician, events: Iterable[bytes]) -> bytes:
    """The whole calendar around the events that `event_text` made."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    # The library escapes no property that it does not know, but every calendar reads this one as text.
    calendar.add("x-wr-calname", vText(_line(technician.name)))
    calendar.add("x-wr-timezone", technician.timezone)
    calendar.add("refresh-interval", timedelta(minutes=REFRESH_MINUTES), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{REFRESH_MINUTES}M")
    return b"".join([calendar.to_ical().removesuffix(CALENDAR_END), *events, CALENDAR_END])


def event_text(booking: Booking, place: Property) -> bytes:
    """One visit as a VEVENT. Of the same booking's events, the one with the higher SEQUENCE is the newer."""
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
    event.add("summary", _summary(booking, place))
    if place.address:
        event.add("location", _line(place.address))
    event.add("description", _description(booking))
    written: bytes = event.to_ical()
    return written


def _status(booking: Booking) -> str:
    if booking.status in CALLED_OFF:
        return "CANCELLED"
    return "TENTATIVE" if booking.status == "pending" else "CONFIRMED"


def _summary(booking: Booking, place: Property) -> str:
    mark, urgency = STATUS_MARKS.get(booking.status), PRIORITY_MARKS.get(booking.priority)
    before = f"{mark}: " if mark else ""
    after = f" ({urgency})" if urgency else ""
    return f"{before}{_line(place.name)}{after}"


def _description(booking: Booking) -> str:
    """What we know of the visit, a line each; the customer's own words last, so that they pass for none of it."""
    customer = booking.customer
    lines = [f"Status: {booking.status.replace('_', '-')}", f"Customer: {_line(customer['name'])}"]
    if customer.get("phone"):
        lines.append(f"Phone: {_line(customer['phone'])}")
    if booking.buffer_before_minutes:
        lines.append(f"Travel before: {booking.buffer_before_minutes} min")
    if booking.buffer_after_minutes:
        lines.append(f"Travel after: {booking.buffer_after_minutes} min")
    if booking.description:
        lines += ["", _text(booking.description)]
    return "\n".join(lines)


def _text(value: str) -> str:
    """Text with one kind of line break and without control characters, which RFC 5545 knows no way to write."""
    return _CONTROL.sub("", _LINE_BREAK.sub("\n", value))


def _line(value: str) -> str:
    return _text(value).replace("\n", " ")


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
