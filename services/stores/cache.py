"""What a process keeps in memory of a store: bounded, and read once for all callers that ask at the same time.

The classes serve threads and gevent's greenlets alike. They know nothing of the values that they keep.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from models.errors import StoreUnavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping of at most `limit` entries: a new entry replaces the least recently used one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        # No lock: a single look is atomic, and it does no harm to use an entry once more that was just replaced.
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
        """The entry under `key`; `make` gives it where there is none. All callers get the same one."""
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


class Fresh(Generic[V]):
    """One value, computed anew when it is older than `seconds`. Callers at the same time share one computation."""

    def __init__(
        self, compute: Callable[[], V], seconds: float, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._compute = compute
        self._seconds = seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._computed: tuple[float, V] | None = None

    def value(self) -> V:
        with self._lock:
            if self._computed is None or self._monotonic() - self._computed[0] >= self._seconds:
                value = self._compute()
                self._computed = self._monotonic(), value
            return self._computed[1]


class SharedReads:
    """Makes one read of all reads under one key at the same time. Every caller gets its value, or its refusal.

    Sharing the refusal matters as much as sharing the value: callers that read one after another would queue behind a
    store that does not answer, and each would wait one time-out longer than the caller before it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Future[Any]] = {}

    def read(self, key: Hashable, read: Callable[[], V]) -> V:
        """The value of `read()`, or of another caller's read under this key that has not ended yet. It keeps no value
        after that: `read` may."""
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
            # SystemExit or GreenletExit ends this caller; those that wait for its read must get an ordinary refusal.
            ours.set_exception(error if isinstance(error, Exception) else StoreUnavailable())
            raise
        else:
            ours.set_result(value)
            return value
        finally:
            with self._lock:
                del self._under_way[key]
