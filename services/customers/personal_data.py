"""Erases the data of a person, and exports what is held of one. The visits themselves stay.

Each record is rewritten by itself. After a crash between two of them a repeat goes on, because it finds only what is
left. A customer is made anew from the bookings that are left of it, once those were erased. Redis holds no personal
data: only digests, for at most a day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import NamedTuple

from models.access import Caller
from models.booking import Booking
from models.contacts import e164
from models.customers import CustomerRecord, Erased, PersonRequest
from models.errors import BookingNotFound, InvalidTransition, RequestInProgress
from models.messages import MessageReply
from models.waitlist import LIVE_STATUSES, WaitEntry
from services.catalogue.reader import Catalogue
from services.claims.mirror import Mirror
from services.clock import Clock
from services.customers.desk import CustomerDesk
from services.customers.registry import Registry
from services.customers.store import CustomerStore
from services.ledger.documents import noted
from services.ledger.persons import (
    ERASED,
    Customer,
    customers_in,
    email_key,
    persons_in,
    phone_key,
    redacted,
    traces_of,
)
from services.ledger.store import BookingStore
from services.messages.desk import shown_as_sent
from services.messages.store import MessageStore
from services.outbox.shelf import OutboxShelf
from services.sms.store import Conversations
from services.waitlist.entries import Waitlist
from services.waitlist.store import WaitlistStore

MOST_ATTEMPTS = 5
SOMEBODY_ELSE = "Somebody else"
BUSY = "This record is changing at this moment. Please try again."


class PersonalData(NamedTuple):
    """All that is held of a person."""

    bookings: list[Booking]
    waitlist: list[WaitEntry]
    customers: list[CustomerRecord]
    messages: list[MessageReply]


class PersonalDataDesk:
    """Erases and exports. Everything may raise StoreUnavailable; a repeat then finishes the work."""

    def __init__(
        self,
        *,
        store: BookingStore,
        mirror: Mirror,
        waitlist: Waitlist,
        entries: WaitlistStore,
        customers: CustomerStore,
        registry: Registry,
        conversations: Conversations,
        messages: MessageStore,
        outbox: OutboxShelf,
        desk: CustomerDesk,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        self._store = store
        self._mirror = mirror
        self._waitlist = waitlist
        self._entries = entries
        self._customers = customers
        self._registry = registry
        self._conversations = conversations
        self._messages = messages
        self._outbox = outbox
        self._desk = desk
        self._catalogue = catalogue
        self._clock = clock

    def erase_booking(self, caller: Caller, booking_id: str) -> Erased:
        """Erases everybody from one booking, and from the waitlist entry that it came from. A customer of whom no other
        booking is left goes with it.

        Raises BookingNotFound, RequestInProgress.
        """
        booking = self._store.find(caller.org, booking_id)
        if booking is None:
            raise BookingNotFound
        entries = self._entries.of_hold(caller.org, booking.hold_id) if booking.hold_id else []
        persons = persons_in(booking.customer, booking.history)
        written_about = [booking_id, *(each.waitlist_id for each in entries)]
        return Erased(
            bookings=int(self._erase_from(caller, booking, lambda _: lambda _: True)),
            waitlist=sum(self._erase_entry(caller, entry) for entry in entries),
            customers=self._renew(caller.org, persons, notes=True),
            messages=sum(self._messages.erase_booking(caller.org, each) for each in written_about),
        )

    def erase_person(self, caller: Caller, wanted: PersonRequest) -> Erased:
        """Erases one person from all records of the org; other people in the same records stay.

        If the person still waits, their entry leaves the waitlist. Raises RequestInProgress.
        """
        keys = self._keys_of(caller.org, wanted)
        bookings, entries = self._store.of_person(caller.org, keys), self._entries.of_person(caller.org, keys)

        self._conversations.erase(caller.org, keys)

        def traces(booking: Booking) -> Callable[[Customer], bool]:
            return traces_of(keys, booking.customer, booking.history)

        return Erased(
            bookings=sum(self._erase_from(caller, booking, traces) for booking in bookings),
            waitlist=sum(self._erase_entry(caller, entry) for entry in entries),
            customers=self._renew(caller.org, keys, notes=False),
            messages=self._messages.erase_person(caller.org, keys),
        )

    def export_person(self, caller: Caller, wanted: PersonRequest) -> PersonalData:
        """All that is held of one person. Other people in the same records are not named."""
        keys = self._keys_of(caller.org, wanted)
        bookings = [_of_one(keys, booking) for booking in self._store.of_person(caller.org, keys)]
        customers = self._desk.shown(caller.org, self._customers.of_person(caller.org, keys))
        messages = shown_as_sent(self._messages.of_person(caller.org, keys))
        return PersonalData(bookings, self._entries.of_person(caller.org, keys), customers, messages)

    def _renew(self, org: str, persons: Collection[str], *, notes: bool) -> int:
        """Gives how many customers became others."""
        found = self._customers.of_person(org, persons) if persons else []
        return sum(self._registry.renew(each, notes=notes) for each in found)

    def _keys_of(self, org: str, wanted: PersonRequest) -> frozenset[str]:
        """The keys that a person may be known by: a phone as it is written here, and with its country code."""
        if wanted.phone is None:
            return frozenset({email_key(wanted.email or "")})
        international = e164(wanted.phone, self._catalogue.policy(org).country)
        return frozenset(map(phone_key, filter(None, (wanted.phone, international))))

    def _erase_from(
        self, caller: Caller, booking: Booking, traces: Callable[[Booking], Callable[[Customer], bool]]
    ) -> bool:
        """Whether there was something to erase. traces: which customers of a booking to erase."""
        found: Booking | None = booking
        for _ in range(MOST_ATTEMPTS):
            if found is None:
                return False
            is_hidden = traces(found)
            erased = redacted(found, is_hidden)
            if erased == found:
                return False
            erased = erased.changed(token_generation=found.token_generation + is_hidden(found.customer))
            self._outbox.forget_answers(caller.org, [found.booking_id])
            changed = self._store.rewrite(found, erased, noted(caller.name, "erase", {}))
            if changed:
                self._mirror.settle_or_leave(changed)
                return True
            found = self._store.find(caller.org, booking.booking_id)
        raise RequestInProgress(BUSY, retry_after_seconds=1)

    def _erase_entry(self, caller: Caller, entry: WaitEntry) -> bool:
        """Whether there was something to erase. An offer is given up first, because it would be made to no person."""
        found: WaitEntry | None = entry
        for _ in range(MOST_ATTEMPTS):
            if found is None or found.customer == {"name": ERASED}:
                return False
            if found.status in LIVE_STATUSES:
                with suppress(InvalidTransition):  # it became a booking
                    self._waitlist.leave(caller, entry.waitlist_id)
                found = self._entries.find(caller.org, entry.waitlist_id) or found
            self._outbox.forget_answers(caller.org, [found.waitlist_id])
            if self._entries.erase(found, self._clock(), caller.name):
                return True
            found = self._entries.find(caller.org, entry.waitlist_id)
        raise RequestInProgress(BUSY, retry_after_seconds=1)


def _of_one(keys: frozenset[str], booking: Booking) -> Booking:
    """A booking as far as it is about this person."""
    is_theirs = traces_of(keys, booking.customer, booking.history)
    if all(map(is_theirs, customers_in(booking.customer, booking.history))):
        return booking
    return redacted(booking, lambda customer: not is_theirs(customer), SOMEBODY_ELSE)
