"""Says which messages to plan because of some news. Whether one is sent, and what it says, is decided when it is due.

A reminder is numbered by the minute at which it is due, not by the version of its booking, so whichever version plans
it, it is one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from models.catalogue import Policy
from models.messages import MessageChannel, MessageKind
from services.messages.addresses import address_of
from services.messages.decisions import HELD_BACK, deadline_notice, minute_of, news_of, reminder_times
from services.outbox.entries import BookingChange, NewEntry, News, OfferMade

DUE: Final = "due"
"""In a body: when the message was due, however often it was put off."""
IMPORTED: Final = "import"
"""The action of a booking that comes from another system, whose customer has heard of it from there."""
ERASE: Final = "erase"
PLANS_ANEW: Final = frozenset({"start", "status", "reserved_until", "customer"})
"""The fields on which reminders depend. A customer may have an address now who had none."""


class MessageSource:
    """A Source of the outbox.

    began: since when which channel has a sender, in times of MongoDB's log; what changed before is no news there.
    Without any, no news is wanted. policy: of an org, as it is now. forget: removes the personal data of the messages
    about a booking.
    """

    def __init__(
        self,
        began: Callable[[], Mapping[MessageChannel, int]],
        policy: Callable[[str], Policy],
        forget: Callable[[str, str], object],
    ) -> None:
        self._read_began = began
        self._policy = policy
        self._forget = forget

    @cached_property
    def _began(self) -> Mapping[MessageChannel, int]:
        return self._read_began()

    def since(self) -> datetime | None:
        """From when on news is wanted: since messages are sent."""
        return datetime.fromtimestamp(min(self._began.values()) >> 32, UTC) if self._began else None

    def entries(self, news: Sequence[News]) -> list[NewEntry]:
        """What to send because of some news."""
        policies: dict[str, Policy] = {}
        planned: list[NewEntry] = []
        for each in news:
            if isinstance(each, OfferMade):
                planned += self._of_offer(each)
                continue
            if each.action == ERASE:
                # A message that was begun while its booking was erased is forgotten here.
                self._forget(each.org, each.booking.booking_id)
            if each.org not in policies:
                policies[each.org] = self._policy(each.org)
            planned += self._of_change(each, policies[each.org])
        return planned

    def _of_offer(self, made: OfferMade) -> Iterator[NewEntry]:
        entry = made.entry
        for channel in self._reached(entry.customer, made.logged):
            yield NewEntry(
                org=entry.org,
                booking_id=entry.waitlist_id,
                version=entry.version,
                kind="waitlist_offer",
                channel=channel,
                receiver=channel,
                due=made.at,
                body={DUE: made.at.isoformat()},
            )

    def _of_change(self, change: BookingChange, policy: Policy) -> Iterator[NewEntry]:
        booking = change.booking
        is_new = len(booking.history) == 1
        before = None if is_new else booking.changed(**change.previous)
        news = None if is_new and change.action == IMPORTED else news_of(before, booking)
        for channel in self._reached(booking.customer, change.logged):
            if news is not None:
                yield _entry(change, news, channel, booking.version, change.at + HELD_BACK)
            if is_new or not PLANS_ANEW.isdisjoint(change.changed):
                yield from _reminders(change, channel, policy)

    def _reached(self, customer: dict[str, str], logged: int) -> list[MessageChannel]:
        return [each for each, began in self._began.items() if logged > began and address_of(customer, each)]


def _reminders(change: BookingChange, channel: MessageChannel, policy: Policy) -> Iterator[NewEntry]:
    """A reminder that would come with the news of the change itself is left out."""
    booking, soonest = change.booking, change.at + HELD_BACK
    if booking.status == "confirmed":
        for due in reminder_times(booking, policy.reminder_hours):
            if due > soonest:
                yield _entry(change, "reminder", channel, minute_of(due), due)
    due_notice = deadline_notice(booking)
    if due_notice is not None and due_notice > soonest:
        yield _entry(change, "reservation_deadline", channel, minute_of(due_notice), due_notice)


def _entry(change: BookingChange, kind: MessageKind, channel: MessageChannel, number: int, due: datetime) -> NewEntry:
    return NewEntry(
        org=change.org,
        booking_id=change.booking.booking_id,
        version=number,
        kind=kind,
        channel=channel,
        receiver=channel,
        due=due,
        body={DUE: due.isoformat()},
    )
