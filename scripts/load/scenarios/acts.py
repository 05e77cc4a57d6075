"""Plays a scenario: makes its fresh objects, plays the acts before the last one, and releases that at one moment."""

from __future__ import annotations

import random
import zlib
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from scripts.load.client.barrier import Outcome, release
from scripts.load.client.servers import NO_LIMITS
from scripts.load.client.target import Document, Target
from scripts.load.scenarios.stage import Scenario, World

AT_ONCE = 8  # requests of the preparations
NEAREST_DAY, DAYS = 20, 60  # a run's day is 20 to 80 days ahead: inside the default horizon


def build(target: Target, scenario: Scenario, run: str) -> World:
    """Creates what the scenario needs, through the admin API. run: an id that no other run has. Raises Unreachable."""
    made: dict[str, tuple[str, ...]] = {}
    for kind, count in (("properties", scenario.properties), ("technicians", scenario.technicians)):
        made[kind] = tuple(f"{run}-{kind[0]}{number}" for number in range(count))
        bodies = [{"id": name, "name": f"Load {name}"} for name in made[kind]]
        _demand_all(target, 201, "POST", [(f"/{kind}", body) for body in bodies])
    building, *others = made["properties"]
    units = tuple(f"{building}-u{number}" for number in range(scenario.units))
    for name in units:  # one after the other, because each changes the building
        target.demand(201, "POST", "/properties", body={"id": name, "name": f"Load {name}", "parent_id": building})
    if scenario.policy and target.redis_url:  # the naive server has no policy
        target.demand(200, "PATCH", "/policy", body=dict(scenario.policy))
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = today + timedelta(days=NEAREST_DAY + zlib.crc32(run.encode()) % DAYS)
    path = f"/availability?property_id={made['properties'][0]}&from={day.date()}&days=1"
    grid_minutes = int(target.demand(200, "GET", path, role="desk")["grid_minutes"])
    properties, buildings = (building, *units, *others), {building: units} if units else {}
    return World(run, properties, made["technicians"], day, target.keys, grid_minutes, units=buildings)


def _demand_all(target: Target, status: int, method: str, requests: list[tuple[str, Document]]) -> None:
    """Sends requests, several at a time, that must get this status. Raises Unreachable."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda each: target.demand(status, method, each[0], body=each[1]), requests))


def retire(target: Target, scenario: Scenario, world: World) -> None:
    """Takes the technicians out of service, so that no later scenario is offered one of them. Raises Unreachable."""
    out = {"status": "unavailable"}
    _demand_all(target, 200, "PATCH", [(f"/technicians/{name}", out) for name in world.technicians])
    if scenario.policy and target.redis_url:  # the naive server has no policy
        target.demand(200, "PATCH", "/policy", body=NO_LIMITS)


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
