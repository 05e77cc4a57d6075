"""All scenarios by name, and those in one act: each turns a number of requests and a seed into people."""

from __future__ import annotations

import random

from scripts.load.players import plays
from scripts.load.players.person import Person
from scripts.load.scenarios.moves import RESCHEDULE
from scripts.load.scenarios.reservations import RESERVE_DEADLINE
from scripts.load.scenarios.stage import ROLES, Scenario, World, any_slot, person
from scripts.load.scenarios.strangers import STRANGERS
from scripts.load.scenarios.swaps import SWAPS
from scripts.load.scenarios.teams import CREWS, UNITS
from scripts.load.scenarios.waitlist import WAITLIST

RIVALS = 40  # how many technicians (or properties) a scenario with one contested resource spreads its requests over
CONTENDERS = 5  # how many clients want the same slot in `retries`


def _one_time(world: World, requests: int, rng: random.Random) -> list[Person]:
    """All want 10:00, each any of the properties and any of the technicians."""
    return [
        person(world, number, world.slot(rng.choice(world.properties), rng.choice(world.technicians), 600))
        for number in range(requests)
    ]


def _overlaps(world: World, requests: int, rng: random.Random) -> list[Person]:
    return [person(world, number, any_slot(world, rng)) for number in range(requests)]


def _retries(world: World, requests: int, rng: random.Random) -> list[Person]:
    """Each request twice: its first reply dropped, or repeated after the answer, or from two connections at once."""
    people: list[Person] = []
    for number in range(max(1, requests // 2)):
        pair, hour = divmod(number // CONTENDERS, 24)
        slot = world.slot(world.properties[pair % 25], world.technicians[pair % 25], 60 * hour)
        # An SMS hold carries no idempotency key: once it is booked its repeat is a new request, so it has no twin.
        role = ROLES[number % len(ROLES)]
        repeat = rng.choice(("dropped", "again") if role == "sms" else ("dropped", "again", "twin"))
        thinks = rng.choice((0.0, 0.005, 0.05, 0.3))
        one = person(world, number, slot, role=role, repeat="once" if repeat == "twin" else repeat, thinks=thinks)
        people += [one, one] if repeat == "twin" else [one]
    return people


DAY_SECONDS = 6.0  # how long the day of `mixed` takes: most begin at the release, the others during this time
WEB, DESK = ("web", "sms"), ("desk", "sms")
HABITS = (
    (plays.checkout, 30, WEB), (plays.at_the_desk, 15, DESK), (plays.abandons, 15, WEB),
    (plays.changes_mind, 10, WEB), (plays.takes_longer, 10, WEB), (plays.calls_off, 20, DESK)
)  # fmt: skip


def _mixed(world: World, requests: int, rng: random.Random) -> list[Person]:
    people = []
    for number in range(requests):
        play, _, roles = rng.choices(HABITS, weights=[weight for _, weight, _ in HABITS])[0]
        others = tuple(any_slot(world, rng) for _ in range(3)) if play is plays.calls_off else ()
        one = person(
            world, number, any_slot(world, rng), role=rng.choice(roles), play=play, slots_after=others,
            begins_after=0.0 if rng.random() < 0.5 else rng.uniform(0, DAY_SECONDS), thinks=rng.uniform(0.05, 1.0)
        )  # fmt: skip
        people.append(one)
    return people


_SLOT = "all want one slot of one property and one technician"
_DAY = "a day's traffic: holds run out, are extended and released; cancels and rebookings"

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("same-slot", _SLOT, 1, 1, _one_time, one_winner=True),
        Scenario("same-property", "one property at one time, many technicians", 1, RIVALS, _one_time, one_winner=True),
        Scenario(
            "same-technician", "one technician at one time, many properties", RIVALS, 1, _one_time, one_winner=True
        ),
        Scenario("overlaps", "random starts, lengths and travel over one busy day", 4, 4, _overlaps),
        Scenario("retries", "each request twice, some replies dropped", 25, 25, _retries),
        Scenario("mixed", _DAY, 10, 8, _mixed),
        RESCHEDULE,
        SWAPS,
        CREWS,
        UNITS,
        RESERVE_DEADLINE,
        WAITLIST,
        STRANGERS,
    )
}
