"""Messages over real stores: what is planned for a booking, a post that keeps what it carries, and a clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from models.booking import Booking
from models.booking_changes import Action, BookingPatch
from models.catalogue import PolicyPatch
from services.crash_points import CrashPoints, survive
from services.messages.composing import Composed
from services.messages.courier import MessageCourier
from services.messages.source import MessageSource
from services.messages.store import Message
from services.outbox.entries import Delivered, Entry, NewEntry, OfferMade, Outcome
from services.outbox.news import booking_change
from services.outbox.store import OutboxStore
from services.wiring.messages import Messages
from services.wiring.parts import Parts
from tests.messages.lives import LATER
from tests.world import World, rfc3339, settings, tomorrow

PHONE, MAIL = "+45 12 34 56 78", "alice@example.com"
ALICE = {"name": "Alice", "phone": PHONE, "email": MAIL}


@dataclass
class Carried:
    """A Post that keeps what it carries. next: what it answers, in order. left: the messages that left without an
    answer, which it finds again."""

    messages: list[Composed] = field(default_factory=list)
    next: list[Outcome] = field(default_factory=list)
    left: dict[str, Outcome] = field(default_factory=dict)

    def carry(self, composed: Composed, _message_id: str) -> Outcome:
        self.messages.append(composed)
        return self.next.pop(0) if self.next else Delivered({"provider_id": f"SM{len(self.messages)}"})

    def find(self, begun: Message, /) -> Outcome | None:
        return self.left.get(begun.message_id)


class Office:
    """A world whose messages are sent when a test says so, at the time that it says."""

    def __init__(self, world: World, tmp_path: Path) -> None:
        self.world = world
        self.now = datetime.now(UTC)
        made = settings(outbox_folder=tmp_path, public_url="https://visits.example.com")
        parts = Parts(made, lambda: self.now, world.services.redis, world.services.db)
        self.parts = Messages(parts, parts_shelf(world))
        self.outbox = OutboxStore(world.services.db, lambda: self.now)
        self.source: MessageSource = self.parts.source()
        self.post = Carried()
        self.crash: CrashPoints = survive
        self.planned: dict[str, NewEntry] = {}
        self.policy(sms_number=f"+4570{int(world.org[-8:], 16):010d}", country="DK")

    def policy(self, **changed: Any) -> None:
        self.world.services.catalogue_desk.patch_policy(self.world.org, PolicyPatch.model_validate(changed))

    def book(self, role: str = "desk", hour: int = 10, **changed: Any) -> Booking:
        request = self.world.direct_request(start=rfc3339(tomorrow(hour)), **{"customer": ALICE, **changed})
        return self.plan(self.world.services.bookings.book(self.world.caller(role), request).booking)

    def move(self, booking: Booking, role: str = "desk", **changed: Any) -> Booking:
        patch = BookingPatch.model_validate(changed)
        life = self.world.services.booking_life
        return self.plan(life.reschedule(self.world.caller(role), booking.booking_id, patch, None))

    def act(self, booking: Booking, action: Action, role: str = "desk") -> Booking:
        life = self.world.services.booking_life
        return self.plan(life.act(self.world.caller(role), booking.booking_id, action))

    def plan(self, booking: Booking) -> Booking:
        """What the outbox does when it hears of a booking's last version."""
        self.put(self.source.entries([booking_change(booking, booking.version, LATER)]))
        return booking

    def hear_of_offer(self, made: OfferMade) -> None:
        self.put(self.source.entries([made]))

    def put(self, entries: list[NewEntry]) -> None:
        self.outbox.insert(entries)
        self.planned |= {each.entry_id: each for each in entries}

    def aged(self, booking: Booking, seconds: float) -> Booking:
        """Lets a booking's last change lie so much further back, as if time had passed since."""
        at = booking.history[-1]["at"] - timedelta(seconds=seconds)
        field_ = f"history.{len(booking.history) - 1}.at"
        self.world.services.db["bookings"].update_one({"_id": booking.booking_id}, {"$set": {field_: at}})
        return booking

    def send(self, kind: str, version: int | None = None, channel: str = "sms") -> Outcome:
        """Sends the planned entry of a kind, of the version where there are several."""
        found = [
            each
            for each in self.planned.values()
            if (each.kind, each.channel) == (kind, channel) and version in (None, each.version)
        ]
        [entry] = found
        return self.courier().send(entry_of(entry, self.now))

    def courier(self) -> MessageCourier:
        parts = self.parts
        return MessageCourier(parts.composing, parts.store, self.post, lambda: self.now, self.crash)

    def texts(self) -> list[str]:
        return [each.letter.text for each in self.post.messages]


def entry_of(entry: NewEntry, now: datetime) -> Entry:
    values = {name: getattr(entry, name) for name in NewEntry.__dataclass_fields__}
    return Entry(id=entry.entry_id, attempts=0, created_at=now, **values)


def parts_shelf(world: World) -> Any:
    return world.services.messages.desk._shelf
