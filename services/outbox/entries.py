"""What the outbox is made of: news that comes in, entries that go out, and the two kinds of parts that others bring.

A Source says what to send because of some news. A Courier sends one entry. The outbox does the rest: it makes each
entry once, leases it, keeps the order, tries again, and keeps what it could not send.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, Protocol

from models.booking import Booking
from models.waitlist import WaitEntry

Channel = Literal["webhook", "sms", "email"]
State = Literal["waiting", "delivered", "dead", "suppressed"]
"""`waiting` until the entry is delivered, given up or suppressed. A message whose time has not come waits too."""
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BookingChange:
    """One version of a booking.

    booking: as it was at that version; personal data that was erased later is not in it.
    action: the one of its history entry, such as `book`, `reserve`, `import`, `confirm`, `move`, `swap`, `erase`.
    changed: the fields of the booking that differ from the version before; empty for a new booking.
    previous: the values of those fields before.
    by: who made the change, as in the history. at: when, as in the history.
    logged: the time of MongoDB's log, which orders all changes; seconds since 1970 in the upper 32 bits.
    """

    booking: Booking
    action: str
    changed: tuple[str, ...]
    previous: dict[str, Any]
    by: str
    at: datetime
    logged: int

    @property
    def org(self) -> str:
        return self.booking.org


@dataclass(frozen=True, slots=True)
class OfferMade:
    """An offer to an entry of the waitlist: the entry as it was when the offer was made. For the rest see above."""

    entry: WaitEntry
    at: datetime
    logged: int

    @property
    def org(self) -> str:
        return self.entry.org


News = BookingChange | OfferMade


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """Something to send.

    booking_id, version: of the booking; for an offer those of the waitlist entry.
    receiver: the id of a webhook, or the channel of a message.
    due: not to be sent before. Tried again for a day from then on.
    body: JSON values for the courier. No personal data: the courier reads those when it sends, so that what was erased
    by then is not sent.
    """

    org: str
    booking_id: str
    version: int
    kind: str
    channel: Channel
    receiver: str
    due: datetime
    body: Body

    @property
    def entry_id(self) -> str:
        """The same for the same org, booking, version, kind and receiver: that makes the entry unique."""
        parts = (self.org, self.booking_id, str(self.version), self.kind, self.channel, self.receiver)
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return "msg_" + blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """An entry as it is kept. attempts: how often it was sent before, without success."""

    id: str
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """It was taken. detail: what to show of that, JSON values without personal data."""

    detail: Body


@dataclass(frozen=True, slots=True)
class Again:
    """It was not taken, or that is open. after_seconds: when the receiver asked to be tried again."""

    detail: Body
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """It will never be taken."""

    detail: Body


@dataclass(frozen=True, slots=True)
class Suppressed:
    """It is not to be sent any more."""

    detail: Body


@dataclass(frozen=True, slots=True)
class NotYet:
    """It is not to be sent before `until`. This is no attempt."""

    until: datetime


Outcome = Delivered | Again | Dead | Suppressed | NotYet


class Source(Protocol):
    """Says what to send. Everything may raise StoreUnavailable, and is then called again with the same news."""

    def since(self) -> datetime | None:
        """From when on it wants news; None: it wants none at present. Called several times a second."""

    def entries(self, news: Sequence[News]) -> list[NewEntry]:
        """What to send because of some news, which may be of many orgs, and may have come before. The same news gives
        the same entries, or fewer."""


class Courier(Protocol):
    """Sends the entries of a channel. Several threads call it at once."""

    def send(self, entry: Entry) -> Outcome:
        """Sends an entry, within a bounded time of at most half a minute. What it raises counts as Again."""
