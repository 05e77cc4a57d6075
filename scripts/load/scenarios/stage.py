"""The stage of a scenario: the fresh objects that it races for, the acts that it is played in, and slots to ask for."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.client.target import Target
from scripts.load.players.clients import Person
from scripts.load.rules.evidence import Deadline

ROLES = ("web", "desk", "sms")
HOW = {"web": "checkout", "desk": "at_the_desk", "sms": "checkout"}

STEP_MINUTES = 15
"""Starts, durations and buffers are multiples of this: it fits both grids, of 15 and of 5 minutes."""


@dataclass(frozen=True)
class World:
    """The fresh objects that a scenario races for. day: midnight UTC of a day some days ahead.

    past: what came of the acts before; deadlines: of reservations that were given a nearer one; curtain: not before
    this moment of the monotonic clock does the last act begin.
    """

    run: str
    properties: tuple[str, ...]
    technicians: tuple[str, ...]
    day: datetime
    keys: dict[str, str]
    past: tuple[Exchange, ...] = ()
    deadlines: Mapping[str, Deadline] = field(default_factory=dict)
    curtain: float = 0.0

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

    def numbered_slot(self, number: int) -> dict[str, Any]:
        """One of many slots that do not touch each other: hour by hour, and pair by pair of property and technician."""
        pairs = min(len(self.properties), len(self.technicians))
        pair = number // HOURS % pairs
        return self.slot(self.properties[pair], self.technicians[pair], 60 * (FIRST_HOUR + number % HOURS))

    def made(self, *operations: str) -> list[Exchange]:
        """What the acts before were granted by such requests, the first answer to each, in order of their tags."""
        first = {each.logical: each for each in reversed(self.past) if each.ok and each.operation in operations}
        return [first[name] for name in sorted(first, key=lambda name: int(name.partition(":")[0]))]


FIRST_HOUR, HOURS = 2, 20
"""Of the numbered slots of a day: what is moved a little stays within the day."""

Act = Callable[[World, int, random.Random], list[Person]]
"""Turns a number of requests and a seed into people."""


@dataclass(frozen=True)
class Scenario:
    """properties, technicians: how many fresh ones it needs; one_winner: exactly one booking must come of it all.

    people: who is released at one moment; prologue: who plays before them, one act after the other; backstage: what is
    done to the stores in between.
    """

    name: str
    about: str
    properties: int
    technicians: int
    one_winner: bool
    people: Act
    prologue: tuple[Act, ...] = ()
    backstage: Callable[[Target, World], World] | None = None


def somebody(world: World, number: int, slot: dict[str, Any], **more: Any) -> Person:
    """A person with this number. role, how: in turn and as the role does it, unless given."""
    role = more.pop("role", ROLES[number % len(ROLES)])
    keys = more.pop("keys", world.keys)
    return Person(world.run, str(number), role, more.pop("how", HOW[role]), slot, keys, **more)


def any_slot(world: World, rng: random.Random) -> dict[str, Any]:
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
