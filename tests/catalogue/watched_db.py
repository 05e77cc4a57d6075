"""A database for unit tests that records its reads and can fail.

It wraps mongomock. A failure happens before mongomock sees the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

    @property
    def client(self) -> Any:
        return self.store.client

    def __getitem__(self, name: str) -> WatchedCollection:
        return WatchedCollection(self, name)


class WatchedCollection:
    """One collection of it. Calls that are not reads go straight to mongomock."""

    def __init__(self, database: WatchedDatabase, name: str) -> None:
        self._database = database
        self._name = name

    def find_one(self, *arguments: Any) -> Any:
        self._database.reads.append(self._name)
        found = self.__getattr__("find_one")(*arguments)
        self._database.after_read()
        return found

    def find(self, *arguments: Any) -> Any:
        self._database.reads.append(self._name)
        return WatchedCursor(self.__getattr__("find")(*arguments), self._database.after_read)

    def __getattr__(self, verb: str) -> Any:
        if self._database.down:
            raise ConnectionFailure("the store is down")
        return getattr(self._database.store[self._name], verb)


class WatchedCursor:
    """What `find` gives: it reads when it is gone through, as a real one does."""

    def __init__(self, cursor: Any, after_read: Callable[[], None]) -> None:
        self._cursor = cursor
        self._after_read = after_read

    def sort(self, *order: Any) -> WatchedCursor:
        self._cursor.sort(*order)
        return self

    def limit(self, most: int) -> WatchedCursor:
        self._cursor.limit(most)
        return self

    def __iter__(self) -> Iterator[Any]:
        found = list(self._cursor)
        self._after_read()
        return iter(found)
