"""All that an org has in Redis, to compare before and after."""

from __future__ import annotations

from typing import Any

Dump = dict[str, tuple[Any, int]]
"""By key: the value, and when it expires (epoch ms; -1 for never)."""


def keys_of(redis: Any, org: str) -> list[str]:
    """The names of the org's keys, sorted."""
    return sorted(redis.scan_iter(match=f"hf3:?{org}?:*", count=1000))


def dump(redis: Any, org: str) -> Dump:
    """Every key of the org with its value and expiry."""
    return {key: (_value(redis, key), redis.pexpiretime(key)) for key in keys_of(redis, org)}


def everything(redis: Any) -> Dump:
    """Every key of a Redis, of whatever org, with its value and expiry."""
    return {key: (_value(redis, key), redis.pexpiretime(key)) for key in redis.scan_iter(count=1000)}


def _value(redis: Any, key: str) -> Any:
    kind = redis.type(key)
    if kind == "string":
        return redis.get(key)
    if kind == "hash":
        return redis.hgetall(key)
    if kind == "zset":
        return redis.zrange(key, 0, -1, withscores=True)
    if kind == "stream":
        return redis.xrange(key)
    raise AssertionError(f"{key} is a {kind}, a type that no script writes")
