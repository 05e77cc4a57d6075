"""One whole server for the tests of clients, and slots of it that no other test takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from tests.system.stack.whole_server import WholeServer

PROPERTY, TECHNICIAN = "prop-101", "tech-7"
"""Of the demo org. This technician is always there."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("sdk") / "data") as running:
        yield running


@pytest.fixture(scope="session")
def next_start() -> Callable[[], datetime]:
    """Gives another free hour at each call."""
    first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=40)
    numbers = count()
    return lambda: first + timedelta(hours=2 * next(numbers))
