"""What a process keeps in memory of a store: bounded, and read once however many ask at the same time.

Both classes serve plain threads and gevent's greenlets alike. They know nothing of what they keep.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from models.errors import StoreUnavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping of at most `limit` entries: the one that was used longest ago makes room."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        # No lock: a single look is whole by itself, and an entry that has just made room may still be used once.
        value = self._entries.get(key)
        if value is not None:
            try:
                self._entries.move_to_end(key)
            except KeyError:
                return value
        return value

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._put(key, value)

    def get_or_put(self, key: K, make: Callable[[], V]) -> V:
        """The entry under `key`, made now if there is none; all callers get the same one."""
        found = self.get(key)
        if found is not None:
            return found
        with self._lock:
            return self._entries[key] if key in self._entries else self._put(key, make())

    def drop(self, key: K) -> None:
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def _put(self, key: K, value: V) -> V:
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)
        return value


class SharedReads:
    """Reads under one key that are asked for at the same time become one read; all get its value, or its refusal.

    Sharing the refusal matters as much: were each to wait for its own turn, requests would queue up behind a store
    that does not answer, each for a whole timeout more than the one before it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Future[Any]] = {}

    def read(self, key: Hashable, read: Callable[[], V]) -> V:
        """The value of `read()`, ours or that of the caller who is at it. Whoever keeps the value does so in `read`."""
        with self._lock:
            shared: Future[V] | None = self._under_way.get(key)
            ours: Future[V] = Future()
            if shared is None:
                self._under_way[key] = ours
        return self._lead(key, ours, read) if shared is None else shared.result()

    def _lead(self, key: Hashable, ours: Future[V], read: Callable[[], V]) -> V:
        try:
            value = read()
        except BaseException as error:
            # A worker told to stop (SystemExit, GreenletExit) must not stop those who merely waited for it.
            ours.set_exception(error if isinstance(error, Exception) else StoreUnavailable())
            raise
        else:
            ours.set_result(value)
            return value
        finally:
            with self._lock:
                del self._under_way[key]
