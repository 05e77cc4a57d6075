"""One installation for all drills of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.drills.installation import Api, Installation, private_installation


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with private_installation(tmp_path_factory.mktemp("drill")) as made:
        yield made


@pytest.fixture(scope="module")
def healthy(installation: Installation) -> Api:
    """An API without a crash point."""
    return installation.api()
