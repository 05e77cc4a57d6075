"""`reserve-deadline`: reservations run out, and many want their slots at that very moment.

Nobody waits an hour for it: the harness moves the deadlines near, in MongoDB, as one more version of the document. The
server's relay has to carry that over to Redis, as it does with every change.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import MongoClient
from redis import Redis

from scripts.load.client.steps import Exchange
from scripts.load.client.target import Target
from scripts.load.players.clients import Person
from scripts.load.rules.evidence import BACKSTAGE, Deadline, Document
from scripts.load.scenarios.stage import Scenario, World, somebody

PAIRS = 10
MOST_SLOTS = 100
CLIENTS_A_SLOT = 12
NEAR_SECONDS = 6.0
EARLY_SECONDS = 2.0
"""The last act begins so long before the deadline: what is confirmed or given up early is so then."""

AROUND = ((-0.4, -0.05, 0.05), (-0.05, 0.0, 0.05))
"""When desks confirm a contested reservation, in seconds from its deadline: one in good time, or none."""

LATER = 10_000
"""The tags of the main act begin here."""


def _reservations(world: World, requests: int, rng: random.Random) -> list[Person]:
    count = min(MOST_SLOTS, max(1, requests // CLIENTS_A_SLOT))
    return [
        somebody(
            world, number, world.numbered_slot(number), role="desk", how="reserves",
            repeat=rng.choice(("once", "again", "dropped")),
        )
        for number in range(count)
    ]  # fmt: skip


def bring_near(target: Target, world: World) -> World:
    """Gives every reservation of the prologue a deadline a few seconds ahead, and waits until Redis has heard of it."""
    reserved = [each.reply["booking_id"] for each in world.made("reserve")]
    begun, moment = datetime.now(UTC), time.monotonic()
    at = (begun + timedelta(seconds=NEAR_SECONDS)).replace(microsecond=0)
    deadline = Deadline(at, moment + (at - begun).total_seconds())
    with MongoClient[Document](target.mongo_url, tz_aware=True, serverSelectionTimeoutMS=3000) as client:
        bookings = client[target.mongo_db].bookings
        for booking in bookings.find({"_id": {"$in": reserved}, "org": target.org, "status": "pending"}):
            told = {"reserved_until": {"from": booking["reserved_until"], "to": at}}
            entry = {"at": begun, "by": BACKSTAGE, "action": "edit", "changes": told}
            fields = {"reserved_until": at, "version": booking["version"] + 1, "updated_at": begun}
            same = {"_id": booking["_id"], "version": booking["version"]}
            bookings.update_one(same, {"$set": fields, "$push": {"history": entry}})
    _carried_over(target, reserved, deadline.moment - EARLY_SECONDS)
    deadlines = dict.fromkeys(reserved, deadline)
    return replace(world, deadlines=deadlines, curtain=deadline.moment - EARLY_SECONDS)


def _carried_over(target: Target, reserved: list[str], latest: float) -> None:
    """Waits until the new versions are mirrored, or until there is no more time: the rules tell then."""
    if not target.redis_url:
        return
    with Redis.from_url(target.redis_url, decode_responses=True, socket_timeout=5) as redis:
        waiting = {f"hf:{{{target.org}}}:booking:{booking_id}" for booking_id in reserved}
        while waiting and time.monotonic() < latest:
            waiting = {name for name in waiting if redis.hget(name, "version") in (None, "1")}
            time.sleep(0.05)


def _desks(kind: int, turn: int, reserved: Exchange, moment: float) -> list[tuple[str, dict[str, Any]]]:
    """What desks do about a reservation whose deadline is at this moment: (play, subject)."""
    subject = reserved.reply
    if kind == 1:  # around the deadline
        return [("confirms", {**subject, "moment": moment + around}) for around in AROUND[turn % len(AROUND)]]
    if kind == 2:
        return [("confirms", {**subject, "moment": moment - EARLY_SECONDS})]
    if kind == 3:
        given_up = {**subject, "moment": moment - EARLY_SECONDS, "confirmed_first": bool(turn % 2)}
        return [("gives_up", given_up), ("reserves_again", {**subject, "moment": moment - EARLY_SECONDS + 0.2})]
    return []


def _people(world: World, requests: int, rng: random.Random) -> list[Person]:
    """Of four reservations one runs out, one is confirmed around its deadline, one before, one given up for another."""
    reserved = world.made("reserve")
    people: list[Person] = []
    for number, each in enumerate(reserved):
        deadline = world.deadlines[each.reply["booking_id"]]
        for how, subject in _desks(number % 4, number // 4, each, deadline.moment):
            person = somebody(world, LATER + len(people), each.asked, role="desk", how=how, subject=subject)
            people.append(replace(person, repeat=rng.choice(("once", "again"))))
    while len(people) < requests:
        number = LATER + len(people)
        if not reserved:
            people.append(somebody(world, number, world.numbered_slot(0)))
            continue
        each = reserved[number % len(reserved)]
        moment = world.deadlines[each.reply["booking_id"]].moment + rng.uniform(-0.01, 0.05)
        more = {"subject": {"moment": moment}, "begins_after": EARLY_SECONDS - rng.uniform(1.0, 1.4)}
        people.append(somebody(world, number, each.asked, role=rng.choice(("web", "desk", "sms")), how="races", **more))
    return people[:requests]


RESERVE_DEADLINE = Scenario(
    "reserve-deadline",
    "reservations run out, and many want their slots at that moment",
    PAIRS,
    PAIRS,
    False,
    _people,
    prologue=(_reservations,),
    backstage=bring_near,
)
