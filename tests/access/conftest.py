"""One process that authenticates keys of a database in memory."""

from __future__ import annotations

import pytest

from services.access.authentication import Access
from tests.access.servers import Stopwatch, access_to
from tests.catalogue.watched_db import WatchedDatabase


@pytest.fixture
def db() -> WatchedDatabase:
    return WatchedDatabase()


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def access(db: WatchedDatabase, stopwatch: Stopwatch) -> Access:
    return access_to(db, stopwatch)
