"""A database for unit tests that records its reads and can fail.

It wraps mongomock. A failure happens before mongomock sees the call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mongomock
from pymongo.errors import ConnectionFailure


class WatchedDatabase:
    """reads: the collections that were read, in order. down: every call fails. after_read: called after each read."""

    def __init__(self) -> None:
        self.store: Any = mongomock.MongoClient(tz_aware=True)["holdfast"]
        self.reads: list[str] = []
        self.down = False
        self.after_read: Callable[[], None] = lambda: None

    def __getitem__(self, name: str) -> WatchedCollection:
        return WatchedCollection(self, name)


class WatchedCollection:
    """One collection of it. Calls that are not reads go straight to mongomock."""

    def __init__(self, database: WatchedDatabase, name: str) -> None:
        self._database = database
        self._name = name

    def find_one(self, *arguments: Any) -> Any:
        return self._read("find_one", *arguments)

    def find(self, *arguments: Any) -> Any:
        return self._read("find", *arguments)

    def _read(self, verb: str, *arguments: Any) -> Any:
        self._database.reads.append(self._name)
        found = self.__getattr__(verb)(*arguments)
        self._database.after_read()
        return found

    def __getattr__(self, verb: str) -> Any:
        if self._database.down:
            raise ConnectionFailure("the store is down")
        return getattr(self._database.store[self._name], verb)
