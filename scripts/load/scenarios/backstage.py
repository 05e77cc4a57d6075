"""Moves deadlines near, in the stores, so that no run waits an hour for a reservation or a minute for an offer.

In MongoDB each is one more version of its document, by a name that the rules know. A reservation's deadline the server
carries over to Redis, as it does with every change. The hold of an offer lives in Redis alone and is shortened there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.load.client.target import Document, Target
from scripts.load.rules.evidence import BACKSTAGE, Deadline
from scripts.load.scenarios.stage import World

RESERVATION_SECONDS = 6.0
OFFER_SECONDS = 1.5
EARLY_SECONDS = 2.0
"""The last act begins so long before the reservations run out: what is confirmed or given up early is so then."""

OFFERS_A_SLOT = 2
"""So many offers of a slot run out, one after the other; the next one stands."""


def _deadline(seconds: float) -> Deadline:
    """In so many seconds, rounded down to the millisecond that MongoDB can keep."""
    now, moment = datetime.now(UTC), time.monotonic()
    at = now + timedelta(seconds=seconds)
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    return Deadline(at, moment + (at - now).total_seconds())


def _change(collection: Any, document: Document, field: str, deadline: Deadline) -> bool:
    """Writes one more version with another deadline; False where the document has changed meanwhile."""
    now = datetime.now(UTC)
    changes = {field: {"from": document[field], "to": deadline.at}}
    entry = {"at": now, "by": BACKSTAGE, "action": "edit", "changes": changes}
    update = {
        "$set": {field: deadline.at, "version": document["version"] + 1, "updated_at": now},
        "$push": {"history": entry},
    }
    same = {"_id": document["_id"], "version": document["version"]}
    return bool(collection.update_one(same, update).modified_count)


def reservations_run_out(target: Target, world: World) -> World:
    """Gives every reservation a deadline a few seconds ahead, and waits until Redis has it."""
    reserved = [each.reply["booking_id"] for each in world.made("reserve")]
    deadline = _deadline(RESERVATION_SECONDS)
    with target.mongo() as database:
        for booking in database.bookings.find({"_id": {"$in": reserved}, "org": target.org, "status": "pending"}):
            _change(database.bookings, booking, "reserved_until", deadline)
    curtain = deadline.moment - EARLY_SECONDS
    if target.redis_url:
        with target.redis() as redis:
            waiting = {target.key("booking", booking_id) for booking_id in reserved}
            # Where this takes too long, the rules say so.
            while waiting and time.monotonic() < curtain:
                waiting = {name for name in waiting if redis.hget(name, "version") in (None, "1")}
                time.sleep(0.05)
    return replace(world, deadlines=dict.fromkeys(reserved, deadline), curtain=curtain)


def offers_run_out(
    target: Target, slots: list[Document], deadlines: dict[str, Deadline]
) -> Generator[None, None, None]:
    """Whenever it goes on, it lets the first offers of these slots run out soon, and adds their deadlines."""
    wanted = [{"property_id": slot["property_id"], "from": datetime.fromisoformat(slot["start"])} for slot in slots]
    offered = {"org": target.org, "status": "offered", "$or": wanted}
    seen: Counter[tuple[str, datetime]] = Counter()
    with target.mongo() as database, target.redis() as redis:
        while True:
            for entry in database.waitlist.find(offered):
                slot = entry["property_id"], entry["from"]
                if entry["hold_id"] in deadlines or seen[slot] == OFFERS_A_SLOT:
                    continue
                deadline = _deadline(OFFER_SECONDS)
                if _change(database.waitlist, entry, "offered_until", deadline):
                    seen[slot] += 1
                    deadlines[entry["hold_id"]] = deadline
                    _shorten(redis, target, entry["hold_id"], deadline)
            yield


def _shorten(redis: Any, target: Target, hold_id: str, deadline: Deadline) -> None:
    """Lets a hold end at a deadline, as an extension would let it end later: its record, its claims, and an event."""
    name, ends = target.key("hold", hold_id), int(deadline.at.timestamp() * 1000)
    record = redis.hgetall(name)
    event = {field: record[field] for field in ("property_id", "technician_id", "start", "end")}
    with redis.pipeline() as pipe:
        pipe.hset(name, "expires_ms", ends)
        for claim in record["claims"].split():
            pipe.pexpireat(claim, ends)
        pipe.xadd(target.key("events"), {"kind": "hold", "id": hold_id, **event, "state": "held", "expires_ms": ends})
        pipe.execute()
