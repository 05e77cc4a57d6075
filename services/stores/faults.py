"""Turns the errors of the client libraries into the one refusal that a store did not answer.

Around every call to a store:

    with mongo_faults():
        collection.find_one(...)

A DuplicateKeyError passes: it is an answer, and the caller's to understand. What the store said is logged by its kind
alone, for its text may hold a customer's data, and is kept as the refusal's cause.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

import structlog
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError
from redis.exceptions import RedisError

from models.errors import StoreUnavailable

log = structlog.get_logger("holdfast.stores")

TROUBLE_SECONDS = 2.0
LOG_EVERY_SECONDS = 1.0
"""A dead store fails thousands of requests a second; one line a second for each kind of error says as much."""


class RedisUnavailable(StoreUnavailable):
    """Redis did not answer. MongoDB may: a booking can go on with its unique index alone."""


class StoreFaults(AbstractContextManager[None]):
    """StoreUnavailable in place of any error of one store's client. It keeps nothing of a call."""

    def __init__(
        self,
        store: str,
        kind: type[Exception],
        refusal: type[StoreUnavailable] = StoreUnavailable,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._kind = kind
        self._refusal = refusal
        self._monotonic = monotonic
        self._logged: dict[str, tuple[float, int]] = {}
        self._last = float("-inf")

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, self._kind) and not isinstance(error, DuplicateKeyError):
            self._log(error)
            raise self._refusal() from error

    def in_trouble(self) -> bool:
        """Whether a call failed in the last TROUBLE_SECONDS."""
        return self._monotonic() - self._last < TROUBLE_SECONDS

    def _log(self, error: Exception) -> None:
        name = type(error).__name__
        now = self._last = self._monotonic()
        last, unsaid = self._logged.get(name, (float("-inf"), 0))
        if now - last < LOG_EVERY_SECONDS:
            self._logged[name] = (last, unsaid + 1)
            return
        self._logged[name] = (now, 0)
        code = error.code if isinstance(error, OperationFailure) else None
        log.warning("store_fault", store=self._store, kind=name, store_code=code, unsaid=unsaid)


_mongo = StoreFaults("mongodb", PyMongoError)
_redis = StoreFaults("redis", RedisError, RedisUnavailable)


def mongo_faults() -> AbstractContextManager[None]:
    """Around a call to MongoDB: a PyMongoError becomes StoreUnavailable. After a write its outcome is unknown."""
    return _mongo


def redis_faults() -> AbstractContextManager[None]:
    """Around a call to Redis: a RedisError becomes RedisUnavailable. After a script its outcome is unknown."""
    return _redis


def stores_in_trouble() -> bool:
    """Whether a store of this process failed a moment ago, so that waiting for one may be in vain."""
    return _mongo.in_trouble() or _redis.in_trouble()
