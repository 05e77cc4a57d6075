"""Builds what runs beside the requests: the look at the stores, the warm-up of a worker, the relay."""

from __future__ import annotations

from services.catalogue.documents import org_ids
from services.claims.epochs import Epochs
from services.ops.health import Health
from services.ops.warm_up import Warming
from services.relay.change_feed import ChangeFeed
from services.relay.customers import NAME as CUSTOMERS
from services.relay.customers import CustomerRounds
from services.relay.rebuild import Pins, Rebuild
from services.relay.worker import Relay
from services.stores.redis_server import RedisInfo
from services.waitlist.rounds import Offers
from services.wiring.outgoing import Outgoing, deliveries, news
from services.wiring.parts import Parts


def health(parts: Parts) -> Health:
    return Health(RedisInfo(parts.redis), parts.db, parts.store)


def warming(parts: Parts) -> Warming:
    return Warming(parts.access, parts.catalogue, lambda: org_ids(parts.db), parts.mirror.epoch)


def relay(parts: Parts, offers: Offers, outgoing: Outgoing) -> Relay:
    db, mirror, store = parts.db, parts.mirror, parts.store
    epochs, redis = Epochs(parts.redis, parts.scripts), RedisInfo(parts.redis).identity
    customer_feed = ChangeFeed(db, lambda: CUSTOMERS, parts.clock, past=None)
    return Relay(
        feed=ChangeFeed(db, redis, parts.clock),
        leases=parts.leases,
        mirror=mirror,
        epochs=epochs,
        rebuild=Rebuild(epochs, mirror, store, parts.clock),
        pins=Pins(parts.claims, mirror, store),
        reservations=parts.reservations,
        redis=redis,
        offers=offers,
        customers=CustomerRounds(customer_feed, parts.leases, parts.registry, parts.metrics),
        news=news(parts, outgoing),
        deliveries=deliveries(parts, outgoing),
        find=store.find,
        orgs=lambda: org_ids(db),
        metrics=parts.metrics,
    )
