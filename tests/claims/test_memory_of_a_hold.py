"""A hold that lives takes little memory of Redis, by whichever key it was placed. `-s` prints the figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import mongomock
import pytest

from models.catalogue import PolicyPatch, PropertyCreate, TechnicianCreate
from scripts.load.bench.memory import hold_memory
from tests.claims.conftest import Store
from tests.programs import DEBIAN, WHEEL, redis_variants
from tests.world import World, rfc3339, services_over, tomorrow

HOLDS, PAIRS = 1000, 20
MOST = {WHEEL: 2048, DEBIAN: 2304}
"""Bytes. Debian's Redis has two tables beside the keys where Valkey keeps the same in the keys."""


def world_on(store: Store) -> World:
    """An org with so many pairs of a property and a technician, in which holds have no limit."""
    world = World(services_over(store[0], mongomock.MongoClient(tz_aware=True).memory))
    desk = world.services.catalogue_desk
    for number in range(101, 101 + PAIRS):
        desk.create_property(world.org, PropertyCreate(id=f"prop-{number}", name="House"))
        desk.create_technician(world.org, TechnicianCreate(id=f"tech-{number}", name="Technician"))
    limits = dict.fromkeys(("public_holds_per_address", "public_holds_most"), None)
    desk.patch_policy(world.org, PolicyPatch.model_validate(limits | {"hold_seconds": 900}))
    return world


def place(world: World, role: str, numbers: range) -> int:
    """Places holds of an hour: with the publishable key each of another holder at another address."""
    caller = world.caller(role)
    for number in numbers:
        day, pair = divmod(number, PAIRS)
        who = {"property_id": f"prop-{101 + pair}", "technician_id": f"tech-{101 + pair}"}
        start = rfc3339(tomorrow(10) + timedelta(days=day))
        holder = {"holder": f"browser-{number:012}"} if role == "checkout" else {}
        address = f"192.0.{number // 250}.{number % 250}"
        world.services.holds.place(replace(caller, address=address), world.hold_request(**who, start=start, **holder))
    return len(numbers)


@pytest.mark.parametrize("variant", redis_variants())
@pytest.mark.parametrize("role", ["desk", "checkout"])
def test_a_hold_takes_at_most_two_kilobytes(redis_of: Callable[[str], Store], variant: str, role: str) -> None:
    world = world_on(redis_of(variant))
    place(world, role, range(PAIRS))  # the scripts and the stream take memory once
    numbers = range(PAIRS, PAIRS + HOLDS)
    found = hold_memory(world.services.redis, world.names.prefix, lambda: place(world, role, numbers))
    print(f"{variant}, {role}: {found.keys:.0f} B in keys, {found.total:.0f} B in all, {found.event:.0f} B an event")
    assert 0 < found.keys <= MOST[variant]
