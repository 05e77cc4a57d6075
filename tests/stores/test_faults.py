"""Errors of the stores' clients become one refusal, and one log line a second."""

from __future__ import annotations

import pytest
from pymongo.errors import AutoReconnect, DuplicateKeyError, OperationFailure, PyMongoError
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from models.errors import StoreUnavailable
from services.stores.faults import StoreFaults, mongo_faults, redis_faults


def test_an_error_of_mongodb_is_a_store_that_is_unavailable() -> None:
    error = AutoReconnect("secret.host:27017 closed")
    with pytest.raises(StoreUnavailable) as refused, mongo_faults():
        raise error
    assert refused.value.__cause__ is error
    assert refused.value.detail == StoreUnavailable.sentence
    assert refused.value.retry_after_seconds == 1


def test_an_error_of_redis_is_a_store_that_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable), redis_faults():
        raise RedisConnectionError("gone")


def test_a_duplicate_key_is_an_answer_and_passes() -> None:
    with pytest.raises(DuplicateKeyError), mongo_faults():
        raise DuplicateKeyError("E11000")


def test_a_mistake_of_ours_passes() -> None:
    for guard in (mongo_faults(), redis_faults()):
        with pytest.raises(KeyError), guard:
            raise KeyError("ours")


def test_one_line_a_second_tells_of_each_kind_of_error_and_repeats_none_of_its_text() -> None:
    seconds = [0.0]
    guard = StoreFaults("mongodb", PyMongoError, monotonic=lambda: seconds[0])

    def fail(error: PyMongoError) -> None:
        with pytest.raises(StoreUnavailable), guard:
            raise error

    with capture_logs() as lines:
        for _ in range(5):
            fail(AutoReconnect("Alice, +45 1234"))
        fail(OperationFailure("Alice, +45 1234", code=91))
        seconds[0] = 1.5
        fail(AutoReconnect("Alice, +45 1234"))
    told = [(line["store"], line["kind"], line["store_code"], line["unsaid"]) for line in lines]
    assert told == [
        ("mongodb", "AutoReconnect", None, 0),
        ("mongodb", "OperationFailure", 91, 0),
        ("mongodb", "AutoReconnect", None, 4),
    ]
    assert "Alice" not in repr(lines)
