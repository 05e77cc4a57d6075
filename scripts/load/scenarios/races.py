"""Who asks for what: each scenario turns a number of requests and a seed into people and the slots that they want."""

from __future__ import annotations

import random

from scripts.load.players.clients import Person
from scripts.load.scenarios.moves import RESCHEDULE
from scripts.load.scenarios.reservations import RESERVE_DEADLINE
from scripts.load.scenarios.stage import ROLES, Scenario, World, any_slot, somebody
from scripts.load.scenarios.waitlist import WAITLIST

RIVALS = 40
"""How many technicians (or properties) a scenario with one contested resource spreads its requests over."""

CONTENDERS = 5
"""How many clients want the same slot in `retries`."""


def _same_slot(world: World, requests: int, _rng: random.Random) -> list[Person]:
    slot = world.slot(world.properties[0], world.technicians[0], 600)
    return [somebody(world, number, slot) for number in range(requests)]


def _same_property(world: World, requests: int, rng: random.Random) -> list[Person]:
    return [
        somebody(world, number, world.slot(world.properties[0], rng.choice(world.technicians), 600))
        for number in range(requests)
    ]


def _same_technician(world: World, requests: int, rng: random.Random) -> list[Person]:
    return [
        somebody(world, number, world.slot(rng.choice(world.properties), world.technicians[0], 600))
        for number in range(requests)
    ]


def _overlaps(world: World, requests: int, rng: random.Random) -> list[Person]:
    return [somebody(world, number, any_slot(world, rng)) for number in range(requests)]


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
        person = somebody(world, number, slot, role=role, repeat="once" if repeat == "twin" else repeat, thinks=thinks)
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
        others = tuple(any_slot(world, rng) for _ in range(3)) if how == "calls_off" else ()
        begins = 0.0 if rng.random() < 0.5 else rng.uniform(0, DAY_SECONDS)
        person = somebody(
            world, number, any_slot(world, rng), role=rng.choice(roles), how=how,
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
        RESCHEDULE,
        RESERVE_DEADLINE,
        WAITLIST,
    )
}
