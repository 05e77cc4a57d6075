"""Fresh properties and technicians for a run, made through the admin API and taken out of service when it is over."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

from scripts.load.client.target import Target, Unreachable
from scripts.load.scenarios.stage import Scenario, World

NEAREST_DAY, DAYS = 20, 60
"""A run's day is 20 to 80 days ahead: inside the default horizon, and away from what people try out by hand."""


def _create(target: Target, kind: str, identifier: str) -> str:
    status, reply = target.call("POST", f"/{kind}", body={"id": identifier, "name": f"Stress {identifier}"})
    if status != 201:
        raise Unreachable(
            f"POST /{kind} answered {status} {reply.get('code', '')}: {reply.get('detail', 'no reason given')}"
        )
    return identifier


def build(target: Target, scenario: Scenario, run: str) -> World:
    """Creates what the scenario needs. run: an id that no other run has had."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return World(
        run=run,
        properties=tuple(_create(target, "properties", f"{run}-p{number}") for number in range(scenario.properties)),
        technicians=tuple(_create(target, "technicians", f"{run}-t{number}") for number in range(scenario.technicians)),
        day=today + timedelta(days=NEAREST_DAY + zlib.crc32(run.encode()) % DAYS),
        keys=target.keys,
    )


def retire(target: Target, world: World) -> None:
    """Takes the run's objects out of service, so that nobody is offered a technician who exists for a test alone, and
    its people out of the waitlist's line."""
    for joined in world.made("join"):
        target.call("DELETE", f"/waitlist/{joined.reply['waitlist_id']}", role="desk")
    for kind, identifiers in (("properties", world.properties), ("technicians", world.technicians)):
        for identifier in identifiers:
            target.call("PATCH", f"/{kind}/{identifier}", role="desk", body={"status": "unavailable"})


def grid_minutes(target: Target, world: World) -> int:
    """The server's time grid, as /availability tells it."""
    path = f"/availability?property_id={world.properties[0]}&from={world.day.date()}&days=1"
    status, reply = target.call("GET", path, role="desk")
    if status != 200:
        raise Unreachable(
            f"GET {path} answered {status} {reply.get('code', '')}: {reply.get('detail', 'no reason given')}"
        )
    return int(reply["grid_minutes"])
