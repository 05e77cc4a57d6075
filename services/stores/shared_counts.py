"""Counts of one minute, kept in each process and added up in Redis in the background.

A count costs its request a look into memory. Four times a second a thread adds what is new to Redis and reads what all
processes have counted; so, together, they may count a little more than the limit. While Redis does not answer, each
process goes on with what it knows.

| key | type | what | expires |
| --- | --- | --- | --- |
| hf:{<org>}:count:<digest>:<minute> | string | how often all processes counted this name | two minutes |

Without an org the digest stands in its place, so that a cluster spreads these names.
"""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import islice

import structlog
from redis import Redis

from models.errors import StoreUnavailable
from services.observability import Metrics
from services.stores.faults import redis_faults

log = structlog.get_logger()

SHARE_SECONDS = 0.25
WINDOW_SECONDS = 60
KEPT_SECONDS = 2 * WINDOW_SECONDS
NAMES_KEPT = 100_000
"""Names of one kind in one minute, such as the addresses that use one org's publishable key. Further ones share counts,
so that many addresses neither fill the memory nor end the limit for the rest."""
SHARED_NAMES = 256
"""So many counts they share. Who must share one is refused early at worst, and only until the minute is over."""
SHARED_AT_ONCE = 200

Name = tuple[str, ...]
"""What is counted: the org, or "" for none, words for the kind of count, and the client's address."""


class _Count:
    __slots__ = ("everywhere", "unshared")

    def __init__(self) -> None:
        self.everywhere = 0
        self.unshared = 0


class SharedCounts:
    """The counts of one process, which makes it after the fork. Threads and greenlets may share it.

    now: the time in seconds since 1970; windows are whole minutes of it, on all servers alike.
    """

    def __init__(self, redis: Redis, metrics: Metrics, *, now: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._metrics = metrics
        self._now = now
        self._window = 0
        self._counts: dict[Name, _Count] = {}
        self._changed: dict[Name, _Count] = {}
        self._kinds: Counter[Name] = Counter()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._sharer: threading.Thread | None = None
        weakref.finalize(self, self._stop.set)

    def spend(self, name: Name, most: int) -> int | None:
        """Counts one, unless `most` are counted in this minute: then the seconds until the next minute."""
        with self._lock:
            now = self._now()
            self._begin(int(now // WINDOW_SECONDS))
            name = self._kept(name)
            count = self._counts[name]
            if count.everywhere + count.unshared >= most:
                return math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS)
            self._add(name, count, 1)
        return None

    def give_back(self, name: Name) -> None:
        """Takes back one that was counted in this minute."""
        with self._lock:
            name = name if name in self._counts else _shared(name)
            count = self._counts.get(name)
            if count is not None and count.everywhere + count.unshared > 0:
                self._add(name, count, -1)

    def share(self) -> None:
        """Adds to Redis what is new here, and learns what all have counted. The background thread calls this.

        Raises StoreUnavailable: the next call then shares it.
        """
        with self._lock:
            window, changed = self._window, self._changed
            self._changed = {}
        unshared = iter(changed.items())
        while some := list(islice(unshared, SHARED_AT_ONCE)):
            try:
                self._exchange(window, some)
            except StoreUnavailable:
                self._metrics.limiter_failures.inc()
                with self._lock:
                    if window == self._window:
                        self._changed |= dict((*some, *unshared))
                raise

    def close(self) -> None:
        """Ends the background thread."""
        self._stop.set()

    def _begin(self, window: int) -> None:
        if window != self._window:
            self._window, self._counts, self._changed, self._kinds = window, {}, {}, Counter()

    def _kept(self, name: Name) -> Name:
        """The name under which this one counts, which has a count afterwards."""
        if name in self._counts:
            return name
        if self._kinds[name[:-1]] >= NAMES_KEPT:
            self._metrics.limiter_crowds.inc()
            name = _shared(name)
        else:
            self._kinds[name[:-1]] += 1
        self._counts.setdefault(name, _Count())
        return name

    def _add(self, name: Name, count: _Count, number: int) -> None:
        count.unshared += number
        self._changed[name] = count
        if self._sharer is None:
            # The thread has only a weak reference, so that it ends with this object instead of keeping it alive.
            arguments = (weakref.ref(self), self._stop)
            self._sharer = threading.Thread(target=_keep_sharing, args=arguments, name="counts", daemon=True)
            self._sharer.start()

    def _exchange(self, window: int, some: list[tuple[Name, _Count]]) -> None:
        sent = [(count, count.unshared) for _, count in some]
        with redis_faults(), self._redis.pipeline(transaction=False) as pipe:
            for (name, _), (_, number) in zip(some, sent, strict=True):
                key = _key(name, window)
                pipe.incrby(key, number)
                pipe.expire(key, KEPT_SECONDS)
            totals = pipe.execute()[::2]
        with self._lock:
            for (count, number), total in zip(sent, totals, strict=True):
                count.everywhere = total
                count.unshared -= number


def _shared(name: Name) -> Name:
    """The name of the count that a name without one of its own shares with others of its kind."""
    return *name[:-1], f"shared {int(_digest(name), 16) % SHARED_NAMES}"


def _digest(words: Sequence[str]) -> str:
    return blake2b("\0".join(words).encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _key(name: Name, window: int) -> str:
    org, *words = name
    digest = _digest(words)
    return f"hf:{{{org or digest}}}:count:{digest}:{window}"


def _keep_sharing(reference: weakref.ref[SharedCounts], stop: threading.Event) -> None:
    while not stop.wait(SHARE_SECONDS):
        counts = reference()
        if counts is None:
            return
        try:
            with suppress(StoreUnavailable):  # it is logged already, and the next round tries again
                counts.share()
        except Exception:  # this thread must go on, or this process would count alone
            log.exception("counts_unshared")
        del counts
