"""E-mails as bytes: their parts, their headers, and the entry for a calendar, read by public parsers."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar

from models.booking import Booking
from models.catalogue import Policy
from models.messages import MessageKind
from services.messages.addresses import address_of
from services.messages.letters import Matter
from services.messages.mail import mail_of
from tests.messages.lives import START, cancelled, made, moved
from tests.messages.matters import matter, written

AT = datetime(2026, 11, 20, 8, 1, tzinfo=UTC)


def sent(about: Matter, to: str = "alice@example.com") -> EmailMessage:
    """An e-mail as a mail program reads it."""
    mail = mail_of(written(about, "email"), to=to, sender="visits@example.com", message_id="msg_1", at=AT)
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def calendar_in(mail: EmailMessage) -> Any:
    """The calendar of an e-mail, which stands in it twice: for mail programs, and as a file."""
    [inline] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    [file] = [part for part in mail.walk() if part.get_content_type() == "application/ics"]
    contents: list[Any] = [part.get_payload(decode=True) for part in (inline, file)]
    calendars = [Calendar.from_ical(content) for content in contents]
    assert calendars[0] == calendars[1]
    assert inline.get_param("method") == calendars[0]["METHOD"]
    assert file.get_filename() == "visit.ics"
    return calendars[0]


def test_it_has_a_text_a_page_and_a_calendar() -> None:
    mail = sent(matter())
    kinds = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "text/calendar", "application/ics"]
    assert (mail["From"], mail["To"]) == ("Harbour & Vale <visits@example.com>", "alice@example.com")
    assert mail["Subject"] == "Your visit is booked: Saturday 5 December 2026 at 10:00"
    assert mail["Message-ID"] == "<msg_1@example.com>"
    assert mail["Date"].datetime == AT
    assert mail["Auto-Submitted"] == "auto-generated"
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines()[:3] == [
        "Hello Jón Þór <b>,",
        "",
        "Your visit is booked for Saturday 5 December 2026 at 10:00.",
    ]


def test_a_reminder_has_no_calendar() -> None:
    kinds = [part.get_content_type() for part in sent(matter("reminder")).walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]


def test_the_calendar_shows_the_visit() -> None:
    calendar = calendar_in(sent(matter()))
    [event] = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "REQUEST"
    assert (event["DTSTART"].dt, event["UID"], event["SEQUENCE"]) == (START, "bk_alice@holdfast", 0)
    assert (event["SUMMARY"], event["LOCATION"]) == (
        "Visit: Æblehuset – nr. 3",
        "Ægisgata 5, 101 Reykjavík",
    )
    assert (event["ORGANIZER"], event["ATTENDEE"]) == ("mailto:visits@example.com", "mailto:alice@example.com")
    assert (event["STATUS"], event["ATTENDEE"].params["RSVP"]) == ("CONFIRMED", "FALSE")
    assert "Alice" not in str(event["DESCRIPTION"])


def test_a_move_and_a_cancel_change_the_same_entry() -> None:
    later = moved(made())
    over = cancelled(later)
    states: list[tuple[MessageKind, Booking]] = [("confirmation", made()), ("moved", later), ("cancelled", over)]
    events = [calendar_in(sent(matter(kind, booking=each, start=each.start))) for kind, each in states]
    inner = [calendar.walk("VEVENT")[0] for calendar in events]
    assert [each["METHOD"] for each in events] == ["REQUEST", "REQUEST", "CANCEL"]
    assert {each["UID"] for each in inner} == {"bk_alice@holdfast"}
    assert [each["SEQUENCE"] for each in inner] == [0, 1, 2]
    assert [each["DTSTART"].dt for each in inner] == [START, later.start, later.start]
    assert inner[2]["STATUS"] == "CANCELLED"


@pytest.mark.parametrize("name", ["Vale\r\nBcc: evil@example.com", "Vale\nSubject: x", "Vale\r\n\r\nbody"])
def test_no_header_can_be_injected(name: str) -> None:
    mail = sent(matter(policy=Policy(display_name=name), site=matter().site.model_copy(update={"name": name})))
    assert mail["Bcc"] is None
    assert mail.get_all("Subject") == ["Your visit is booked: Saturday 5 December 2026 at 10:00"]
    assert mail["From"].addresses[0].addr_spec == "visits@example.com"
    [event] = calendar_in(mail).walk("VEVENT")
    assert "BCC" not in event


@pytest.mark.parametrize("to", ["a@example.com\r\nBcc: evil@example.com", "a@example.com, b@example.com", "a b@x.org"])
def test_an_address_is_one_address(to: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        sent(matter(), to)


@pytest.mark.parametrize(
    ("typed", "written_to"),
    [
        ("alice@example.com", "alice@example.com"),
        ("a.b+c_d'e=f@mail.example.com", "a.b+c_d'e=f@mail.example.com"),
        ("jon@dæmi.is", "jon@xn--dmi-yla.is"),
        ("jón@example.com", None),
        ('"a b"@example.com', None),
        ("a,b@example.com", None),
        ("<a>@example.com", None),
        ("a@example..com", None),
        ("a@", None),
        ("", None),
    ],
)
def test_an_address_is_written_to_if_it_stands_in_a_header_as_it_is(typed: str, written_to: str | None) -> None:
    assert address_of({"email": typed}, "email") == written_to
    if written_to:
        assert sent(matter(), written_to)["To"].addresses[0].addr_spec == written_to
