"""An Access over a database in memory, and the same of another server."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

from models.errors import Unauthenticated
from services.access.authentication import Access
from services.clock import Clock
from tests.catalogue.watched_db import WatchedDatabase

SECRET = "a secret of at least thirty-two characters"
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def access_to(
    db: WatchedDatabase,
    monotonic: Callable[[], float] = time.monotonic,
    every: float = 3600.0,
    clock: Clock = lambda: NOW,
) -> Access:
    store = db  # it stands in for a Database
    return Access(store, SECRET, clock, monotonic=monotonic, follow_seconds=every)  # type: ignore[arg-type]


def is_known(access: Access, key: str) -> bool:
    try:
        access.authenticate(key)
    except Unauthenticated:
        return False
    return True


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()
