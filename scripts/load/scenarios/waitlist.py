"""`waitlist`: slots become free while people wait for them, and others try to be faster."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import replace
from typing import Any

from scripts.load.client.target import Target
from scripts.load.players import plays
from scripts.load.players.person import Person
from scripts.load.scenarios.backstage import offers_run_out
from scripts.load.scenarios.stage import LATER, ROLES, Scenario, World, person

PAIRS = 5
MOST_SLOTS, CLIENTS_A_SLOT = 100, 10
WAITING_SHARE = 0.6
FREED_AFTER = 2.5  # into the last act: by then every entry is as old as the rule of fairness asks for
LIFETIME, LOOKING, LOOKING_LATER = 6.0, 9.0, 12.0
"""Seconds: of the hold that runs out, and how long a player looks for an offer. All are longer in a large run."""

JOINED = 2 * LATER  # the tags of those who join begin here. A player that plays in two acts keeps its tag
WAYS = ("cancelled", "released", "runs out", "cancelled, raced", "released, raced")
"""How a slot becomes free, in turn. At the raced ones others come at that very moment, elsewhere a little later.
Where it is cancelled unraced, the first offers run out."""

HABITS = {plays.waits_and_books: 30, plays.waits_and_leaves: 50, plays.leaves_early: 20}
WEB_ENTRIES = 9  # so many join with the key of the web, which is fewer than one address may; others by other keys


def _role(number: int) -> str:
    return ROLES[number % len(ROLES)] if number < WEB_ENTRIES * len(ROLES) else ROLES[1 + number % 2]


def _slots(requests: int) -> int:
    return min(MOST_SLOTS, max(1, requests // CLIENTS_A_SLOT))


def _longer(seconds: float, requests: int) -> float:
    """A time that is right for a hundred requests, for so many."""
    return seconds + requests / 250


def _blocker(world: World, number: int, requests: int) -> Person:
    """The player that has slot `number` at first: by a booking, or by a hold."""
    way = WAYS[number % len(WAYS)]
    how: dict[str, Any] = {"role": "desk", "play": plays.at_the_desk}
    if not way.startswith("cancelled"):
        seconds = int(_longer(LIFETIME, requests)) if way == "runs out" else 600
        how = {"role": ("web", "sms")[number % 2], "play": plays.holds, "subject": {"ttl_seconds": seconds}}
    return person(world, number, world.numbered_slot(number), **how)


def _blockers(world: World, requests: int, _rng: random.Random) -> list[Person]:
    return [_blocker(world, number, requests) for number in range(_slots(requests))]


def _joiners(world: World, requests: int, rng: random.Random) -> list[Person]:
    """Those who wait, in turn at every slot; their order is the server's."""
    people = []
    for number in range(int(requests * WAITING_SHARE)):
        how = {"role": _role(number), "play": plays.joins, "repeat": rng.choice(("once", "once", "again", "dropped"))}
        people.append(person(world, JOINED + number, world.numbered_slot(number % _slots(requests)), **how))
    return people


def _freers(world: World, requests: int) -> list[Person]:
    """Those who had the slots give them up, or come back too late."""
    people = []
    for taken in world.made("direct", "hold"):
        before = _blocker(world, int(taken.tag), requests)
        play, moment = (plays.cancels if taken.operation == "direct" else plays.releases), 0.0
        if WAYS[int(taken.tag) % len(WAYS)] == "runs out":
            play, moment = plays.is_late, taken.received + before.subject["ttl_seconds"] + plays.LATE_SECONDS
        people.append(replace(before, play=play, moment=moment, subject=taken.reply, begins_after=FREED_AFTER))
    return people


def _waiting(world: World, requests: int, rng: random.Random) -> list[Person]:
    """Those on the waitlist look for their offers."""
    people, begun = [], max((each.received for each in world.past), default=0.0)
    for joined in world.made("join"):
        number = int(joined.tag) - JOINED
        way = WAYS[number % _slots(requests) % len(WAYS)]
        play = rng.choices([*HABITS], weights=[*HABITS.values()])[0]
        seconds = LOOKING_LATER if way == "runs out" else LOOKING
        how = {
            "role": _role(number), "play": plays.waits_and_is_late if way == "cancelled" else play,
            "repeat": rng.choice(("once", "again")), "subject": joined.reply,
            "begins_after": rng.uniform(0.1, FREED_AFTER / 2), "moment": begun + _longer(seconds, requests)
        }  # fmt: skip
        people.append(person(world, int(joined.tag), joined.asked, **how))
    return people


def _rival(world: World, number: int, requests: int, rng: random.Random) -> Person:
    """A player off the waitlist that wants a slot at the moment when it becomes free, or while it is offered."""
    wanted = number % _slots(requests)
    raced = WAYS[wanted % len(WAYS)].endswith("raced")
    begins = FREED_AFTER + (rng.uniform(0, 0.3) if raced else rng.uniform(2.0, 6.0))
    role = rng.choice(ROLES)
    play = plays.at_the_desk if role == "desk" else rng.choice((plays.checkout, plays.abandons))
    return person(world, LATER + number, world.numbered_slot(wanted), role=role, play=play, begins_after=begins)


def _people(world: World, requests: int, rng: random.Random) -> list[Person]:
    people = [*_freers(world, requests), *_waiting(world, requests, rng)][:requests]
    return people + [_rival(world, number, requests, rng) for number in range(requests - len(people))]


def _meanwhile(target: Target, world: World, deadlines: dict[str, float]) -> Generator[None, None, None]:
    # The naive server, without Redis, has no waitlist.
    direct = world.made("direct") if target.redis_url else []
    taken = [each for each in direct if WAYS[int(each.tag) % len(WAYS)] == "cancelled"]
    return offers_run_out(target, [each.asked for each in taken], deadlines)


WAITLIST = Scenario(
    "waitlist", "slots become free while people wait for them, and others race", PAIRS, PAIRS, _people,
    prologue=(_blockers, _joiners), meanwhile=_meanwhile,
)  # fmt: skip
