"""`reschedule`: many move few bookings at once, into free places and each other's, while others hold and book there."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.players.clients import Person
from scripts.load.scenarios.stage import HOURS, STEP_MINUTES, Scenario, World, somebody

PAIRS = 8
MOST_BOOKINGS = PAIRS * HOURS * 3 // 5
TRIES = 4
"""How many places one mover asks for, one after the other."""

LATER = 10_000
"""The tags of the main act begin here: those before belong to the prologue."""

PLACE = ("property_id", "technician_id", "start", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes")
CUSTOMERS_PLACE = frozenset({"start", "duration_minutes", "technician_id"})
"""What the bearer of a manage token may change of a visit."""


def _bookings(world: World, requests: int, rng: random.Random) -> list[Person]:
    """The desk books a quarter as many visits as there will be clients, anywhere in the day."""
    places = rng.sample(range(PAIRS * HOURS), min(MOST_BOOKINGS, max(1, requests // 4)))
    return [somebody(world, number, world.numbered_slot(place), role="desk") for number, place in enumerate(places)]


def _shifted(booked: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Another time of the same visit that overlaps its own."""
    start = datetime.fromisoformat(booked["start"]) + timedelta(
        minutes=STEP_MINUTES * rng.choice((-3, -2, -1, 1, 2, 3))
    )
    length = {"duration_minutes": rng.choice((30, 60, 60, 90)), "buffer_after_minutes": rng.choice((0, 0, 15))}
    return {"start": start.strftime("%Y-%m-%dT%H:%M:%SZ"), **length}


def _place(
    booked: Exchange, others: list[Exchange], wanted: list[dict[str, Any]], rng: random.Random
) -> dict[str, Any]:
    """Where one mover would like to have a booking: a little later, in another's place, or where others want to be."""
    kind = rng.random()
    if kind < 0.25:
        return _shifted(booked.reply, rng)
    if kind < 0.5:
        return _of(rng.choice(others).reply)
    hot = wanted[: max(1, len(wanted) // 4)]
    return _of(rng.choice(hot if rng.random() < 0.6 else wanted))


def _of(slot: dict[str, Any]) -> dict[str, Any]:
    return {name: slot[name] for name in PLACE}


def _mover(
    world: World, number: int, bookings: list[Exchange], wanted: list[dict[str, Any]], rng: random.Random
) -> Person:
    """Half of the movers share a fifth of the bookings, so that several want the same version of one."""
    hot = bookings[: max(1, len(bookings) // 5)]
    booked = rng.choice(hot if rng.random() < 0.5 else bookings)
    places = [_place(booked, bookings, wanted, rng) for _ in range(TRIES)]
    who: dict[str, Any] = {"role": rng.choice(("desk", "desk", "sms", "web"))}
    if who["role"] == "web":
        who["keys"] = {**world.keys, "checkout": booked.token}
        places = [{name: place[name] for name in sorted(place) if name in CUSTOMERS_PLACE} for place in places]
    return somebody(
        world, LATER + number, _of(booked.reply), how="moves", subject=booked.reply, slots_after=tuple(places),
        repeat=rng.choice(("once", "once", "again", "dropped")), thinks=rng.choice((0.0, 0.01, 0.1)),
        begins_after=0.0 if rng.random() < 0.7 else rng.uniform(0, 0.5), **who,
    )  # fmt: skip


def _people(world: World, requests: int, rng: random.Random) -> list[Person]:
    bookings = world.made("direct")
    taken = {(each.reply["property_id"], each.reply["start"]) for each in bookings}
    slots = [world.numbered_slot(number) for number in range(PAIRS * HOURS)]
    free = [slot for slot in slots if (slot["property_id"], slot["start"]) not in taken]
    wanted = rng.sample(free, min(len(free), max(2, requests // 8)))
    people = []
    for number in range(requests):
        kind = rng.random()
        slot = rng.choice(wanted)
        if bookings and kind < 0.66:
            people.append(_mover(world, number, bookings, wanted, rng))
        elif bookings and kind < 0.76:
            how = "cancels" if kind < 0.73 else "forgets_the_version"
            booked = rng.choice(bookings)
            more = {"subject": booked.reply, "slots_after": (_of(slot),), "begins_after": rng.uniform(0, 1)}
            people.append(somebody(world, LATER + number, slot, role="desk", how=how, **more))
        elif kind < 0.9:
            more = {"thinks": rng.uniform(0.2, 1.5), "role": rng.choice(("web", "sms")), "how": "holds_and_waits"}
            people.append(somebody(world, LATER + number, slot, **more))
        else:
            people.append(somebody(world, LATER + number, slot, role="desk", begins_after=rng.uniform(0, 1)))
    return people


RESCHEDULE = Scenario(
    "reschedule",
    "bookings are moved by many at once, while others hold, book and cancel",
    PAIRS,
    PAIRS,
    False,
    _people,
    prologue=(_bookings,),
)
