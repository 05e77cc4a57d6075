"""mongomock, with what the product uses of MongoDB's expressions and mongomock lacks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import mongomock
from bson.timestamp import Timestamp
from mongomock.aggregate import _Parser
from mongomock.collection import BulkOperationBuilder

_parse, _replace = _Parser.parse, BulkOperationBuilder.add_replace


def _parse_more(parser: _Parser, expression: Any) -> Any:
    if isinstance(expression, list):
        return [parser.parse(each) for each in expression]
    if expression == "$$NOW":
        return datetime.now(UTC).replace(tzinfo=None)  # as it keeps times
    if expression == "$$CLUSTER_TIME":
        return Timestamp(int(datetime.now(UTC).timestamp()), 1)
    return _parse(parser, expression)


def _replace_in_bulk(bulk: BulkOperationBuilder, *given: Any, sort: None = None, **further: Any) -> None:
    """mongomock does not know the parameter `sort`, which pymongo gives."""
    _replace(bulk, *given, **further)


class FakeSession:
    """A session without transactions: each write is made at once. It counts as none, which mongomock wants."""

    in_transaction = False

    def __bool__(self) -> bool:
        return False

    def __enter__(self) -> FakeSession:
        return self

    def __exit__(self, *_error: object) -> None:
        return None

    def start_transaction(self, *_concerns: object) -> None:
        return None

    commit_transaction = abort_transaction = start_transaction


def fake_database() -> Any:
    """An empty database in memory: no uniqueness over claims, no validators, no change stream, of commands `hello`."""
    _Parser.parse = _parse_more
    BulkOperationBuilder.add_replace = _replace_in_bulk
    database = mongomock.MongoClient(tz_aware=True)["test"]
    database.client.start_session = FakeSession
    database.command = lambda _name: {"localTime": datetime.now(UTC).replace(tzinfo=None)}
    return database
