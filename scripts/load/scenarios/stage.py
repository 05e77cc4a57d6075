"""The stage of a scenario: the fresh objects that it races for, the acts that it is played in, and slots to ask for."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.client.target import Document, Target
from scripts.load.players import plays
from scripts.load.players.person import Person

ROLES = ("web", "desk", "sms")
PLAYS = {"web": plays.checkout, "desk": plays.at_the_desk, "sms": plays.checkout}
STEP_MINUTES = 15  # starts, durations and buffers are multiples of this: it fits both grids, of 15 and of 5 minutes
FIRST_HOUR, HOURS = 2, 20  # the numbered slots of a day: a visit that is moved a little stays within the day
NO_TRAVEL = {"buffer_before_minutes": 0, "buffer_after_minutes": 0}
LATER = 10_000  # the tags of the last act begin here, those of the acts before below


@dataclass(frozen=True)
class World:
    """The fresh objects that a scenario races for. day: midnight UTC of a day some days ahead.

    units: of each building, which stand among the properties too. past: what came of the acts before; deadlines: by id,
    those that the run brought near; curtain: the last act does not begin before this moment of the monotonic clock.
    """

    run: str
    properties: tuple[str, ...]
    technicians: tuple[str, ...]
    day: datetime
    keys: dict[str, str]
    grid_minutes: int = 15
    past: tuple[Exchange, ...] = ()
    deadlines: Mapping[str, float] = field(default_factory=dict)
    curtain: float = 0.0
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def slot(self, property_id: str, technician_id: str | None, minutes: int, **more: int) -> Document:
        """The slot fields for a start so many minutes into the day. Without a technician, any who is free will do."""
        start = f"{self.day + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
        slot: Document = {"property_id": property_id, "start": start, "duration_minutes": 60}
        slot |= {**NO_TRAVEL, **more}
        return slot if technician_id is None else {**slot, "technician_id": technician_id}

    def numbered_slot(self, number: int) -> Document:
        """One of many slots that do not touch each other: hour by hour, and pair by pair of property and technician."""
        pair = number // HOURS % min(len(self.properties), len(self.technicians))
        return self.slot(self.properties[pair], self.technicians[pair], 60 * (FIRST_HOUR + number % HOURS))

    def made(self, *operations: str) -> list[Exchange]:
        """The first grant to each such request of the acts before, in order of their tags."""
        first = {each.logical: each for each in reversed(self.past) if each.ok and each.operation in operations}
        return sorted(first.values(), key=lambda each: int(each.tag))


Act = Callable[[World, int, random.Random], list[Person]]
"""Turns a number of requests and a seed into people."""

Meanwhile = Callable[[Target, World, dict[str, float]], Generator[None, None, None]]
"""Does one thing to the stores each time it goes on, and adds the deadlines that it brought near."""


@dataclass(frozen=True)
class Scenario:
    """What is played. one_winner: exactly one booking must come of it all.

    properties, technicians: how many fresh ones it needs. units: how many the first property has. people: who is
    released at one moment; prologue: who plays
    before them, one act after the other. backstage: what is done to the
    stores before the last act; meanwhile: what is done to them again and again during it. policy: what it sets of the
    org's policy; measures: what it measures after the last act.
    """

    name: str
    about: str
    properties: int
    technicians: int
    people: Act
    prologue: tuple[Act, ...] = ()
    one_winner: bool = False
    backstage: Callable[[Target, World], World] | None = None
    meanwhile: Meanwhile | None = None
    policy: Mapping[str, int] = field(default_factory=dict)
    measures: Callable[[Target, World], Mapping[str, float]] | None = None
    units: int = 0


def person(world: World, number: int, slot: Document, **more: Any) -> Person:
    """A person with this number. role, play: in turn and as the role does it, unless given.

    The web sends no travel: the policy decides it, and has none.
    """
    role = more.pop("role", ROLES[number % len(ROLES)])
    play, keys = more.pop("play", PLAYS[role]), more.pop("keys", world.keys)
    slot = {**slot, **NO_TRAVEL} if role == "web" else slot
    return Person(world.run, str(number), role, play, slot, keys, **more)


def any_slot(world: World, rng: random.Random) -> Document:
    """A slot anywhere in the working day, of any length and with any travel, sometimes with any technician."""
    slot = world.slot(
        rng.choice(world.properties),
        None if rng.random() < 0.25 else rng.choice(world.technicians),
        rng.randrange(480, 1080, STEP_MINUTES),
        duration_minutes=rng.choice((15, 30, 45, 60, 90, 120, 180)),
        buffer_before_minutes=rng.choice((0, 0, 15, 30)),
        buffer_after_minutes=rng.choice((0, 0, 15, 30, 45)),
    )
    return {**slot, "fallback": "next_available"} if rng.random() < 0.15 else slot
