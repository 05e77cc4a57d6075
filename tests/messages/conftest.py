"""A world alone in its database, whose messages become files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.world import World, services_over


@pytest.fixture
def alone(world: World, lonely_database: Any, tmp_path: Path) -> Iterator[World]:
    for name in lonely_database.list_collection_names():
        lonely_database[name].delete_many({})
    made = World(services_over(world.services.redis, lonely_database, outbox_folder=tmp_path))
    yield made
    made.services.access.close()
