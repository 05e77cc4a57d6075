"""`reserve-deadline`: reservations run out, and many want their slots at that very moment."""

from __future__ import annotations

import random
from typing import Any

from scripts.load.players import plays
from scripts.load.players.person import Person
from scripts.load.scenarios.backstage import EARLY_SECONDS, reservations_run_out
from scripts.load.scenarios.stage import LATER, ROLES, Scenario, World, person

PAIRS = 10
MOST_SLOTS, CLIENTS_A_SLOT = 100, 12
AROUND = ((-0.4, -0.05, 0.05), (-0.05, 0.0, 0.05))
"""When desks confirm a contested reservation, in seconds from its deadline: one in good time, or none."""


def _reservations(world: World, requests: int, rng: random.Random) -> list[Person]:
    people = []
    for number in range(min(MOST_SLOTS, max(1, requests // CLIENTS_A_SLOT))):
        how = {"role": "desk", "play": plays.reserves, "repeat": rng.choice(("once", "again", "dropped"))}
        people.append(person(world, number, world.numbered_slot(number), **how))
    return people


def _desks(number: int, deadline: float) -> list[dict[str, Any]]:
    """What desks do about a reservation that runs out at this moment.

    One of four runs out, one is confirmed around its deadline, one before, one is given up and reserved again.
    """
    turn, early = number // 4, deadline - EARLY_SECONDS
    gives_up = plays.confirms_and_cancels if turn % 2 else plays.cancels
    return [
        [],
        [{"play": plays.confirms, "moment": deadline + around} for around in AROUND[turn % len(AROUND)]],
        [{"play": plays.confirms, "moment": early}],
        [{"play": gives_up, "moment": early}, {"play": plays.reserves_again, "moment": early + 0.2}],
    ][number % 4]


def _people(world: World, requests: int, rng: random.Random) -> list[Person]:
    reserved = world.made("reserve")
    deadlines = [world.deadlines[each.reply["booking_id"]] for each in reserved]
    people: list[Person] = []
    for number, each in enumerate(reserved):
        for what in _desks(number, deadlines[number]):
            how = {"role": "desk", "subject": each.reply, "repeat": rng.choice(("once", "again")), **what}
            people.append(person(world, LATER + len(people), each.asked, **how))
    while len(people) < requests:
        number = LATER + len(people)
        how, slot = {}, world.numbered_slot(0)
        if reserved:
            slot, moment = reserved[number % len(reserved)].asked, deadlines[number % len(reserved)]
            how = {"role": rng.choice(ROLES), "play": plays.races, "moment": moment + rng.uniform(-0.01, 0.05)}
            how["begins_after"] = EARLY_SECONDS - rng.uniform(1.0, 1.4)
        people.append(person(world, number, slot, **how))
    return people[:requests]


RESERVE_DEADLINE = Scenario(
    "reserve-deadline", "reservations run out, and many want their slots at that moment", PAIRS, PAIRS, _people,
    prologue=(_reservations,), backstage=reservations_run_out,
)  # fmt: skip
