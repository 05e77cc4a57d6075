"""Reads what MongoDB and Redis themselves hold after a run. Takes no word of the service for it, and writes nothing."""

from __future__ import annotations

import time
from typing import Any

from pymongo import MongoClient
from redis import Redis

from scripts.load.client.steps import Exchange
from scripts.load.client.target import Target
from scripts.load.rules.evidence import Claim, Document, Evidence, Mark
from scripts.load.rules.mirror import mirror_differences
from scripts.load.rules.reservations import overdue
from scripts.load.rules.waitlist import passed_over, untrue_entries
from scripts.load.scenarios.stage import World

QUIET_SECONDS = 20.0
"""How long the mirror may take to settle once the last request is answered: the relay's part included."""

DEADLINE_SECONDS = 60.0
"""The same, where reservations run out."""

OFFERED = "waitlist.offered"
MOST_EVENTS = 10_000
"""Of a stream that is as long older events may be gone."""

KEYS_AT_ONCE = 1000
MARGIN_TICKS = 96
"""Marks are looked for this far beyond the run's day on either side."""


def read_bookings(database: Any, org: str, world: World) -> tuple[list[Document], list[Document]]:
    """All bookings on the run's properties, and other active bookings that share a (technician, tick) with them."""
    mine = list(database.bookings.find({"org": org, "property_id": {"$in": list(world.properties)}}))
    claims = [claim for booking in mine if booking["active"] for claim in booking["claims"]]
    technicians = sorted({claim["resource"] for claim in claims if claim["resource"].startswith("technician:")})
    if not technicians:
        return mine, []
    ticks = [claim["tick"] for claim in claims]
    overlap = {"resource": {"$in": technicians}, "tick": {"$gte": min(ticks), "$lte": max(ticks)}}
    query = {
        "org": org,
        "active": True,
        "claims": {"$elemMatch": overlap},
        "property_id": {"$nin": list(world.properties)},
    }
    return mine, list(database.bookings.find(query))


def parse_mark(value: str, expires_ms: int) -> Mark:
    """A claim key's value, `<state>|<owner>|<from>|<to>|<version>`, of a reservation with a word more."""
    state, owner, first, last, version, *_ = value.split("|")
    return Mark(state, owner, int(first), int(last), int(version), expires_ms)


def read_marks(redis: Any, org: str, resources: list[str], first: int, last: int) -> dict[Claim, Mark]:
    """The marks of these resources between two ticks."""
    wanted = [(resource, tick) for resource in resources for tick in range(first, last)]
    marks: dict[Claim, Mark] = {}
    for at in range(0, len(wanted), KEYS_AT_ONCE):
        batch = wanted[at : at + KEYS_AT_ONCE]
        names = [f"hf:{{{org}}}:claim:{resource}:{tick}" for resource, tick in batch]
        found = [
            (claim, name, value) for claim, name, value in zip(batch, names, redis.mget(names), strict=True) if value
        ]
        with redis.pipeline(transaction=False) as pipe:
            for _, name, _ in found:
                pipe.pttl(name)
            lives = pipe.execute()
        marks |= {claim: parse_mark(value, life) for (claim, _, value), life in zip(found, lives, strict=True)}
    return marks


def window(world: World, grid_seconds: int) -> tuple[int, int]:
    """The ticks of the run's day, with a margin."""
    first = int(world.day.timestamp()) // grid_seconds
    return first - MARGIN_TICKS, first + 86_400 // grid_seconds + MARGIN_TICKS


def read_offers(redis: Any, org: str, world: World) -> tuple[list[Document], bool]:
    """The events of offers on the run's properties, and whether the stream has lost none of its events yet."""
    name = f"hf:{{{org}}}:events"
    told = [event for _, event in redis.xrange(name)]
    mine = [event for event in told if event.get("property_id") in world.properties]
    return [event for event in mine if event["kind"] == OFFERED], len(told) < MOST_EVENTS


def _unsettled(evidence: Evidence) -> bool:
    """Whether something is on its way that the server does in the background."""
    background = (mirror_differences, overdue, passed_over, untrue_entries)
    return any(breaks(evidence) for breaks in background)


def gather(target: Target, world: World, exchanges: list[Exchange], *, one_winner: bool, grid_minutes: int) -> Evidence:
    """Reads both stores once all is quiet, or has had its time to become so."""
    grid_seconds = grid_minutes * 60
    evidence = Evidence(world.run, grid_seconds, one_winner, exchanges, [], deadlines=world.deadlines)
    evidence.calendar_ahead = time.time() - time.monotonic()
    with MongoClient[Document](target.mongo_url, tz_aware=True, serverSelectionTimeoutMS=3000) as client:
        database = client[target.mongo_db]
        redis = Redis.from_url(target.redis_url, decode_responses=True, socket_timeout=5) if target.redis_url else None
        deadline = time.monotonic() + (DEADLINE_SECONDS if world.deadlines else QUIET_SECONDS)
        resources = [f"property:{name}" for name in world.properties] + [
            f"technician:{name}" for name in world.technicians
        ]
        while True:
            evidence.bookings, evidence.neighbours = read_bookings(database, target.org, world)
            if redis is None:
                return evidence
            mine = {"org": target.org, "property_id": {"$in": list(world.properties)}}
            evidence.waits = list(database.waitlist.find(mine))
            evidence.watched = frozenset(resources)
            evidence.marks = read_marks(redis, target.org, resources, *window(world, grid_seconds))
            if not _unsettled(evidence) or time.monotonic() > deadline:
                evidence.offers_told, evidence.events_whole = read_offers(redis, target.org, world)
                redis.close()
                return evidence
            time.sleep(0.5)
