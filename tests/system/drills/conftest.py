"""One installation for all drills of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.drills.installation import Api, Installation, installation


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("drill")) as made:
        yield made


@pytest.fixture(scope="module")
def healthy(place: Installation) -> Api:
    """An API that nobody tells to die."""
    return place.api()
