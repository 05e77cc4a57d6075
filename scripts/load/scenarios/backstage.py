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
from scripts.load.rules.evidence import BACKSTAGE
from scripts.load.scenarios.stage import World

RESERVATION_SECONDS = 6.0
OFFER_SECONDS = 1.5
EARLY_SECONDS = 2.0
"""The last act begins so long before the reservations run out: what is confirmed or given up early is so then."""

OFFERS_A_SLOT = 2  # so many offers of a slot run out, one after the other; the next one stands


def _change(collection: Any, document: Document, field: str, seconds: float) -> datetime | None:
    """Writes one more version with a deadline in so many seconds; None where the document has changed meanwhile."""
    now = datetime.now(UTC)
    deadline = now + timedelta(seconds=seconds)
    entry = {
        "at": now,
        "by": BACKSTAGE,
        "action": "edit",
        "changes": {field: {"from": document[field], "to": deadline}},
    }
    values = {field: deadline, "version": document["version"] + 1, "updated_at": now}
    same = {"_id": document["_id"], "version": document["version"]}
    done = collection.update_one(same, {"$set": values, "$push": {"history": entry}})
    return deadline if done.modified_count else None


def reservations_run_out(target: Target, world: World) -> World:
    """Gives every reservation a deadline a few seconds ahead, and waits until Redis has it."""
    reserved = [each.reply["booking_id"] for each in world.made("reserve")]
    moment = time.monotonic() + RESERVATION_SECONDS
    with target.mongo() as database:
        for booking in database.bookings.find({"_id": {"$in": reserved}, "org": target.org, "status": "pending"}):
            _change(database.bookings, booking, "reserved_until", moment - time.monotonic())
    curtain = moment - EARLY_SECONDS
    if target.redis_url:
        with target.redis() as redis:
            waiting = {target.key("booking", booking_id) for booking_id in reserved}
            # Where this takes too long, the rules say so.
            while waiting and time.monotonic() < curtain:
                waiting = {name for name in waiting if redis.hget(name, "version") in (None, "1")}
                time.sleep(0.05)
    return replace(world, deadlines=dict.fromkeys(reserved, moment), curtain=curtain)


def offers_run_out(target: Target, slots: list[Document], deadlines: dict[str, float]) -> Generator[None, None, None]:
    """Whenever it goes on, it lets the first offers of these slots run out soon, and adds their deadlines."""
    wanted = [{"property_id": slot["property_id"], "from": datetime.fromisoformat(slot["start"])} for slot in slots]
    offered = {"org": target.org, "status": "offered", "$or": wanted}
    seen: Counter[tuple[str, datetime]] = Counter()
    if not slots:
        return
    with target.mongo() as database, target.redis() as redis:
        while True:
            for entry in database.waitlist.find(offered):
                slot = entry["property_id"], entry["from"]
                if entry["hold_id"] in deadlines or seen[slot] == OFFERS_A_SLOT:
                    continue
                moment = time.monotonic() + OFFER_SECONDS
                deadline = _change(database.waitlist, entry, "offered_until", OFFER_SECONDS)
                if deadline:
                    seen[slot] += 1
                    deadlines[entry["hold_id"]] = moment
                    _shorten(redis, target, entry["hold_id"], deadline)
            yield


def _shorten(redis: Any, target: Target, hold_id: str, deadline: datetime) -> None:
    """Lets a hold end at a deadline, as an extension lets it end later: its record, claims and spans, and an event."""
    name, ends = target.key("hold", hold_id), int(deadline.timestamp() * 1000)
    record = redis.hgetall(name)
    spans = _spans(record)
    (site, first, last), (technician, *_) = spans
    event = {"property_id": site[2:], "technician_id": technician[2:], "start": first, "end": last}
    with redis.pipeline() as pipe:
        pipe.hset(name, "expires_ms", ends)
        for resource, begin, end in spans:
            for tick in range(begin, end):
                pipe.pexpireat(target.key(resource, str(tick)), ends)
            shown = target.key("spans", resource)
            for member in redis.zrangebyscore(shown, begin, end):
                state, owner, start, length, _ = member.split("|")
                if owner == hold_id:
                    pipe.zrem(shown, member)
                    pipe.zadd(shown, {"|".join((state, owner, start, length, str(ends))): int(start)})
        pipe.xadd(target.key("events"), {"kind": "hold", "id": hold_id, **event, "state": "held", "expires_ms": ends})
        pipe.execute()


def _spans(record: dict[str, str]) -> list[tuple[str, int, int]]:
    """The (resource as Redis names it, from tick, to tick) that a hold's record names, the property's first."""
    parts = record["spans"].split(" ")
    return [
        (resource, int(begin), int(end))
        for resource, begin, end in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]
