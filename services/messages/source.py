"""Says which messages to plan because of some news. Whether one is sent, and what it says, is decided when it is due.

A reminder is numbered by the minute at which it is due, not by the version of its booking, so whichever version plans
it, it is one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from models.booking import Booking
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
    def began(self) -> Mapping[MessageChannel, int]:
        """Since when which channel has a sender."""
        return self._read_began()

    def since(self) -> datetime | None:
        """From when on news is wanted: since messages are sent."""
        return datetime.fromtimestamp(min(self.began.values()) >> 32, UTC) if self.began else None

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
                yield _entry(booking, news, channel, booking.version, change.at + HELD_BACK)
        if is_new or not PLANS_ANEW.isdisjoint(change.changed):
            yield from self.reminders(booking, policy, change.at, change.logged)

    def reminders(
        self, booking: Booking, policy: Policy, now: datetime, logged: int | None = None
    ) -> Iterator[NewEntry]:
        """The reminders of a booking that a policy wants. One that would come at once, and with the news of a change,
        is left out. logged: of the change that wants them; None where it is not for one."""
        times: list[tuple[MessageKind, datetime]] = []
        if booking.status == "confirmed":
            times += [("reminder", due) for due in reminder_times(booking, policy.reminder_hours)]
        if (notice := deadline_notice(booking)) is not None:
            times.append(("reservation_deadline", notice))
        for channel in self._reached(booking.customer, logged):
            for kind, due in times:
                if due > now + HELD_BACK:
                    yield _entry(booking, kind, channel, minute_of(due), due)

    def _reached(self, customer: dict[str, str], logged: int | None) -> list[MessageChannel]:
        """The channels on which a customer gets what was logged at a time; None for any time."""
        began = self.began.items()
        return [each for each, at in began if (logged is None or logged > at) and address_of(customer, each)]


def _entry(booking: Booking, kind: MessageKind, channel: MessageChannel, number: int, due: datetime) -> NewEntry:
    return NewEntry(
        org=booking.org,
        booking_id=booking.booking_id,
        version=number,
        kind=kind,
        channel=channel,
        receiver=channel,
        due=due,
        body={DUE: due.isoformat()},
    )
