"""What the tests of the outbox share: webhooks, bookings that change, and the rounds of a relay."""

from __future__ import annotations

from typing import Any, get_args

from models.booking import Booking
from models.booking_changes import BookingPatch
from models.webhooks import WebhookKind, WebhookMade, WebhookRequest
from services import Services
from tests.world import World, rfc3339, tomorrow

ALL_KINDS = list(get_args(WebhookKind))
SOON = 30


def hook(world: World, url: str, kinds: list[str] | None = None) -> WebhookMade:
    """A webhook, of which a relay knows already."""
    made = world.services.webhooks.make(
        world.caller("admin"), WebhookRequest.model_validate({"url": url, "kinds": kinds or ALL_KINDS})
    )
    follow(world)
    return made


def follow(world: World, services: Services | None = None) -> None:
    """A round of the relay that makes entries, whichever had the lease before."""
    world.services.db["leases"].delete_many({})
    (services or world.services).relay.follow_news()


def deliver(world: World, services: Services | None = None) -> None:
    """Sends what is due, until it is done."""
    relay = (services or world.services).relay
    relay.deliver()
    assert relay._deliveries.settle(SOON)


def relay_round(world: World) -> None:
    follow(world)
    deliver(world)


def make_due(world: World) -> None:
    """Lets all that waits be due now: the time until then has passed."""
    world.services.db["outbox"].update_many(
        {"open": True}, [{"$set": {"due": {"$min": ["$due", "$$NOW"]}, "leased_by": None}}]
    )
    world.services.relay._deliveries._shares._rests.clear()


def book(world: World, hour: int = 10, **changed: Any) -> Booking:
    request = world.direct_request(start=rfc3339(tomorrow(hour)), **changed)
    return world.services.bookings.book(world.caller("desk"), request).booking


def move(world: World, booking: Booking, hour: int) -> Booking:
    return patch(world, booking, start=rfc3339(tomorrow(hour)))


def patch(world: World, booking: Booking, **changed: Any) -> Booking:
    wanted = BookingPatch.model_validate(changed)
    return world.services.booking_life.reschedule(world.caller("desk"), booking.booking_id, wanted, None)


def cancel(world: World, booking: Booking) -> Booking:
    return world.services.booking_life.act(world.caller("desk"), booking.booking_id, "cancel")


def entries(world: World, **query: Any) -> list[dict[str, Any]]:
    return list(world.services.db["outbox"].find(query).sort([("booking_id", 1), ("version", 1)]))
