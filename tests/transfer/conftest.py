"""An office in a world over real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.transfer.office import Office
from tests.world import World


@pytest.fixture
def office(world: World, tmp_path: Path) -> Office:
    return Office(world, tmp_path)
