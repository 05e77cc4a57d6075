"""Plays a scenario: what has to be there before, what is done backstage, and the act that is released at one moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from scripts.load.client.barrier import Outcome, release
from scripts.load.client.target import Target
from scripts.load.scenarios.stage import Scenario, World


def prologue(
    target: Target, scenario: Scenario, world: World, requests: int, rng: random.Random, *, processes: int
) -> World:
    """The world after the acts before the last one, with what came of them."""
    for act in scenario.prologue:
        before = release(target.address, act(world, requests, rng), processes=processes)
        world = replace(world, past=(*world.past, *before.exchanges))
    return scenario.backstage(target, world) if scenario.backstage else world


def last_act(
    target: Target,
    scenario: Scenario,
    world: World,
    requests: int,
    rng: random.Random,
    *,
    processes: int,
    progress: Callable[[int], None],
) -> Outcome:
    """What all saw, those of the prologue too; the count of connections and the time are the last act's."""
    people = scenario.people(world, requests, rng)
    outcome = release(target.address, people, processes=processes, progress=progress, not_before=world.curtain)
    outcome.exchanges = [*world.past, *outcome.exchanges]
    return outcome
