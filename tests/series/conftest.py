"""Servers that the tests of bookings share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services import Services
from services.stores.connections import connect_redis
from tests.world import World, services_over


@pytest.fixture
def cut_off(world: World) -> Iterator[Services]:
    """A server of the same database that reaches no Redis."""
    nowhere = connect_redis("redis://127.0.0.1:1/0")
    services = services_over(nowhere, world.services.db)
    yield services
    services.access.close()
    nowhere.close()
