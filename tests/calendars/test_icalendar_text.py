"""The iCalendar text: the facts of a visit, times around clock changes, and text that could break the format."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar, vText

from models.booking import Booking
from models.calendar import TechnicianCalendar
from models.catalogue import Property, Technician
from services.calendars.icalendar_text import LAYOUT, calendar_tag, calendar_text, event_text
from tests.bookings.sample import sample

MADE = datetime(2026, 11, 20, 8, tzinfo=UTC)
SITE = Property(id="prop-1", name="Mill House", address="Quay 1, Aarhus")
NINA = Technician(id="tech-7", name="Nina; Tall, the", timezone="Europe/Copenhagen")
VISIT = sample(
    datetime(2026, 12, 5, 10, tzinfo=UTC),
    booking_id="bk_alice",
    technician_id="tech-7",
    buffer_before_minutes=15,
    buffer_after_minutes=30,
    customer={"name": "Alice", "phone": "+354 555 0101"},
    description="The tap drips",
    created_at=MADE,
    updated_at=MADE,
)
CLOCK_CHANGES = [
    # The hour that clocks skip in Copenhagen: a visit of one hour goes from 01:30 to 03:30.
    ("Europe/Copenhagen", datetime(2027, 3, 28, 0, 30, tzinfo=UTC), 60, "01:30", "03:30"),
    ("Europe/Copenhagen", datetime(2027, 3, 28, 1, 0, tzinfo=UTC), 60, "03:00", "04:00"),
    # The hour that exists twice.
    ("Europe/Copenhagen", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), 60, "02:30", "02:30"),
    ("Europe/Copenhagen", datetime(2027, 10, 31, 1, 30, tzinfo=UTC), 60, "02:30", "03:30"),
    ("America/New_York", datetime(2027, 3, 14, 6, 30, tzinfo=UTC), 60, "01:30", "03:30"),
    ("America/New_York", datetime(2027, 11, 7, 5, 15, tzinfo=UTC), 60, "01:15", "01:15"),
    ("America/New_York", datetime(2027, 11, 7, 6, 15, tzinfo=UTC), 60, "01:15", "02:15"),
    # Clocks change by half an hour, and in the southern summer.
    ("Australia/Lord_Howe", datetime(2027, 10, 2, 15, 0, tzinfo=UTC), 60, "01:30", "03:00"),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 14, 30, tzinfo=UTC), 30, "01:30", "01:30"),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, 0, tzinfo=UTC), 60, "01:30", "02:30"),
]
NASTY = 'a, b; c\\d: "e"\r\nEND:VEVENT\rX-EVIL:1\nATTACH:x\u2028y\x85z\x00\x07\x1f\x7f 🔧 ñ\tend' + "ü" * 80


def parsed(*bookings: Booking, site: Property = SITE, technician: Technician = NINA) -> Any:
    """The calendar as a calendar program reads it; checks that it has no errors."""
    text = calendar_text(technician, [event_text(booking, site) for booking in bookings])
    calendar: Any = Calendar.from_ical(text)
    assert calendar.errors == []
    assert all(event.errors == [] for event in calendar.events)
    assert len(calendar.events) == len(bookings)
    return calendar


def event_of(site: Property = SITE, **changed: Any) -> Any:
    return parsed(VISIT.changed(**changed), site=site).events[0]


def tag(booking: Booking = VISIT, site: Property = SITE, technician: Technician = NINA) -> str:
    return calendar_tag(TechnicianCalendar(technician, [booking], {"prop-1": site}))


def test_it_says_what_is_done_and_what_another_system_calls_it_and_no_more_of_the_office() -> None:
    office = {
        "external_reference": "WO-1;\n7",
        "internal_note": "Pays late.",
        "metadata": {"plan": "https://a.example"},
    }
    text = event_text(VISIT.changed(**office), SITE, "Boiler, check\nup").decode().replace("\r\n ", "")
    facts = "Status: confirmed\\nService: Boiler\\, check up\\nReference: WO-1\\; 7\\nCustomer: Alice\\nPhone"
    assert f"DESCRIPTION:{facts}" in text
    assert "Pays late" not in text
    assert "a.example" not in text


def test_another_name_of_the_service_is_another_tag() -> None:
    visit = VISIT.changed(service_id="boiler")
    names: list[dict[str, str]] = [{}, {"boiler": "Boiler check"}, {"boiler": "Boiler"}]
    tags = {calendar_tag(TechnicianCalendar(NINA, [visit], {}, services)) for services in names}
    assert len(tags) == 3


def test_the_whole_text_is_exactly_this() -> None:
    """A change of this text must raise LAYOUT too, because equal tags must mean equal texts."""
    assert LAYOUT == 3
    text = calendar_text(NINA, [event_text(VISIT, SITE)]).decode().replace("\r\n ", "").split("\r\n")
    assert text == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Holdfast//Technician calendar//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "NAME:Nina\\; Tall\\, the",
        "X-WR-CALNAME:Nina\\; Tall\\, the",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
        "X-WR-TIMEZONE:Europe/Copenhagen",
        "BEGIN:VEVENT",
        "SUMMARY:Mill House",
        "DTSTART:20261205T100000Z",
        "DTEND:20261205T110000Z",
        "DTSTAMP:20261120T080000Z",
        "UID:bk_alice@holdfast",
        "SEQUENCE:0",
        "CREATED:20261120T080000Z",
        "DESCRIPTION:Status: confirmed\\nCustomer: Alice\\nPhone: +354 555 0101\\nTravel before: 15 min\\n"
        "Travel after: 30 min\\n\\nThe tap drips",
        "LAST-MODIFIED:20261120T080000Z",
        "LOCATION:Quay 1\\, Aarhus",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_a_calendar_without_visits_can_be_read() -> None:
    assert parsed()["X-WR-TIMEZONE"] == "Europe/Copenhagen"


@pytest.mark.parametrize(
    ("status", "shown", "title", "transp"),
    [
        ("pending", "TENTATIVE", "Pending: Mill House", "OPAQUE"),
        ("confirmed", "CONFIRMED", "Mill House", "OPAQUE"),
        ("completed", "CONFIRMED", "Mill House", "OPAQUE"),
        ("no_show", "CONFIRMED", "No-show: Mill House", "OPAQUE"),
        ("cancelled", "CANCELLED", "Cancelled: Mill House", "TRANSPARENT"),
        ("expired", "CANCELLED", "Expired: Mill House", "TRANSPARENT"),
    ],
)
def test_a_status_is_visible_in_every_calendar_program(status: str, shown: str, title: str, transp: str) -> None:
    event = event_of(status=status)
    assert (event["STATUS"], event["SUMMARY"], event["TRANSP"]) == (shown, title, transp)
    assert event["DESCRIPTION"].startswith(f"Status: {status.replace('_', '-')}\n")


def test_a_changed_visit_has_a_higher_sequence() -> None:
    later = MADE + timedelta(hours=1, milliseconds=7)
    event = event_of(version=3, updated_at=later)
    assert event["SEQUENCE"] == 2
    assert event["UID"] == "bk_alice@holdfast"
    assert event["CREATED"].dt == MADE
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == MADE + timedelta(hours=1)


@pytest.mark.parametrize(
    ("priority", "title"),
    [
        ("low", "Mill House"),
        ("medium", "Mill House"),
        ("high", "Mill House (high priority)"),
        ("emergency", "Mill House (emergency)"),
    ],
)
def test_an_urgent_visit_has_its_priority_in_the_title(priority: str, title: str) -> None:
    assert event_of(priority=priority)["SUMMARY"] == title


def test_unknown_facts_are_left_out() -> None:
    event = event_of(
        Property(id="prop-1", name="Mill House"),
        customer={"name": "Alice"},
        description="",
        buffer_before_minutes=0,
        buffer_after_minutes=0,
    )
    assert event["DESCRIPTION"] == "Status: confirmed\nCustomer: Alice"
    assert "LOCATION" not in event


@pytest.mark.parametrize(("zone", "start", "minutes", "begins", "ends"), CLOCK_CHANGES)
def test_times_are_right_across_clock_changes(zone: str, start: datetime, minutes: int, begins: str, ends: str) -> None:
    end = start + timedelta(minutes=minutes)
    technician = Technician(id="tech-7", name="Nina", timezone=zone)
    (event,) = parsed(VISIT.changed(start=start, end=end), technician=technician).events
    shown = [event["DTSTART"].dt, event["DTEND"].dt]
    assert shown == [start, end]
    assert [moment.utcoffset() for moment in shown] == [timedelta(0), timedelta(0)]
    assert [moment.astimezone(ZoneInfo(zone)).strftime("%H:%M") for moment in shown] == [begins, ends]


def test_an_hour_that_exists_twice_is_two_hours() -> None:
    first, second = (datetime(2027, 10, 31, hour, tzinfo=UTC) for hour in (0, 1))
    hours = [VISIT.changed(booking_id=f"bk_{at:%H}", start=at, end=at + timedelta(hours=1)) for at in (first, second)]
    starts = [event["DTSTART"].dt for event in parsed(*hours).events]
    local = [start.astimezone(ZoneInfo("Europe/Copenhagen")) for start in starts]
    assert [f"{moment:%H:%M}" for moment in local] == ["02:00", "02:00"]
    assert [moment.fold for moment in local] == [0, 1]
    assert starts[1] - starts[0] == timedelta(hours=1)


def test_a_time_with_another_offset_is_written_in_utc() -> None:
    event = event_of(start=datetime(2026, 12, 5, 11, tzinfo=ZoneInfo("Europe/Copenhagen")))
    assert event.to_ical().count(b"DTSTART:20261205T100000Z\r\n") == 1


def test_no_text_can_break_out_of_its_property() -> None:
    site = Property(id="prop-1", name=NASTY, address=NASTY)
    customer = {"name": NASTY, "phone": "+354"}
    event = event_of(site, description=NASTY, customer=customer, priority="emergency")
    whole = event_text(VISIT.changed(description=NASTY, customer=customer), site)
    lines = whole.decode().replace("\r\n ", "").split("\r\n")
    assert [line.partition(":")[0] for line in lines if line] == [
        *("BEGIN", "SUMMARY", "DTSTART", "DTEND", "DTSTAMP", "UID", "SEQUENCE", "CREATED", "DESCRIPTION"),
        *("LAST-MODIFIED", "LOCATION", "STATUS", "TRANSP", "END"),
    ]
    one_line = 'a, b; c\\d: "e" END:VEVENT X-EVIL:1 ATTACH:x y z 🔧 ñ\tend' + "ü" * 80
    assert event["SUMMARY"] == f"{one_line} (emergency)"
    assert event["LOCATION"] == one_line
    *known, words = event["DESCRIPTION"].partition("\n\n")
    assert known[0].split("\n")[:3] == ["Status: confirmed", f"Customer: {one_line}", "Phone: +354"]
    assert words == 'a, b; c\\d: "e"\nEND:VEVENT\nX-EVIL:1\nATTACH:x\ny\nz 🔧 ñ\tend' + "ü" * 80


TYPED = st.lists(
    st.sampled_from(["\\", ",", ";", "\r", "\n", "\\N", "\\n", "\\;", "\\,", ":", '"', "N", "n", "x", "é"])
).map("".join)


def unescaped(value: str) -> str:
    """A TEXT value of RFC 5545, section 3.3.11, as typed."""
    typed, rest = [], iter(value)
    for character in rest:
        typed.append({"n": "\n", "N": "\n"}.get(escaped := next(rest), escaped) if character == "\\" else character)
    return "".join(typed)


def properties_of(text: bytes) -> dict[str, list[str]]:
    """The values of a calendar by the name of their property, as a small parser of RFC 5545 reads them."""
    found: dict[str, list[str]] = {}
    for line in text.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n"):
        name, _, value = line.partition(":")
        found.setdefault(name, []).append(unescaped(value))
    return found


@given(TYPED, TYPED, TYPED)
@example(r"Alice\NStatus: cancelled", r"North\New wing", r"K:\Nord")
@example("\\", "\\\\N", "\\\n")
@settings(deadline=None)
def test_what_was_typed_comes_back_in_every_parser(name: str, site_name: str, address: str) -> None:
    site = Property(id="prop-1", name=site_name, address=address or None)
    technician = Technician(id="tech-7", name=name)
    visit = VISIT.changed(customer={"name": name}, description=address, buffer_before_minutes=0, buffer_after_minutes=0)
    text = calendar_text(technician, [event_text(visit, site)])
    shown = {
        "SUMMARY": one_line(site_name),
        "LOCATION": one_line(address),
        "DESCRIPTION": f"Status: confirmed\nCustomer: {one_line(name)}"
        + (f"\n\n{address}" if address else "").replace("\r\n", "\n").replace("\r", "\n"),
    }
    if not address:
        del shown["LOCATION"]
    small = properties_of(text)
    assert {known: small[known] for known in shown} == {known: [value] for known, value in shown.items()}
    assert small["NAME"] == small["X-WR-CALNAME"] == [one_line(name)]
    assert len(small["STATUS"]) == len(small["BEGIN"]) - 1 == 1
    (event,) = Calendar.from_ical(text).events
    assert {known: str(event[known]) for known in shown} == shown


def one_line(typed: str) -> str:
    return typed.replace("\r\n", " ").replace("\r", " ").replace("\n", " ")


def test_the_library_alone_would_make_a_line_of_typed_text() -> None:
    """The fault that the escaping of ours is there for."""
    assert unescaped(vText(r"Alice\NStatus: cancelled").to_ical().decode()) == "Alice\nStatus: cancelled"


def test_no_line_is_longer_than_75_bytes_or_contains_control_characters() -> None:
    text = calendar_text(NINA, [event_text(VISIT.changed(description=NASTY * 5), SITE)])
    assert max(map(len, text.split(b"\r\n"))) <= 75
    assert all(line.decode().isprintable() for line in text.replace(b"\t", b"").split(b"\r\n"))
    assert b"\r" not in text.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "other",
    [
        {"booking": VISIT.changed(version=2)},
        {"booking": VISIT.changed(updated_at=MADE + timedelta(seconds=1))},
        {"booking": VISIT.changed(booking_id="bk_bob")},
        {"site": Property(id="prop-1", name="Mill House")},
        {"site": Property(id="prop-1", name="The Mill", address=SITE.address)},
        {"technician": Technician(id="tech-7", name="Nina", timezone="Europe/Copenhagen")},
        {"technician": Technician(id="tech-7", name=NINA.name)},
    ],
)
def test_the_tag_changes_with_the_text(other: dict[str, Any]) -> None:
    assert tag(**other) != tag() == tag()
