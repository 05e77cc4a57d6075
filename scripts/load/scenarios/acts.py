"""Plays a scenario: makes its fresh objects, plays the acts before the last one, and releases that at one moment."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from scripts.load.client.barrier import Outcome, release
from scripts.load.client.target import Target
from scripts.load.rules.evidence import Deadline
from scripts.load.scenarios.stage import Scenario, World

NEAREST_DAY, DAYS = 20, 60
"""A run's day is 20 to 80 days ahead: inside the default horizon."""


def build(target: Target, scenario: Scenario, run: str) -> World:
    """Creates what the scenario needs, through the admin API. run: an id that no other run has. Raises Unreachable."""
    made: dict[str, tuple[str, ...]] = {}
    for kind, count in (("properties", scenario.properties), ("technicians", scenario.technicians)):
        made[kind] = tuple(f"{run}-{kind[0]}{number}" for number in range(count))
        for name in made[kind]:
            target.demand(201, "POST", f"/{kind}", body={"id": name, "name": f"Load {name}"})
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = today + timedelta(days=NEAREST_DAY + zlib.crc32(run.encode()) % DAYS)
    return World(run, made["properties"], made["technicians"], day, target.keys)


def retire(target: Target, world: World) -> None:
    """Takes the technicians out of service, so that no later scenario is offered one of them. Raises Unreachable."""
    for name in world.technicians:
        target.demand(200, "PATCH", f"/technicians/{name}", body={"status": "unavailable"})


def grid_minutes(target: Target, world: World) -> int:
    """The server's time grid, from /availability. Raises Unreachable."""
    path = f"/availability?property_id={world.properties[0]}&from={world.day.date()}&days=1"
    return int(target.demand(200, "GET", path, role="desk")["grid_minutes"])


def prologue(
    target: Target, scenario: Scenario, world: World, requests: int, rng: random.Random, *, processes: int
) -> World:
    """The world after the acts before the last one, with what came of them."""
    for act in scenario.prologue:
        plays = [person.perform() for person in act(world, requests, rng)]
        before = release(target.address, plays, processes=processes)
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
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[World, Outcome]:
    """The world afterwards, and what all acts saw; the count of connections and the time are the last act's."""
    deadlines: dict[str, Deadline] = dict(world.deadlines)
    plays = [person.perform() for person in scenario.people(world, requests, rng)]
    with ExitStack() as stack:
        meanwhile = scenario.meanwhile and stack.enter_context(closing(scenario.meanwhile(target, world, deadlines)))

        def tick(ended: int) -> None:
            progress(ended)
            if meanwhile:
                next(meanwhile)

        outcome = release(target.address, plays, processes=processes, progress=tick, not_before=world.curtain)
    outcome.exchanges = [*world.past, *outcome.exchanges]
    return replace(world, deadlines=deadlines), outcome
