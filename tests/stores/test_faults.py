"""Errors of the stores' clients become one refusal, and at most one log line a second."""

from __future__ import annotations

import threading

import pytest
from pymongo.errors import AutoReconnect, DuplicateKeyError, OperationFailure, PyMongoError
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from models.errors import StoreUnavailable
from services.stores.faults import TROUBLE_SECONDS, RedisUnavailable, StoreTrouble, mongo_faults, redis_faults

PERSONAL = "Alice, +45 1234"


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fail(error: PyMongoError) -> None:
    """A call to MongoDB that fails."""
    with pytest.raises(StoreUnavailable), mongo_faults():
        raise error


def test_an_error_of_mongodb_becomes_store_unavailable() -> None:
    error = AutoReconnect("secret.host:27017 closed")
    with pytest.raises(StoreUnavailable) as refused, mongo_faults():
        raise error
    assert refused.value.__cause__ is error
    assert refused.value.detail == StoreUnavailable.sentence
    assert refused.value.retry_after_seconds == 1


def test_an_error_of_redis_becomes_redis_unavailable() -> None:
    with pytest.raises(RedisUnavailable), redis_faults():
        raise RedisConnectionError("gone")


def test_a_duplicate_key_is_an_answer_and_passes() -> None:
    with pytest.raises(DuplicateKeyError), mongo_faults():
        raise DuplicateKeyError("E11000")


def test_an_error_that_is_not_a_stores_passes() -> None:
    for guard in (mongo_faults(), redis_faults()):
        with pytest.raises(KeyError), guard:
            raise KeyError("ours")


def test_one_log_line_a_second_reports_each_kind_of_error_without_its_text() -> None:
    seconds = Seconds()
    trouble = StoreTrouble(seconds)
    with capture_logs() as lines, trouble.watch():
        for _ in range(5):
            fail(AutoReconnect(PERSONAL))
        fail(OperationFailure(PERSONAL, code=91))
        seconds.now = 1.5
        fail(AutoReconnect(PERSONAL))
    reported = [(line["store"], line["kind"], line["store_code"], line["suppressed"]) for line in lines]
    assert reported == [
        ("mongodb", "AutoReconnect", None, 0),
        ("mongodb", "OperationFailure", 91, 0),
        ("mongodb", "AutoReconnect", None, 4),
    ]
    assert PERSONAL not in repr(lines)


def test_a_failure_outside_of_any_watch_is_logged() -> None:
    with capture_logs() as lines:
        fail(OperationFailure(PERSONAL, code=91))
    assert [(line["kind"], line["store_code"]) for line in lines] == [("OperationFailure", 91)]
    assert PERSONAL not in repr(lines)


def test_trouble_lasts_two_seconds_after_the_last_failure() -> None:
    seconds = Seconds()
    trouble = StoreTrouble(seconds)
    assert not trouble.lately()
    with trouble.watch():
        fail(AutoReconnect("gone"))
    seconds.now = TROUBLE_SECONDS - 0.1
    assert trouble.lately()
    seconds.now = TROUBLE_SECONDS
    assert not trouble.lately()


def test_only_failures_within_its_own_watch_are_its_trouble() -> None:
    ours, others = StoreTrouble(), StoreTrouble()
    with ours.watch():
        with others.watch():
            fail(AutoReconnect("within the inner watch"))
        elsewhere = threading.Thread(target=fail, args=[AutoReconnect("on another thread")])
        elsewhere.start()
        elsewhere.join(30)
    fail(AutoReconnect("after the watch"))
    assert (ours.lately(), others.lately()) == (False, True)
    with ours.watch():
        fail(AutoReconnect("within the watch"))
    assert ours.lately()
