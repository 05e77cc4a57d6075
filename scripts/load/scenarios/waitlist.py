"""`waitlist`: slots become free while people wait for them in line, and others try to be faster."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from scripts.load.players.clients import Person
from scripts.load.scenarios.stage import ROLES, Scenario, World, somebody

PAIRS = 5
MOST_SLOTS = 100
CLIENTS_A_SLOT = 10
WAITING_SHARE = 0.6
FREED_AFTER = 2.5
"""Into the last act: by then everybody has been in line for as long as fairness asks for."""

RUNS_OUT_SECONDS = 20
SECONDS, LAPSING_SECONDS = 20.0, 76.0
"""How long one looks for an offer: where nobody lets one lapse, and where the first does."""

EARLY_SECONDS = 10.0
JOINED, LATER = 10_000, 20_000
"""Where the tags of those who wait begin, and of those who are not in line. One who plays in two acts keeps its tag."""

WAYS = ("cancelled", "released", "runs out", "cancelled, raced", "released, raced")
"""How a slot becomes free, in turn; at the raced ones others come at that very moment, elsewhere a little later."""

HABITS = (("books", 30), ("leaves", 50), ("leaves early", 20))
LIFETIMES = {"released": 600, "released, raced": 600, "runs out": RUNS_OUT_SECONDS}


WEB_PLACES = 15
"""So many join with the key of the web, from one address, which is fewer than it allows; the others by other keys."""


def _role(number: int) -> str:
    """Of somebody in line."""
    return ROLES[number % len(ROLES)] if number < WEB_PLACES * len(ROLES) else ROLES[1 + number % 2]


def _slots(requests: int) -> int:
    return min(MOST_SLOTS, max(1, requests // CLIENTS_A_SLOT))


def _blocker(world: World, number: int) -> Person:
    """Who has slot `number` at first."""
    seconds = LIFETIMES.get(WAYS[number % len(WAYS)])
    role = "desk" if seconds is None else ("web", "sms")[number % 2]
    subject = {} if seconds is None else {"ttl_seconds": seconds}
    return somebody(world, number, world.numbered_slot(number), role=role, how="blocks", subject=subject)


def _blockers(world: World, requests: int, _rng: random.Random) -> list[Person]:
    return [_blocker(world, number) for number in range(_slots(requests))]


def _line(world: World, requests: int, rng: random.Random) -> list[Person]:
    """Those who wait, in turn at every slot; the order is the server's."""
    slots, people = _slots(requests), []
    for number in range(int(requests * WAITING_SHARE)):
        repeat = rng.choice(("once", "once", "again", "dropped"))
        slot = world.numbered_slot(number % slots)
        people.append(somebody(world, JOINED + number, slot, role=_role(number), how="joins", repeat=repeat))
    return people


def _freers(world: World) -> list[Person]:
    """Those who had the slots give them up."""
    people = []
    for taken in world.made("direct", "hold"):
        number = int(taken.logical.partition(":")[0])
        person, way = _blocker(world, number), WAYS[number % len(WAYS)]
        subject, how = taken.reply, "frees"
        if way == "runs out":
            how, subject = "lets_run_out", {**subject, "moment": taken.received + RUNS_OUT_SECONDS}
        people.append(replace(person, how=how, subject=subject, begins_after=FREED_AFTER))
    return people


def _waiting(world: World, slots: int, rng: random.Random) -> list[Person]:
    """Those in line look for their offers. Where a booking was cancelled unraced, early offers lapse."""
    people = []
    for joined in world.made("join"):
        number = int(joined.logical.partition(":")[0])
        way = WAYS[(number - JOINED) % slots % len(WAYS)]
        lapsing, later = way == "cancelled", RUNS_OUT_SECONDS if way == "runs out" else 0
        habit = rng.choices([habit for habit, _ in HABITS], weights=[weight for _, weight in HABITS])[0]
        subject: dict[str, Any] = {
            "waitlist_id": joined.reply["waitlist_id"],
            "habit": "lapses" if lapsing else habit,
            "seconds": LAPSING_SECONDS if lapsing else SECONDS + later,
            "early_seconds": EARLY_SECONDS,
        }
        begins = rng.uniform(0.0, FREED_AFTER / 2)
        more = {
            "role": _role(number - JOINED),
            "how": "waits",
            "subject": subject,
            "begins_after": begins,
            "repeat": rng.choice(("once", "again")),
        }
        people.append(somebody(world, number, joined.asked, **more))
    return people


def _rival(world: World, number: int, slots: int, rng: random.Random) -> Person:
    """Somebody who is not in line and wants the slot at the moment when it becomes free, or while it is offered."""
    wanted = number % slots
    raced = WAYS[wanted % len(WAYS)].endswith("raced")
    begins = FREED_AFTER + (rng.uniform(0, 0.3) if raced else rng.uniform(2.0, 8.0))
    role = rng.choice(("web", "desk", "sms"))
    how = "at_the_desk" if role == "desk" else rng.choice(("checkout", "abandons"))
    return somebody(world, LATER + number, world.numbered_slot(wanted), role=role, how=how, begins_after=begins)


def _people(world: World, requests: int, rng: random.Random) -> list[Person]:
    slots = _slots(requests)
    people = [*_freers(world), *_waiting(world, slots, rng)][:requests]
    return people + [_rival(world, number, slots, rng) for number in range(requests - len(people))]


WAITLIST = Scenario(
    "waitlist",
    "slots become free while people wait in line for them, and others race",
    PAIRS,
    PAIRS,
    False,
    _people,
    prologue=(_blockers, _line),
)
