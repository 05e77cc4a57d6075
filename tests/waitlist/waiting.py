"""What the tests of the waitlist share: a booked slot, entries that wait for it, and the relay's round."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from models.access import Caller
from models.waitlist import WaitEntry, WaitRequest
from services import Services
from tests.world import World, rfc3339, tomorrow

Event = dict[str, str]


def request(
    begin: datetime | None = None, end: datetime | None = None, *, technician_id: str | None = "tech-1", **changed: Any
) -> WaitRequest:
    """A visit of an hour with tech-1 at prop-1. Without a window it is at 10:00 tomorrow."""
    fields = {
        "property_id": "prop-1",
        "technician_id": technician_id,
        "from": rfc3339(begin or tomorrow(10)),
        "to": rfc3339(end or tomorrow(11)),
        "duration_minutes": 60,
        "customer": {"name": "Alice", "phone": "+45 31 31 31 31"},
    }
    return WaitRequest.model_validate(fields | changed)


def join(world: World, role: str = "bot", **changed: Any) -> WaitEntry:
    return world.services.waitlist.join(world.caller(role), request(**changed)).entry


def take(world: World, hour: int = 10, **changed: Any) -> str:
    """The desk books an hour with tech-1 at prop-1, at this hour of tomorrow. Returns the booking's id."""
    made = world.services.bookings.book(
        world.caller("desk"), world.direct_request(start=rfc3339(tomorrow() + timedelta(hours=hour - 10)), **changed)
    )
    return made.booking.booking_id


def give_back(world: World, booking_id: str) -> None:
    world.services.booking_life.act(world.caller("desk"), booking_id, "cancel")


def tend(world: World, services: Services | None = None) -> None:
    """One round of the relay for this org."""
    (services or world.services).offers.round(world.org)


def seen(world: World, entry: WaitEntry, caller: Caller | None = None) -> WaitEntry:
    """The entry as its owner reads it."""
    return world.services.waitlist.get(caller or world.caller("desk"), entry.waitlist_id)


def noted(world: World, entry: WaitEntry) -> dict[str, Any]:
    """The entry as MongoDB has it."""
    found: dict[str, Any] | None = world.services.db["waitlist"].find_one({"_id": entry.waitlist_id})
    assert found is not None
    return found


def statuses(world: World, *entries: WaitEntry) -> list[str]:
    return [noted(world, entry)["status"] for entry in entries]


def offers_published(world: World) -> list[Event]:
    """The org's events of kind `waitlist.offered`, in order."""
    client: Any = world.services.redis
    return [event for _, event in client.xrange(world.names.events) if event["kind"] == "waitlist.offered"]


def live_holds(world: World) -> set[str]:
    """The ids of all holds that have a claim."""
    return {mark.split("|")[1] for mark in world.marks().values() if mark.startswith(("held|", "confirming|"))}


def offered(world: World, **changed: Any) -> WaitEntry:
    """A new entry that has an offer."""
    entry = join(world, **changed)
    tend(world)
    found = seen(world, entry)
    assert found.status == "offered"
    return found
