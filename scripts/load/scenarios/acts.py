"""Plays a scenario: makes its fresh objects, plays the acts before the last one, and releases that at one moment."""

from __future__ import annotations

import random
import zlib
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from scripts.load.client.barrier import Outcome, release
from scripts.load.client.target import Target
from scripts.load.scenarios.stage import Scenario, World

NEAREST_DAY, DAYS = 20, 60  # a run's day is 20 to 80 days ahead: inside the default horizon


def build(target: Target, scenario: Scenario, run: str) -> World:
    """Creates what the scenario needs, through the admin API. run: an id that no other run has. Raises Unreachable."""
    made: dict[str, tuple[str, ...]] = {}
    for kind, count in (("properties", scenario.properties), ("technicians", scenario.technicians)):
        made[kind] = tuple(f"{run}-{kind[0]}{number}" for number in range(count))
        for name in made[kind]:
            target.demand(201, "POST", f"/{kind}", body={"id": name, "name": f"Load {name}"})
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = today + timedelta(days=NEAREST_DAY + zlib.crc32(run.encode()) % DAYS)
    path = f"/availability?property_id={made['properties'][0]}&from={day.date()}&days=1"
    grid_minutes = int(target.demand(200, "GET", path, role="desk")["grid_minutes"])
    return World(run, made["properties"], made["technicians"], day, target.keys, grid_minutes)


def retire(target: Target, world: World) -> None:
    """Takes the technicians out of service, so that no later scenario is offered one of them. Raises Unreachable."""
    for name in world.technicians:
        target.demand(200, "PATCH", f"/technicians/{name}", body={"status": "unavailable"})


def perform(
    target: Target, scenario: Scenario, world: World, requests: int, rng: random.Random, *, processes: int
) -> tuple[World, Outcome]:
    """All acts. The world afterwards, and what all saw; the count of connections and the time are the last act's."""
    for act in scenario.prologue:
        before = release(target.address, [each.perform() for each in act(world, requests, rng)], processes)
        world = replace(world, past=(*world.past, *before.exchanges))
    if scenario.backstage:
        world = scenario.backstage(target, world)
    deadlines: dict[str, float] = dict(world.deadlines)
    plays = [each.perform() for each in scenario.people(world, requests, rng)]
    with closing((scenario.meanwhile or _nothing)(target, world, deadlines)) as meanwhile:
        outcome = release(
            target.address, plays, processes, tick=lambda: next(meanwhile, None), not_before=world.curtain
        )
    outcome.exchanges = [*world.past, *outcome.exchanges]
    return replace(world, deadlines=deadlines), outcome


def _nothing(_target: Target, _world: World, _deadlines: dict[str, float]) -> Generator[None, None, None]:
    yield
