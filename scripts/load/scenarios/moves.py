"""`reschedule`: many move few bookings at once, into free slots and each other's, while others hold and book there."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.client.target import Document
from scripts.load.players import plays
from scripts.load.players.person import Person
from scripts.load.rules.evidence import VISIT
from scripts.load.scenarios.stage import HOURS, LATER, STEP_MINUTES, Scenario, World, person

PAIRS = 8
MOST_BOOKINGS = PAIRS * HOURS * 3 // 5
TRIES = 4  # how many visits one mover asks for, one after the other
CUSTOMERS_PART = ("duration_minutes", "start", "technician_id")
"""What the bearer of a manage token may change of a visit."""


def _of(slot: Document, names: tuple[str, ...] = VISIT) -> Document:
    return {name: slot[name] for name in names if name in slot}


def _bookings(world: World, requests: int, rng: random.Random) -> list[Person]:
    """The desk books a quarter as many visits as there will be clients, anywhere in the day."""
    slots = rng.sample(range(PAIRS * HOURS), min(MOST_BOOKINGS, max(1, requests // 4)))
    return [person(world, number, world.numbered_slot(slot), role="desk") for number, slot in enumerate(slots)]


def _shifted(booked: Document, rng: random.Random) -> Document:
    """Another time of the same visit that overlaps its own."""
    minutes = STEP_MINUTES * rng.choice((-3, -2, -1, 1, 2, 3))
    start = datetime.fromisoformat(booked["start"]) + timedelta(minutes=minutes)
    length = {"duration_minutes": rng.choice((30, 60, 60, 90)), "buffer_after_minutes": rng.choice((0, 0, 15))}
    return {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", **length}


def _visit(booked: Exchange, others: list[Exchange], wanted: list[Document], rng: random.Random) -> Document:
    """What one mover wants for a booking: a little later, another's slot, or a slot that others want."""
    kind = rng.random()
    if kind < 0.25:
        return _shifted(booked.reply, rng)
    if kind < 0.5:
        return _of(rng.choice(others).reply)
    hot = wanted[: max(1, len(wanted) // 4)]
    return _of(rng.choice(hot if rng.random() < 0.6 else wanted))


def _mover(world: World, number: int, bookings: list[Exchange], wanted: list[Document], rng: random.Random) -> Person:
    """Half of the movers share a fifth of the bookings, so that several want the same version of one."""
    hot = bookings[: max(1, len(bookings) // 5)]
    booked = rng.choice(hot if rng.random() < 0.5 else bookings)
    visits = [_visit(booked, bookings, wanted, rng) for _ in range(TRIES)]
    who: dict[str, Any] = {"role": rng.choice(("desk", "desk", "sms", "web"))}
    if who["role"] == "web":
        who["keys"] = {**world.keys, "checkout": booked.token}
        visits = [_of(visit, CUSTOMERS_PART) for visit in visits]
    return person(
        world, number, _of(booked.reply), play=plays.moves, subject=booked.reply, slots_after=tuple(visits),
        repeat=rng.choice(("once", "once", "again", "dropped")), thinks=rng.choice((0.0, 0.01, 0.1)),
        begins_after=0.0 if rng.random() < 0.7 else rng.uniform(0, 0.5), **who
    )  # fmt: skip


def _people(world: World, requests: int, rng: random.Random) -> list[Person]:
    bookings = world.made("direct")
    taken = {(each.reply["property_id"], each.reply["start"]) for each in bookings}
    slots = [world.numbered_slot(number) for number in range(PAIRS * HOURS)]
    free = [slot for slot in slots if (slot["property_id"], slot["start"]) not in taken]
    wanted = rng.sample(free, min(len(free), max(2, requests // 8)))
    people = []
    for number in range(LATER, LATER + requests):
        kind = rng.random()
        slot = rng.choice(wanted)
        if bookings and kind < 0.66:
            people.append(_mover(world, number, bookings, wanted, rng))
            continue
        more: dict[str, Any] = {"role": "desk", "begins_after": rng.uniform(0, 1)}
        if bookings and kind < 0.76:
            more |= {"play": plays.cancels if kind < 0.73 else plays.forgets_the_version, "slots_after": (_of(slot),)}
            more["subject"] = rng.choice(bookings).reply
        elif kind < 0.9:
            more = {"role": rng.choice(("web", "sms")), "play": plays.holds_and_waits, "thinks": rng.uniform(0.2, 1.5)}
        people.append(person(world, number, slot, **more))
    return people


RESCHEDULE = Scenario(
    "reschedule", "bookings are moved by many at once, while others hold, book and cancel", PAIRS, PAIRS, _people,
    prologue=(_bookings,),
)  # fmt: skip
