"""mongomock, with what the product uses of MongoDB's expressions and mongomock lacks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import mongomock
from bson.timestamp import Timestamp
from mongomock.aggregate import _Parser

_parse = _Parser.parse


def _parse_more(parser: _Parser, expression: Any) -> Any:
    if isinstance(expression, list):
        return [parser.parse(each) for each in expression]
    if expression == "$$NOW":
        return datetime.now(UTC).replace(tzinfo=None)  # as it keeps times
    if expression == "$$CLUSTER_TIME":
        return Timestamp(int(datetime.now(UTC).timestamp()), 1)
    return _parse(parser, expression)


def fake_database() -> Any:
    """An empty database in memory: no uniqueness over claims, no validators, no change stream, of commands `hello`."""
    _Parser.parse = _parse_more
    database = mongomock.MongoClient(tz_aware=True)["test"]
    database.command = lambda _name: {"localTime": datetime.now(UTC).replace(tzinfo=None)}
    return database
