"""Who asks for what: each scenario turns a number of requests and a seed into people and the slots that they want."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scripts.load.players import Person

ROLES = ("web", "desk", "sms")
HOW = {"web": "checkout", "desk": "at_the_desk", "sms": "checkout"}

RIVALS = 40
"""How many technicians (or properties) a scenario with one contested resource spreads its requests over."""

CONTENDERS = 5
"""How many clients want the same slot in `retries`."""

STEP_MINUTES = 15
"""Starts, durations and buffers are multiples of this: it fits both grids, of 15 and of 5 minutes."""


@dataclass(frozen=True)
class World:
    """The fresh objects that a scenario races for. day: midnight UTC of a day some days ahead."""

    run: str
    properties: tuple[str, ...]
    technicians: tuple[str, ...]
    day: datetime
    keys: dict[str, str]

    def slot(
        self,
        property_id: str,
        technician_id: str | None,
        minutes: int,
        *,
        duration: int = 60,
        before: int = 0,
        after: int = 0,
    ) -> dict[str, Any]:
        """The slot fields for a start so many minutes into the day; without a technician, any who is free."""
        start = (self.day + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        slot = {
            "property_id": property_id, "start": start, "duration_minutes": duration,
            "buffer_before_minutes": before, "buffer_after_minutes": after,
        }  # fmt: skip
        return slot if technician_id is None else {**slot, "technician_id": technician_id}


@dataclass(frozen=True)
class Scenario:
    """properties, technicians: how many fresh ones it needs; one_winner: exactly one booking must come of it all."""

    name: str
    about: str
    properties: int
    technicians: int
    one_winner: bool
    people: Callable[[World, int, random.Random], list[Person]]


def _person(world: World, number: int, slot: dict[str, Any], **more: Any) -> Person:
    role = more.pop("role", ROLES[number % len(ROLES)])
    return Person(world.run, str(number), role, more.pop("how", HOW[role]), slot, world.keys, **more)


def _same_slot(world: World, requests: int, _rng: random.Random) -> list[Person]:
    slot = world.slot(world.properties[0], world.technicians[0], 600)
    return [_person(world, number, slot) for number in range(requests)]


def _same_property(world: World, requests: int, rng: random.Random) -> list[Person]:
    return [
        _person(world, number, world.slot(world.properties[0], rng.choice(world.technicians), 600))
        for number in range(requests)
    ]


def _same_technician(world: World, requests: int, rng: random.Random) -> list[Person]:
    return [
        _person(world, number, world.slot(rng.choice(world.properties), world.technicians[0], 600))
        for number in range(requests)
    ]


def _any_slot(world: World, rng: random.Random) -> dict[str, Any]:
    """A slot anywhere in the working day, of any length and with any travel, sometimes with any technician."""
    slot = world.slot(
        rng.choice(world.properties),
        None if rng.random() < 0.25 else rng.choice(world.technicians),
        rng.randrange(480, 1080, STEP_MINUTES),
        duration=rng.choice((15, 30, 45, 60, 90, 120, 180)),
        before=rng.choice((0, 0, 15, 30)),
        after=rng.choice((0, 0, 15, 30, 45)),
    )
    return {**slot, "fallback": "next_available"} if rng.random() < 0.15 else slot


def _overlaps(world: World, requests: int, rng: random.Random) -> list[Person]:
    return [_person(world, number, _any_slot(world, rng)) for number in range(requests)]


def _retries(world: World, requests: int, rng: random.Random) -> list[Person]:
    """Each request twice: its first reply dropped, or repeated after the answer, or from two connections at once."""
    people: list[Person] = []
    for number in range(max(1, requests // 2)):
        place = number // CONTENDERS
        slot = world.slot(world.properties[place // 24 % 25], world.technicians[place // 24 % 25], 60 * (place % 24))
        # An SMS hold carries no idempotency key: once it is booked its repeat is a new request, so it has no twin.
        role = ROLES[number % len(ROLES)]
        repeat = rng.choice(("dropped", "again") if role == "sms" else ("dropped", "again", "twin"))
        thinks = rng.choice((0.0, 0.005, 0.05, 0.3))
        person = _person(world, number, slot, role=role, repeat="once" if repeat == "twin" else repeat, thinks=thinks)
        people += [person, person] if repeat == "twin" else [person]
    return people


DAY_SECONDS = 6.0
"""How long the day of `mixed` takes: most begin at the release, the others during this time."""

HABITS = (
    ("checkout", 30, ROLES[::2]), ("at_the_desk", 15, ("desk", "sms")), ("abandons", 15, ROLES[::2]),
    ("changes_mind", 10, ROLES[::2]), ("takes_longer", 10, ROLES[::2]), ("calls_off", 20, ("desk", "sms")),
)  # fmt: skip


def _mixed(world: World, requests: int, rng: random.Random) -> list[Person]:
    people = []
    for number in range(requests):
        how, _, roles = rng.choices(HABITS, weights=[weight for _, weight, _ in HABITS])[0]
        others = tuple(_any_slot(world, rng) for _ in range(3)) if how == "calls_off" else ()
        begins = 0.0 if rng.random() < 0.5 else rng.uniform(0, DAY_SECONDS)
        person = _person(
            world, number, _any_slot(world, rng), role=rng.choice(roles), how=how,
            begins_after=begins, thinks=rng.uniform(0.05, 1.0), slots_after=others,
        )  # fmt: skip
        people.append(person)
    return people


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("same-slot", "everybody wants one slot of one property and one technician", 1, 1, True, _same_slot),
        Scenario("same-property", "one property at one time, many technicians", 1, RIVALS, True, _same_property),
        Scenario("same-technician", "one technician at one time, many properties", RIVALS, 1, True, _same_technician),
        Scenario("overlaps", "random starts, lengths and travel over one busy day", 4, 4, False, _overlaps),
        Scenario("retries", "each request twice, some replies dropped", 25, 25, False, _retries),
        Scenario(
            "mixed",
            "a day's traffic: holds run out, are extended and released; cancels and rebookings",
            10,
            8,
            False,
            _mixed,
        ),
    )
}
