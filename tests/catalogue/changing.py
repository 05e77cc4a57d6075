"""Changes of a world's catalogue, as a test that goes over many of them needs them: each is made when it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.catalogue import PolicyPatch, PropertyPatch, TechnicianPatch
from tests.world import World

Change = Callable[[World], object]


def with_policy(**fields: Any) -> Change:
    return lambda world: world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(**fields))


def with_technician(name: str, **fields: Any) -> Change:
    patch = TechnicianPatch.model_validate(fields)
    return lambda world: world.services.catalogue_desk.patch_technician(world.org, name, patch)


def closed(property_id: str) -> Change:
    """The property becomes unavailable."""
    patch = PropertyPatch(status="unavailable")
    return lambda world: world.services.catalogue_desk.patch_property(world.org, property_id, patch)


def nothing(_world: World) -> None:
    """Leaves the catalogue unchanged."""
