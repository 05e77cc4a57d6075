"""Builds what leaves for the outside: the outbox, what makes its entries, and what sends them."""

from __future__ import annotations

from services.catalogue.documents import org_ids
from services.ledger.following import Following
from services.outbox.deliveries import Deliveries
from services.outbox.entries import Channel, Courier
from services.outbox.shelf import OutboxShelf
from services.outbox.store import OutboxStore
from services.outbox.webhook_courier import WebhookCourier
from services.outbox.webhook_desk import WebhookDesk
from services.outbox.webhook_source import WebhookSource
from services.outbox.webhook_store import WebhookStore
from services.relay.news import NewsRounds
from services.relay.news_feed import NewsFeed
from services.wiring.messages import Messages
from services.wiring.parts import Parts


class Outgoing:
    """The parts that the outbox and its users share, each built once."""

    def __init__(self, parts: Parts) -> None:
        self.outbox, self.shelf = OutboxStore(parts.db, parts.clock), OutboxShelf(parts.db)
        self.webhooks = WebhookStore(parts.db, parts.clock)
        self.messages = Messages(parts, self.shelf)
        self.webhook_desk = WebhookDesk(
            webhooks=self.webhooks,
            outbox=self.outbox,
            shelf=self.shelf,
            secrets=parts.webhook_secrets,
            posting=parts.posting,
            clock=parts.clock,
        )


def news(parts: Parts, outgoing: Outgoing) -> NewsRounds:
    messages = outgoing.messages.source()
    return NewsRounds(
        feed=NewsFeed(parts.db),
        leases=parts.leases,
        bookings=Following(parts.db),
        waitlist=parts.waitlist_store,
        outbox=outgoing.outbox,
        shelf=outgoing.shelf,
        sources=[WebhookSource(outgoing.webhooks, parts.clock), messages],
        reminders=outgoing.messages.planning(messages, outgoing.outbox),
        orgs=lambda: org_ids(parts.db),
        clock=parts.clock,
        metrics=parts.metrics,
        crash=parts.crash,
    )


def deliveries(parts: Parts, outgoing: Outgoing) -> Deliveries:
    return Deliveries(
        store=outgoing.outbox,
        couriers=_couriers(parts, outgoing),
        counts=outgoing.shelf.counts,
        metrics=parts.metrics,
        crash=parts.crash,
    )


def _couriers(parts: Parts, outgoing: Outgoing) -> dict[Channel, Courier]:
    couriers: dict[Channel, Courier] = {
        "webhook": WebhookCourier(
            webhooks=outgoing.webhooks,
            secrets=parts.webhook_secrets,
            posting=parts.posting,
            find=parts.store.find,
            offer_at=parts.waitlist_store.as_of,
            clock=parts.clock,
            metrics=parts.metrics,
        ),
    }
    couriers.update(outgoing.messages.couriers())
    return couriers
