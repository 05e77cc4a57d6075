"""Fills a private stack with bookings: most of them over, a few ahead, so that growth can be seen.

Bookings go straight into MongoDB, past the service. Then the org's `epoch` is deleted, which is what a lost Redis looks
like, and the service rebuilds its mirror itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from pymongo import InsertOne, MongoClient
from redis import Redis

from scripts.load.bench.stack import NEAREST_DAY, PAIRS, Slots, await_true, relay_paused
from scripts.load.client.target import Target

FUTURE_SHARE = 0.04
PAST_DAYS = 730
MARGIN_DAYS = 2
"""Days before the measured ones that stay free of preloaded bookings."""

LEFT_ACTIVE_EVERY = 4
"""One past visit in so many was never closed: it is still active, and the guard index still carries its claims."""

BATCH, THREADS = 2000, 4
REBUILD_SECONDS = 600.0
TICK_SECONDS = 900


def _document(org: str, slots: Slots, pair: int, start: datetime, *, number: int, over: bool) -> dict[str, Any]:
    first = int(start.timestamp()) // TICK_SECONDS
    active = not over or number % LEFT_ACTIVE_EVERY == 0
    resources = (f"property:{slots.property_id(pair)}", f"technician:{slots.technician_id(pair)}")
    made = start - timedelta(days=3)
    return {
        "_id": f"bk_preload_{slots.run}_{number}", "org": org, "status": "confirmed" if active else "completed",
        "property_id": slots.property_id(pair), "technician_id": slots.technician_id(pair),
        "start": start, "end": start + timedelta(hours=1), "duration_minutes": 60,
        "buffer_before_minutes": 0, "buffer_after_minutes": 0,
        "customer": {"name": f"Customer {number}", "phone": "+15550100", "email": None},
        "description": "", "priority": "medium", "source": "web", "version": 1 if active else 2,
        "created_at": made, "updated_at": made, "requested_start": start, "fallback_used": False,
        "hold_id": None, "placed_as": None, "made_by": "preload", "fingerprint": None,
        "history": [{"at": made, "by": "preload", "action": "booked", "changes": {}}],
        "claims": [{"resource": resource, "tick": first + step} for resource in resources for step in range(4)],
        "active": active,
    }  # fmt: skip


def documents(org: str, slots: Slots, count: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Valid bookings of one hour each that touch nowhere: 4 % ahead of now, the others over the past two years."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ahead = min(math.ceil(count * FUTURE_SHARE), (NEAREST_DAY - MARGIN_DAYS - 1) * 24 * PAIRS)
    past = count - ahead
    room = PAST_DAYS * 24
    if math.ceil(past / PAIRS) > room:
        raise ValueError(f"at most {room * PAIRS} past bookings fit")
    for number in range(count):
        over = number < past
        within = number if over else number - past
        pair, turn = within % PAIRS, within // PAIRS
        # Spread evenly over the two years: consecutive bookings of a pair are as far apart as there is room for.
        hour = -1 - (turn * room // max(1, math.ceil(past / PAIRS))) if over else 24 + turn
        yield _document(org, slots, pair, midnight + timedelta(hours=hour), number=number, over=over)


def _insert(collection: Any, waiting: Iterator[dict[str, Any]], said: Callable[[int], None]) -> None:
    """Bulk writes from several threads. A thread takes its next batch when it is done with one."""
    done = 0
    with ThreadPoolExecutor(THREADS) as pool:
        pending = []
        while batch := [InsertOne(document) for document in islice(waiting, BATCH)]:
            pending.append(pool.submit(collection.bulk_write, batch, ordered=False))
            if len(pending) >= THREADS * 2:
                done += pending.pop(0).result().inserted_count
                said(done)
        for future in pending:
            done += future.result().inserted_count
            said(done)


def _without_indexes(collection: Any, fill: Callable[[], None]) -> None:
    """Fills the collection with only its _id index, and builds the others as they were: several times as fast."""
    kept = {name: spec for name, spec in collection.index_information().items() if name != "_id_"}
    for name in kept:
        collection.drop_index(name)
    fill()
    for name, spec in kept.items():
        options = {option: value for option, value in spec.items() if option not in ("key", "v", "ns")}
        collection.create_index(spec["key"], name=name, **options)


def preload(target: Target, slots: Slots, count: int, now: datetime, said: Callable[[str], None]) -> None:
    """Inserts so many bookings and waits until the service has rebuilt its mirror. said: told of progress."""
    with MongoClient[dict[str, Any]](target.mongo_url, tz_aware=True) as mongo, relay_paused(target):
        collection = mongo[target.mongo_db].bookings
        waiting = documents(target.org, slots, count, now)

        def fill() -> None:
            _insert(collection, waiting, lambda done: said(f"{done:,} of {count:,} bookings written"))

        if count > 50_000:
            _without_indexes(collection, fill)
        else:
            fill()
    said("waiting for the mirror to be rebuilt")
    redis = Redis.from_url(target.redis_url, decode_responses=True, socket_timeout=5)
    epoch = f"hf:{{{target.org}}}:epoch"
    redis.delete(epoch)
    await_true("rebuilding the mirror", lambda: bool(redis.exists(epoch)), REBUILD_SECONDS)
    redis.close()
