"""An installation and a server for all tests of a file; each test has an org of its own there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.settings import StoreTimeouts
from tests.system.doors.gunicorn import Gunicorn, gunicorn
from tests.system.drills.installation import Installation, private_installation
from tests.system.live.listening import Listening


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, timeouts: StoreTimeouts) -> Iterator[Installation]:
    with private_installation(tmp_path_factory.mktemp("live"), timeouts) as made:
        yield made


@pytest.fixture(scope="module")
def server(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    with gunicorn(installation, tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture
def live(installation: Installation, server: Gunicorn) -> Iterator[Listening]:
    """A server with one worker that other tests use too."""
    made = Listening(installation, server)
    yield made
    made.close()


@pytest.fixture
def lonely(installation: Installation, tmp_path: Path) -> Iterator[Listening]:
    """A server with one worker that this test may end."""
    with gunicorn(installation, tmp_path) as server:
        made = Listening(installation, server)
        yield made
        made.close()
