"""Reads what MongoDB and Redis themselves hold after a run. It asks the service for its free slots alone."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.client.target import Target
from scripts.load.rules.evidence import Claim, Document, Evidence, Mark
from scripts.load.rules.verdict import unsettled
from scripts.load.scenarios.stage import World

QUIET_SECONDS = 20.0  # how long the mirror may take to settle after the last answer: the relay's part included
DEADLINE_SECONDS = 60.0  # the same, where reservations or offers run out
OFFERED = "waitlist.offered"
MOST_EVENTS = 10_000  # a stream that is as long may have lost its oldest events
KEYS_AT_ONCE = 1000
TRIED = 12  # how many offered slots of a run are held, one after the other, and released again
NAME_LETTERS = 34  # of a hold's id: the stores know the hold by these, and the rest proves its slot
MARGIN_TICKS = 96  # marks are looked for this far beyond the run's day on either side


def read_bookings(database: Any, org: str, world: World) -> list[Document]:
    mine = [{"property_id": {"$in": list(world.properties)}}, {"technician_id": {"$in": list(world.technicians)}}]
    return list(database.bookings.find({"org": org, "$or": mine}))


STATES = {"h": "held", "c": "confirming", "m": "moving", "b": "booked", "r": "booked"}
"""By the letter of a mark; r is booked by a reservation."""


def parse_mark(value: str, version: int, expires_ms: int) -> Mark:
    """A claim key's value, `<letter>|<owner>`. version: of the owner, if it is a booking, as last mirrored."""
    return Mark(STATES[value[0]], value[2:], version, expires_ms)


def read_marks(redis: Any, target: Target, world: World, grid_seconds: int) -> dict[Claim, Mark]:
    """The marks on the run's properties and technicians, on its day with a margin."""
    first = int(world.day.timestamp()) // grid_seconds - MARGIN_TICKS
    last = first + 86_400 // grid_seconds + 2 * MARGIN_TICKS
    wanted = [(resource, tick) for resource in _resources(world) for tick in range(first, last)]
    marks: dict[Claim, Mark] = {}
    for at in range(0, len(wanted), KEYS_AT_ONCE):
        names = {claim_key(target, resource, tick): (resource, tick) for resource, tick in wanted[at:][:KEYS_AT_ONCE]}
        found = {name: value for name, value in zip(names, redis.mget(names), strict=True) if value}
        with redis.pipeline(transaction=False) as pipe:
            for name in found:
                pipe.pttl(name)
                pipe.hget(target.key("booking", found[name][2:]), "version")
            answers = pipe.execute()
        known = zip(found, answers[::2], answers[1::2], strict=True)
        marks |= {names[name]: parse_mark(found[name], int(version or 0), life) for name, life, version in known}
    return marks


def resource_name(resource: str) -> str:
    """The name in Redis of a resource `property:<id>` or `technician:<id>`."""
    kind, _, name = resource.partition(":")
    return f"{kind[0]}:{name}"


def claim_key(target: Target, resource: str, tick: int) -> str:
    """The name of a claim's key."""
    return target.key(resource_name(resource), str(tick))


def _resources(world: World) -> list[str]:
    properties = [f"property:{name}" for name in world.properties]
    return properties + [f"technician:{name}" for name in world.technicians]


def _read_offers(redis: Any, target: Target, world: World) -> tuple[list[Document], bool]:
    """The events of offers on the run's properties, and whether the stream has lost none of its events yet."""
    events = [event for _, event in redis.xrange(target.key("events"))]
    mine = [event for event in events if event.get("property_id") in world.properties]
    return [event for event in mine if event["kind"] == OFFERED], len(events) < MOST_EVENTS


def _with_names(exchange: Exchange) -> Exchange:
    """The exchange with each hold named as the stores name it."""
    asked, reply = (
        {**fields, "hold_id": fields["hold_id"][:NAME_LETTERS]} if fields.get("hold_id") else fields
        for fields in (exchange.asked, exchange.reply)
    )
    return replace(exchange, asked=asked, reply=reply)


def gather(target: Target, world: World, exchanges: list[Exchange], *, one_winner: bool) -> Evidence:
    """Reads both stores once all is quiet, or has had its time to become so."""
    exchanges = [_with_names(each) for each in exchanges]
    evidence = Evidence(
        world.grid_minutes * 60, one_winner, exchanges, [], deadlines=world.deadlines, units=world.units
    )
    evidence.calendar_ahead = time.time() - time.monotonic()
    latest = time.monotonic() + (DEADLINE_SECONDS if world.deadlines else QUIET_SECONDS)
    with target.mongo() as database:
        evidence.bookings = read_bookings(database, target.org, world)
        if not target.redis_url:
            return evidence
        mine = {"org": target.org, "property_id": {"$in": list(world.properties)}}
        with target.redis() as redis:
            while True:
                evidence.entries = list(database.waitlist.find(mine))
                evidence.marks = read_marks(redis, target, world, evidence.grid_seconds)
                if not unsettled(evidence) or time.monotonic() > latest:
                    evidence.offer_events, evidence.events_whole = _read_offers(redis, target, world)
                    return evidence
                time.sleep(0.5)
                evidence.bookings = read_bookings(database, target.org, world)


def offers_refused(target: Target, world: World, rng: random.Random) -> list[Document]:
    """Holds some of the offered slots; returns those that were refused, with the refusal."""
    failures = []
    for number in range(TRIED):
        who = {"property_id": rng.choice(world.properties), "technician_id": rng.choice(world.technicians)}
        query = "&".join(f"{name}={value}" for name, value in who.items())
        path = f"/availability?{query}&from={world.day.date()}&days=1&duration_minutes=60"
        _, reply = target.call("GET", path, role="bot")
        starts = [slot["start"] for slot in reply.get("slots", []) if slot["state"] == "free"]
        if not starts:
            continue
        wanted = {**who, "start": rng.choice(starts), "duration_minutes": 60}
        body = {**wanted, "buffer_before_minutes": 0, "buffer_after_minutes": 0}
        body["holder"] = f"{world.run}-offer-{number:08d}"
        status, reply = target.call("POST", "/hold", role="bot", body=body)
        if status == 201:
            target.call("DELETE", f"/hold/{reply['hold_id']}", role="bot")
        else:
            failures.append({**wanted, "status": status, **{name: reply.get(name) for name in ("code", "conflicts")}})
    return failures
