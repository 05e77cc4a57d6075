"""One installation for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.settings import StoreTimeouts
from tests.system.drills.installation import Installation, private_installation


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, timeouts: StoreTimeouts) -> Iterator[Installation]:
    with private_installation(tmp_path_factory.mktemp("doors"), timeouts) as made:
        yield made
