"""`crews`: many want several of few technicians at once. `units`: many want one building, or its units."""

from __future__ import annotations

import random
from collections.abc import Callable

from scripts.load.client.steps import Exchange
from scripts.load.client.target import Document
from scripts.load.players import plays
from scripts.load.players.person import Person
from scripts.load.scenarios.stage import LATER, Act, Scenario, World, person

HOUSES, CREW, FLATS, VISITORS = 24, 6, 5, 10
STARTS = tuple(range(480, 960, 30))  # minutes into the day
TRIES = 3  # how many visits one mover asks for, one after the other
MOST_BOOKINGS = 60

Wanted = Callable[[World, str, random.Random], Document]
"""A slot that a client of a role wants."""
Change = Callable[[World, random.Random], Document]
"""What a mover asks for of a booking."""


def _times(rng: random.Random) -> dict[str, int]:
    sides = ("buffer_before_minutes", "buffer_after_minutes")
    return {"duration_minutes": rng.choice((30, 60, 60, 90)), **{side: rng.choice((0, 0, 15)) for side in sides}}


def _crew(world: World, rng: random.Random) -> Document:
    """A named crew, or so many of any; sometimes one technician alone, who is in many crews."""
    kind = rng.random()
    if kind < 0.2:
        return {"technicians": rng.choice((1, 2, 3))}
    if kind < 0.35:
        return {"technician_id": rng.choice(world.technicians)}
    return {"technician_ids": rng.sample(world.technicians, rng.choice((2, 2, 3)))}


def _crew_slot(world: World, _role: str, rng: random.Random) -> Document:
    place = rng.choice(world.properties)
    return {**world.slot(place, None, rng.choice(STARTS), **_times(rng)), **_crew(world, rng)}


def _unit_slot(world: World, role: str, rng: random.Random) -> Document:
    """The building or one of its units; a stranger cannot have a building."""
    building, *flats = world.properties
    place = building if role != "web" and rng.random() < 0.3 else rng.choice(flats)
    return world.slot(place, rng.choice(world.technicians), rng.choice(STARTS), **_times(rng))


def _other_crew(world: World, rng: random.Random) -> Document:
    """Another crew, another time, or both."""
    later = {"start": world.slot("", None, rng.choice(STARTS))["start"]}
    crew = {"technician_ids": rng.sample(world.technicians, rng.choice((1, 2, 3)))}
    return rng.choice((later, crew, later | crew))


def _other_place(world: World, rng: random.Random) -> Document:
    """From a unit to the building or another unit, and back, at this time or another."""
    place = {"property_id": rng.choice(world.properties)}
    later = {"start": world.slot("", None, rng.choice(STARTS))["start"]}
    return rng.choice((place, later, place | later))


def _first(wanted: Wanted) -> Act:
    """The desk books half as many visits as there will be clients."""

    def people(world: World, requests: int, rng: random.Random) -> list[Person]:
        count = max(2, min(requests // 2, MOST_BOOKINGS))
        return [person(world, number, wanted(world, "desk", rng), role="desk") for number in range(count)]

    return people


def _then(wanted: Wanted, change: Change) -> Act:
    """Most want slots; the others change or cancel what was booked."""

    def people(world: World, requests: int, rng: random.Random) -> list[Person]:
        booked, found = world.made("direct"), list[Person]()
        for number in range(LATER, LATER + requests):
            if booked and rng.random() < 0.4:
                found.append(_changing(world, number, rng.choice(booked), change, rng))
                continue
            role = rng.choice(("web", "desk", "sms"))
            later = 0.0 if rng.random() < 0.6 else rng.uniform(0, 1)
            found.append(person(world, number, wanted(world, role, rng), role=role, begins_after=later))
        return found

    return people


def _changing(world: World, number: int, booked: Exchange, change: Change, rng: random.Random) -> Person:
    if rng.random() < 0.3:
        return person(world, number, booked.reply, role="desk", play=plays.cancels, subject=booked.reply)
    return person(
        world, number, booked.reply, role="desk", play=plays.moves, subject=booked.reply,
        slots_after=tuple(change(world, rng) for _ in range(TRIES)),
        repeat=rng.choice(("once", "again", "dropped")), thinks=rng.choice((0.0, 0.01, 0.1)),
        begins_after=rng.uniform(0, 0.5),
    )  # fmt: skip


CREWS = Scenario(
    "crews", "many want crews of few technicians, named and any, and change them", HOUSES, CREW,
    _then(_crew_slot, _other_crew), prologue=(_first(_crew_slot),),
)  # fmt: skip
UNITS = Scenario(
    "units", "many want one building or its units, and move between them", 1, VISITORS,
    _then(_unit_slot, _other_place), prologue=(_first(_unit_slot),), units=FLATS,
)  # fmt: skip
