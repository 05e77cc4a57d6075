"""`swaps`: many swap the technicians of few bookings at once, while others move, cancel, hold and book there."""

from __future__ import annotations

import random
from itertools import groupby
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.client.target import Document
from scripts.load.players import plays
from scripts.load.players.person import Person
from scripts.load.scenarios.stage import HOURS, LATER, Scenario, World, person

PAIRS = 6
TRIES = 2  # how many bookings one client swaps with, one after the other
LENGTHS = (60, 60, 60, 30, 45)
"""Of the visits: a technician who swaps into a longer one is needed beyond what the two visits have."""


def _slot(world: World, number: int, rng: random.Random) -> Document:
    return {**world.numbered_slot(number), "duration_minutes": rng.choice(LENGTHS)}


def _bookings(world: World, requests: int, rng: random.Random) -> list[Person]:
    """The desk books half as many visits as there will be clients, most hours with several of them at one time."""
    count = min(PAIRS * HOURS * 2 // 3, max(2, requests // 2))
    slots = sorted(range(PAIRS * HOURS), key=lambda number: (number % HOURS, rng.random()))[:count]
    return [person(world, number, _slot(world, slot, rng), role="desk") for number, slot in enumerate(slots)]


def _swapper(world: World, number: int, bookings: list[Exchange], rng: random.Random) -> Person:
    """Swaps one booking with several at its time, sometimes with one at another time."""
    hours = [list(group) for _, group in groupby(bookings, key=lambda each: each.reply["start"])]
    at_one_time = rng.choice([group for group in hours if len(group) > 1] or [bookings])
    booked = rng.choice(at_one_time)
    others = [each for each in (at_one_time if rng.random() < 0.8 else bookings) if each is not booked]
    return person(
        world, number, _visit(booked), role="desk", play=plays.swaps, subject=booked.reply,
        slots_after=tuple(rng.choice(others).reply for _ in range(TRIES)),
        repeat=rng.choice(("once", "again", "dropped")), thinks=rng.choice((0.0, 0.01, 0.1)),
        begins_after=0.0 if rng.random() < 0.5 else rng.uniform(0, 2),
    )  # fmt: skip


def _visit(booked: Exchange) -> Document:
    names = ("property_id", "technician_id", "start", "duration_minutes")
    return {name: booked.reply[name] for name in names}


def _other(world: World, number: int, bookings: list[Exchange], rng: random.Random) -> Person:
    """Moves or cancels a booking, or wants what a swap may need."""
    kind, booked, more = rng.random(), rng.choice(bookings), dict[str, Any]()
    slot = _slot(world, rng.randrange(PAIRS * HOURS), rng)
    if kind < 0.25:
        longer = {"duration_minutes": booked.reply["duration_minutes"] + 30}
        lengths = longer, {"duration_minutes": 15}
        more = {"role": "desk", "play": plays.moves, "subject": booked.reply, "slots_after": lengths}
    elif kind < 0.4:
        more = {"role": "desk", "play": plays.cancels, "subject": booked.reply}
    elif kind < 0.9:
        more = {"role": rng.choice(("web", "sms")), "play": plays.holds_and_waits, "thinks": rng.uniform(0.1, 1)}
    return person(world, number, slot, begins_after=rng.uniform(0, 1), **more)


def _people(world: World, requests: int, rng: random.Random) -> list[Person]:
    bookings = world.made("direct")
    if len(bookings) < 2:
        return [person(world, number, _slot(world, number, rng)) for number in range(LATER, LATER + requests)]
    bookings.sort(key=lambda each: (each.reply["start"], int(each.tag)))
    return [
        (_swapper if rng.random() < 0.6 else _other)(world, number, bookings, rng)
        for number in range(LATER, LATER + requests)
    ]


SWAPS = Scenario(
    "swaps", "many swap the technicians of few visits, while others move, cancel and hold", PAIRS, PAIRS, _people,
    prologue=(_bookings,),
)  # fmt: skip
