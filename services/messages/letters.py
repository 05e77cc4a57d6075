"""Writes a message: the text, and of an e-mail the subject, the page and the entry for a calendar. Pure, but for
templates, which are files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.booking import Booking
from models.catalogue import Policy, Property
from models.messages import MessageChannel, MessageKind
from services.calendars.icalendar_text import Invitation, invitation_method, invitation_text
from services.ids import ManageTokens
from services.messages.languages import Language, mail_layout
from services.messages.templates import Templates, filled, filled_html, paragraphs
from services.texting.gsm7 import plain

IN_CALENDARS = frozenset({"confirmation", "moved", "cancelled"})
"""The kinds of message that change the customer's calendar."""
_SECRET = re.compile(r"/visit#\S+")
_MAKES_A_LINK = re.compile(r"(?<=[.\u3002\uff0e\uff61])(?=\w)|(?<=:)(?=/)")
"""Where in a name programs see an address: before what follows a dot of any alphabet, and within ://."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What a message is about, with all that it may name.

    booking: None for an offer. before: the start that the customer knows. until: when an offer or a reservation ends.
    more: further visits of a series that the same is said of.
    """

    org: str
    kind: MessageKind
    customer: dict[str, Any]
    site: Property
    start: datetime
    service: str | None
    policy: Policy
    language: Language
    booking: Booking | None = None
    before: datetime | None = None
    until: datetime | None = None
    more: int = 0


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """An entry for a calendar. method: what the calendar is to do with it."""

    method: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it leaves. sender_name, subject, html and calendar: of an e-mail alone.

    kept: the text as it is kept, without the secret of a link in it.
    """

    text: str
    kept: str
    sender_name: str = ""
    subject: str = ""
    html: str = ""
    calendar: CalendarPart | None = None


class Letters:
    """Writes the messages of all orgs.

    public_url: where our pages are; None for no links to them. organizer: the address that e-mails come from.
    """

    def __init__(self, templates: Templates, tokens: ManageTokens, public_url: str | None, organizer: str) -> None:
        self._templates = templates
        self._tokens = tokens
        self._public_url = public_url
        self._organizer = organizer

    def write(self, matter: Matter, channel: MessageChannel) -> Letter:
        return self._text(matter) if channel == "sms" else self._mail(matter)

    def _text(self, matter: Matter) -> Letter:
        values, own = self._values(matter), self._own_lines(matter)
        words = matter.language.kinds[matter.kind]
        text = "\n".join(filled(own, values)) if own is not None else " ".join(filled(words.sms, values))
        text = plain(text).strip()
        return Letter(text, without_secret(text))

    def _mail(self, matter: Matter) -> Letter:
        values, own = self._values(matter, with_year=True), self._own_lines(matter)
        words = matter.language.kinds[matter.kind]
        lines = filled(own if own is not None else words.mail, values)
        subject = " ".join(" ".join(filled([words.subject], values)).split())
        text = "\n".join(lines) if own is not None else "\n\n".join(lines)
        own_page = self._templates.find(matter.org, matter.language.code, matter.kind, ".html")
        if own_page is not None:
            html = filled_html(own_page, {**values, "subject": subject})
        else:
            around = {"language": matter.language.code, "subject": subject, "paragraphs": "$paragraphs"}
            html = filled_html(mail_layout(), around).replace("$paragraphs", paragraphs(lines))
        return Letter(
            text=text + "\n",
            kept=without_secret(text),
            sender_name=matter.policy.display_name or "",
            subject=subject,
            html=html,
            calendar=self._calendar(matter, values),
        )

    def _own_lines(self, matter: Matter) -> list[str] | None:
        found = self._templates.find(matter.org, matter.language.code, matter.kind, ".txt")
        return None if found is None else found.strip().splitlines()

    def _values(self, matter: Matter, *, with_year: bool = False) -> dict[str, str]:
        """What templates can name; empty where it is not known."""

        def said(moment: datetime | None, *, with_year: bool = False) -> str:
            return matter.language.moment(moment, matter.site.timezone, with_year=with_year) if moment else ""

        site, policy = matter.site, matter.policy
        return {
            "name": without_links(matter.customer["name"]),
            "when": said(matter.start, with_year=with_year),
            "before": said(matter.before, with_year=with_year),
            "until": said(matter.until),
            "where": site.name,
            "address": ", ".join(filter(None, [site.name, site.address])),
            "service": matter.service or "",
            "company": policy.display_name or "",
            "phone": policy.phone or "",
            "link": self._link(matter.booking),
            "more": str(matter.more) if matter.more else "",
        }

    def _link(self, booking: Booking | None) -> str:
        """The page where the customer moves or cancels the visit, with its token where no log and no server sees it."""
        if self._public_url is None or booking is None or not booking.active:
            return ""
        return (
            f"{self._public_url}/visit#{self._tokens.make(booking.org, booking.booking_id, booking.token_generation)}"
        )

    def _calendar(self, matter: Matter, values: dict[str, str]) -> CalendarPart | None:
        booking = matter.booking
        if booking is None or matter.kind not in IN_CALENDARS:
            return None
        invitation = Invitation(
            title=" ".join(filled([matter.language.event], values)),
            about="\n".join(filter(None, [values["service"], values["company"], values["phone"]])),
            organizer=self._organizer,
            attendee=matter.customer["email"],
        )
        return CalendarPart(invitation_method(booking), invitation_text(booking, matter.site, invitation))


def without_links(name: str) -> str:
    """A name in which no mail program and no phone sees an address to tap. A stranger types names, and the receiver of
    the message trusts its sender."""
    return _MAKES_A_LINK.sub(" ", name)


def without_secret(text: str) -> str:
    """The text as it may be kept: a manage token is never stored."""
    return _SECRET.sub("/visit", text)
