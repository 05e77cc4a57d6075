"""Fills a private server with bookings: most of them over, a few ahead, so that growth can be seen.

The service makes one booking for each of some customers. Their copies go straight into MongoDB, past the service. Then
the org's `epoch` is deleted, which is what a lost Redis looks like, and the service rebuilds its mirror itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from bson.timestamp import Timestamp

from scripts.dev_server.child import wait_until
from scripts.load.bench.holdfast import Customer, Holdfast, Seat
from scripts.load.bench.sides import DIRECT, RELAY, expect, rest
from scripts.load.bench.slots import NEAREST_DAY
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
PREFIXES = ("hf2:", "hf3:")
TICK_SECONDS = 900


CUSTOMERS, BOOKINGS_EACH = 1000, 60
"""At most so many customers, each with at least so many bookings, so that an answer to a search is a full page with few
bookings too."""
SYLLABLES = ("ba", "co", "di", "fu", "ga", "he", "ji", "ko", "lu", "ma")


def _like(template: Document, seat: Seat, name: str, start: datetime, *, active: bool) -> Document:
    """A booking like the template, which the service has made, for another hour."""
    first = int(start.timestamp()) // TICK_SECONDS
    resources = (f"property:{seat.property_id}", f"technician:{seat.technician_id}")
    search = template.get("search", {"keys": []})
    ids = {f"i:{name}", f"i:{seat.property_id}"}
    return {
        **template,
        "_id": name,
        "property_id": seat.property_id,
        "technician_id": seat.technician_id,
        "start": start,
        "end": start + timedelta(hours=1),
        "requested_start": start,
        "status": "confirmed" if active else "completed",
        "claims": [{"resource": resource, "tick": first + step} for resource in resources for step in range(4)],
        "active": active,
        "search": {**search, "keys": sorted(ids.union(key for key in search["keys"] if not key.startswith("i:")))},
        "changed": Timestamp(0, 0),  # mongod puts its time here
    }


def documents(templates: Sequence[Document], seats: Sequence[Seat], count: int, now: datetime) -> Iterator[Document]:
    """Valid bookings of one hour each that touch nowhere: 4 % ahead of now, the others over the past two years.

    Raises ValueError if so many do not fit.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    past = count - min(math.ceil(count * FUTURE_SHARE), (NEAREST_DAY - MARGIN_DAYS - 1) * 24 * len(seats))
    room, turns = PAST_DAYS * 24, max(1, math.ceil(past / len(seats)))
    if turns > room:
        raise ValueError(f"at most {room * len(seats)} past bookings fit")
    for number in range(count):
        over = number < past
        turn, at = divmod(number if over else number - past, len(seats))
        # Spread evenly over the two years: consecutive bookings of a seat are as far apart as there is room for.
        start = midnight + timedelta(hours=-1 - turn * room // turns if over else 24 + turn)
        active = not over or number % LEFT_ACTIVE_EVERY == 0
        template = templates[number % len(templates)]
        yield _like(template, seats[at], f"bk_preload_{seats[0].property_id}_{number}", start, active=active)


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


def people(count: int) -> list[dict[str, str]]:
    """Up to a thousand persons, each with a name and four last digits of its own."""
    return [
        {"name": f"{_word(number)} {_word(number * 7 + 3)}", "phone": f"+1555010{number:04d}"}
        for number in range(count)
    ]


def customers_of(side: Holdfast, count: int) -> list[Customer]:
    """So many customers, each with a booking that the service makes. Raises Unreachable."""
    persons = people(count)
    volley = side.pump.fire([side.direct(person) for person in persons], keep_bodies=True)
    expect(DIRECT, volley)
    made = [json.loads(body)["booking_id"] for body in volley.bodies]
    return [Customer(person["name"], person["phone"], name) for person, name in zip(persons, made, strict=True)]


def _word(number: int) -> str:
    """One of a thousand words of six letters."""
    return "".join(SYLLABLES[int(digit)] for digit in f"{number % 1000:03d}").capitalize()


def preload(side: Holdfast, count: int, now: datetime, say: Callable[[str], None]) -> None:
    """Inserts so many bookings and waits until the service has rebuilt its mirror. Raises Unreachable."""
    target = side.seats[0].target
    side.customers = customers_of(side, max(1, min(CUSTOMERS, count // BOOKINGS_EACH)))
    with target.mongo() as database, relay_paused(target):
        made = [customer.booking_id for customer in side.customers]
        templates = list(database.bookings.find({"_id": {"$in": made}}))

        def fill() -> None:
            waiting = documents(templates, side.seats, count, now)
            _insert(database.bookings, waiting, lambda done: say(f"{done:,} of {count:,} bookings written"))

        if count > BARE_FROM:
            _without_indexes(database.bookings, fill)
        else:
            fill()
    say("waiting for the mirror to be rebuilt")
    with target.redis() as redis:
        redis.delete(target.key("epoch"))
    await_mirrors([target], REBUILD_SECONDS)
    rest(side.pids[RELAY], REBUILD_SECONDS)


def await_mirrors(targets: Sequence[Target], seconds: float) -> None:
    """Returns when the relay has built the mirror of each org. Raises Unreachable.

    Another checkout may name the keys with the prefix of an earlier release.
    """
    with targets[0].redis() as redis:
        names = [[f"{prefix}{{{target.org}}}:epoch" for prefix in PREFIXES] for target in targets]
        if not wait_until(lambda: all(redis.exists(*each) for each in names), seconds=seconds, every=0.1):
            raise Unreachable(f"the mirrors were not whole after {seconds:.0f} s")
