"""Decides whether an entry of the outbox is a message now, and which one.

The same is asked when a message is due and when the office lists what is planned. It reads, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Final, Protocol

from models.booking import Booking
from models.catalogue import Policy
from models.messages import MessageChannel, MessageKind
from models.waitlist import WaitEntry
from services.ledger.deeds import Deeds
from services.ledger.persons import contacts
from services.messages.addresses import address_of
from services.messages.decisions import (
    LATEST,
    deadline_notice,
    entry_of,
    is_by_customer,
    is_said_already,
    known_state,
    minute_of,
    news_of,
    reminder_times,
    said_before,
)
from services.messages.letters import Letter, Letters, Matter
from services.messages.matters import Matters, spoken
from services.messages.opt_outs import OptOuts
from services.messages.quiet_hours import quiet_until
from services.messages.store import MessageStore

ASKED: Final = "asked"
"""In a body: the office has asked for the message, so it is sent however old the news is."""


class Planned(Protocol):
    """An entry of the outbox, as far as it matters here."""

    @property
    def org(self) -> str: ...
    @property
    def booking_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def body(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Composed:
    """A message. to: its address. about, version: as in Message. wait_until: when quiet hours end that it waits for."""

    org: str
    kind: MessageKind
    channel: MessageChannel
    to: str
    letter: Letter
    about: str
    version: int
    policy: Policy
    persons: tuple[str, ...]
    wait_until: datetime | None


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to send, for a reason in one word."""

    reason: str


GONE: Final = Nothing("gone")
OUTDATED: Final = Nothing("outdated")
KNOWN: Final = Nothing("nothing_new")
LATE: Final = Nothing("too_late")


class Composing:
    """Composes messages from what is stored now. Everything may raise StoreUnavailable.

    booking, waiting: the booking or the entry of the waitlist with an id, or None.
    """

    def __init__(
        self,
        *,
        booking: Callable[[str, str], Booking | None],
        waiting: Callable[[str, str], WaitEntry | None],
        deeds: Deeds,
        matters: Matters,
        messages: MessageStore,
        opt_outs: OptOuts,
        letters: Letters,
    ) -> None:
        self._booking = booking
        self._waiting = waiting
        self._deeds = deeds
        self._matters = matters
        self._messages = messages
        self._opt_outs = opt_outs
        self._letters = letters

    def for_a_list(self) -> Composing:
        """The same, which reads each booking, property and policy once."""
        return Composing(
            booking=cache(self._booking),
            waiting=cache(self._waiting),
            deeds=self._deeds,
            matters=self._matters.remembering(),
            messages=self._messages,
            opt_outs=self._opt_outs,
            letters=self._letters,
        )

    def compose(self, entry: Planned, now: datetime) -> Composed | Nothing:
        """The message of an entry as it would leave at a time."""
        channel: MessageChannel = "sms" if entry.channel == "sms" else "email"
        if entry.kind == "waitlist_offer":
            return self._offer(entry, channel, now)
        booking = self._booking(entry.org, entry.booking_id)
        if booking is None:
            return GONE
        if entry.kind in ("reminder", "reservation_deadline"):
            return self._reminder(entry, booking, channel, now)
        return self._news(entry, booking, channel, now)

    def _news(self, entry: Planned, booking: Booking, channel: MessageChannel, now: datetime) -> Composed | Nothing:
        known = self._messages.known_version(entry.org, entry.booking_id, channel)
        if known is not None and known >= entry.version:
            return KNOWN
        said = said_before(booking, entry.version, channel)
        before = known_state(booking, entry.version, max(known or 0, said or 0) or None)
        kind = news_of(before, booking)
        if kind is None:
            return KNOWN
        deed = entry_of(booking, entry.version)
        if (now > deed["at"] + LATEST and not entry.body.get(ASKED)) or booking.end <= now:
            return LATE
        if is_said_already(deed["by"], channel):
            return Nothing("said_in_the_conversation")
        more = 0
        if booking.series_id is not None:
            starts = self._deeds.starts(booking, deed)
            if booking.start != min(starts, default=booking.start):
                return Nothing("said_of_an_earlier_visit")
            more = max(0, len(starts) - 1)
        matter = self._matters.of_booking(
            booking, kind, before=before.start if before and kind == "moved" else None, more=more
        )
        is_answer = kind == "confirmation" or is_by_customer(deed["by"])
        return self._composed(matter, channel, f"v{booking.version}", now, is_answer=is_answer)

    def _reminder(self, entry: Planned, booking: Booking, channel: MessageChannel, now: datetime) -> Composed | Nothing:
        """A reminder of a visit that was moved since is not sent; the move has planned another one."""
        kind: MessageKind = "reminder" if entry.kind == "reminder" else "reservation_deadline"
        until = None if kind == "reminder" else booking.reserved_until
        ends = booking.start if kind == "reminder" else until
        if kind == "reminder":
            times = reminder_times(booking, self._matters.policy(entry.org).reminder_hours)
            is_due = booking.status == "confirmed" and entry.version in map(minute_of, times)
        else:
            notice = deadline_notice(booking)
            is_due = notice is not None and entry.version == minute_of(notice)
        if not is_due:
            return OUTDATED
        if ends is None or ends <= now:
            return LATE
        matter = self._matters.of_booking(booking, kind, until=until)
        return self._composed(matter, channel, f"{kind}-{entry.version}", now)

    def _offer(self, entry: Planned, channel: MessageChannel, now: datetime) -> Composed | Nothing:
        waiting = self._waiting(entry.org, entry.booking_id)
        if waiting is None:
            return GONE
        # The version after the offer may be one that erased the customer; another offer has other times.
        if waiting.status != "offered" or waiting.start is None or waiting.version < entry.version:
            return OUTDATED
        if waiting.offered_until is None or waiting.offered_until <= now:
            return LATE
        matter = self._matters.of_offer(waiting, waiting.start, waiting.offered_until)
        return self._composed(matter, channel, f"offer-{minute_of(waiting.offered_until)}", now)

    def _composed(
        self, matter: Matter, channel: MessageChannel, about: str, now: datetime, *, is_answer: bool = False
    ) -> Composed | Nothing:
        to = address_of(matter.customer, channel)
        if to is None:
            return Nothing("no_address")
        if channel == "sms" and self._opt_outs.includes(matter.org, to):
            return Nothing("opted_out")
        return Composed(
            org=matter.org,
            kind=matter.kind,
            channel=channel,
            to=to,
            letter=self._letters.write(matter, channel),
            about=about,
            version=matter.booking.version if matter.booking else 0,
            policy=matter.policy,
            persons=tuple(contacts(matter.customer)),
            wait_until=None if is_answer else quiet_until(now, matter.policy.quiet_hours, matter.site.timezone),
        )

    def preview(self, booking: Booking, kind: MessageKind, code: str | None, channel: MessageChannel) -> Letter:
        """How a message about a booking reads, whether it would be sent or not. code: a language; None for the
        customer's."""
        until = booking.reserved_until or booking.start
        matter = self._matters.of_booking(booking, kind, before=booking.start, until=until)
        customer = {"email": "customer@example.com", **matter.customer}
        return self._letters.write(replace(matter, customer=customer, **spoken(code)), channel)
