"""Fills a private server with bookings: most of them over, a few ahead, so that growth can be seen.

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

from scripts.dev_server.child import wait_until
from scripts.load.bench.operations import NEAREST_DAY, PAIRS, Slots
from scripts.load.client.servers import relay_paused
from scripts.load.client.target import Document, Target, Unreachable

FUTURE_SHARE = 0.04
PAST_DAYS = 730
MARGIN_DAYS = 2  # days before the measured ones that stay free of preloaded bookings
LEFT_ACTIVE_EVERY = 4
"""One past visit in so many was never closed: it is still active, and the guard index still carries its claims."""

BATCH, THREADS = 2000, 4
BARE_FROM = 50_000  # from so many bookings on, the indexes are built after the writes: several times as fast
REBUILD_SECONDS = 600.0
TICK_SECONDS = 900


def _like(template: Document, slots: Slots, number: int, pair: int, start: datetime, *, over: bool) -> Document:
    """A booking like the template, which the service has made, for another hour."""
    first = int(start.timestamp()) // TICK_SECONDS
    active = not over or number % LEFT_ACTIVE_EVERY == 0
    who = slots.pair(pair)
    resources = (f"property:{who['property_id']}", f"technician:{who['technician_id']}")
    return {
        **template,
        **who,
        "_id": f"bk_preload_{slots.run}_{number}",
        "start": start,
        "end": start + timedelta(hours=1),
        "requested_start": start,
        "status": "confirmed" if active else "completed",
        "claims": [{"resource": resource, "tick": first + step} for resource in resources for step in range(4)],
        "active": active,
    }


def documents(template: Document, slots: Slots, count: int, now: datetime) -> Iterator[Document]:
    """Valid bookings of one hour each that touch nowhere: 4 % ahead of now, the others over the past two years.

    Raises ValueError if so many do not fit.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    past = count - min(math.ceil(count * FUTURE_SHARE), (NEAREST_DAY - MARGIN_DAYS - 1) * 24 * PAIRS)
    room, turns = PAST_DAYS * 24, max(1, math.ceil(past / PAIRS))
    if turns > room:
        raise ValueError(f"at most {room * PAIRS} past bookings fit")
    for number in range(count):
        over = number < past
        turn, pair = divmod(number if over else number - past, PAIRS)
        # Spread evenly over the two years: consecutive bookings of a pair are as far apart as there is room for.
        hour = -1 - turn * room // turns if over else 24 + turn
        yield _like(template, slots, number, pair, midnight + timedelta(hours=hour), over=over)


def _insert(collection: Any, waiting: Iterator[Document], written: Callable[[int], None]) -> None:
    """Bulk writes from several threads. written: called with how many are there."""
    done, pending = 0, []
    with ThreadPoolExecutor(THREADS) as pool:
        while True:
            batch = list(islice(waiting, BATCH))
            if batch:
                pending.append(pool.submit(collection.insert_many, batch, ordered=False))
            if not pending:
                return
            if not batch or len(pending) >= THREADS * 2:
                done += len(pending.pop(0).result().inserted_ids)
                written(done)


def _without_indexes(collection: Any, fill: Callable[[], None]) -> None:
    """Fills the collection with only its _id index, and builds the others afterwards as they were."""
    kept = {name: spec for name, spec in collection.index_information().items() if name != "_id_"}
    for name in kept:
        collection.drop_index(name)
    fill()
    for name, spec in kept.items():
        options = {option: value for option, value in spec.items() if option not in ("key", "v", "ns")}
        collection.create_index(spec["key"], name=name, **options)


def preload(target: Target, slots: Slots, count: int, now: datetime, say: Callable[[str], None]) -> None:
    """Inserts so many bookings and waits until the service has rebuilt its mirror. Raises Unreachable."""
    body = {**slots.next(), "customer": {"name": "Alice Preload", "phone": "+15550100"}}
    booking_id = target.demand(201, "POST", "/book", role="desk", body=body)["booking_id"]
    with target.mongo() as database, relay_paused(target):
        template = database.bookings.find_one({"_id": booking_id}) or {}

        def fill() -> None:
            waiting = documents(template, slots, count, now)
            _insert(database.bookings, waiting, lambda done: say(f"{done:,} of {count:,} bookings written"))

        if count > BARE_FROM:
            _without_indexes(database.bookings, fill)
        else:
            fill()
    say("waiting for the mirror to be rebuilt")
    with target.redis() as redis:
        redis.delete(target.key("epoch"))
        if not wait_until(lambda: bool(redis.exists(target.key("epoch"))), seconds=REBUILD_SECONDS, every=0.1):
            raise Unreachable(f"rebuilding the mirror took longer than {REBUILD_SECONDS:.0f} s")
