"""Turns the errors of the client libraries into one refusal: the store did not answer.

Around every call to a store:

    with mongo_faults():
        collection.find_one(...)

A DuplicateKeyError passes: it is an answer, which the caller understands. The log names only the kind of an error,
because its text may hold a customer's data. The error itself is the refusal's cause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from types import TracebackType

import pymongo
import structlog
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError
from redis.exceptions import RedisClusterException, RedisError

from models.errors import StoreUnavailable

log = structlog.get_logger()

TROUBLE_SECONDS = 2.0
NO_TIME = 0.001
"""A call with so little time fails. For pymongo 0 seconds are no limit."""
LOG_EVERY_SECONDS = 1.0
"""A dead store fails thousands of requests a second; one log line a second for each kind of error says as much."""


REDIS_ERRORS = (RedisError, RedisClusterException)
"""What redis-py raises when Redis does not serve: the second is a slot that no node has, and no RedisError."""


class RedisUnavailable(StoreUnavailable):
    """Redis did not answer. MongoDB may: a booking can go on with its unique index alone."""


class StoreTrouble:
    """Remembers the failures of stores within `watch`, for one app.

    monotonic: seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last = float("-inf")
        self._logged: dict[str, tuple[float, int]] = {}

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Notes here each failure of a store in the block, on this thread or greenlet."""
        before = _watching.set(self)
        try:
            yield
        finally:
            _watching.reset(before)

    @contextmanager
    def watch_for(self, seconds: float, spare: float) -> Iterator[None]:
        """As `watch`, and ends all calls to MongoDB in the block, however many, so many seconds from now. For calls to
        Redis time is up `spare` seconds earlier, because one that begins may stall.

        While pymongo seeks a primary it checks the time every half second, so it may end half a second later.
        The time-outs of single calls add up: without this limit a direct booking took 4.9 seconds while Redis was
        stalled and MongoDB frozen.
        """
        until = time.monotonic() + seconds
        before, before_mongo = last_start.set(until - spare), mongo_until.set(until)
        try:
            with pymongo.timeout(max(seconds, NO_TIME)), self.watch():
                yield
        finally:
            last_start.reset(before)
            mongo_until.reset(before_mongo)

    def lately(self) -> bool:
        """Whether a call failed in the last TROUBLE_SECONDS, so that waiting for a store may be useless."""
        return self._monotonic() - self._last < TROUBLE_SECONDS

    def note(self, store: str, error: Exception) -> None:
        """Remembers a failure, and logs it unless it logged one of this kind within LOG_EVERY_SECONDS."""
        kind = type(error).__name__
        now = self._last = self._monotonic()
        last, suppressed = self._logged.get(kind, (float("-inf"), 0))
        if now - last < LOG_EVERY_SECONDS:
            self._logged[kind] = (last, suppressed + 1)
            return
        self._logged[kind] = (now, 0)
        _log(store, error, suppressed)


last_start: ContextVar[float] = ContextVar("last_start", default=float("inf"))
"""The monotonic time after which a request claims and mirrors nothing more in Redis. Only `watch_for` sets it."""
mongo_until: ContextVar[float] = ContextVar("mongo_until", default=float("inf"))
"""The monotonic time at which all calls of a request to MongoDB end. Only `watch_for` sets it. pymongo ends its own
calls by itself; this is for a wait that is no call."""
_watching: ContextVar[StoreTrouble | None] = ContextVar("store_trouble", default=None)


class _Faults(AbstractContextManager[None]):
    """Raises a refusal in place of any error of one store's client. Keeps no state, so all calls share one."""

    def __init__(
        self, store: str, kind: type[Exception] | tuple[type[Exception], ...], refusal: type[StoreUnavailable]
    ) -> None:
        self._store = store
        self._kind = kind
        self._refusal = refusal

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, self._kind) and not isinstance(error, DuplicateKeyError):
            trouble = _watching.get()
            if trouble is None:
                _log(self._store, error, 0)
            else:
                trouble.note(self._store, error)
            raise self._refusal() from error


_MONGO = _Faults("mongodb", PyMongoError, StoreUnavailable)
_REDIS = _Faults("redis", REDIS_ERRORS, RedisUnavailable)


def mongo_faults() -> AbstractContextManager[None]:
    """Around a call to MongoDB: a PyMongoError becomes StoreUnavailable. After a write its outcome is unknown."""
    return _MONGO


def redis_faults() -> AbstractContextManager[None]:
    """Around a call to Redis: any of REDIS_ERRORS becomes RedisUnavailable. After a script its outcome is unknown."""
    return _REDIS


def _log(store: str, error: Exception, suppressed: int) -> None:
    code = error.code if isinstance(error, OperationFailure) else None
    log.warning("store_fault", store=store, kind=type(error).__name__, store_code=code, suppressed=suppressed)
