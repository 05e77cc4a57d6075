"""What Redis shows as taken, read key by key, and its end before its time."""

from __future__ import annotations

from typing import Any

from models.slot import Visit
from services.claims.keys import OrgKeys


def claim_names(names: OrgKeys, *visits: Visit) -> list[str]:
    """Every claim key of some visits, each property's first."""
    spans = [span for visit in visits for span in visit.spans()]
    return [f"{names.prefix}claim:{resource}:{tick}" for resource, start, end in spans for tick in range(start, end)]


def end_claims(redis: Any, names: OrgKeys, owner: str) -> None:
    """Removes the marks of an owner and what the spans show of them, as if their time were over."""
    for key in _keys(redis, names, "claim"):
        if (redis.get(key) or "").split("|")[1:2] == [owner]:
            redis.delete(key)
    for key in _keys(redis, names, "spans"):
        gone = [member for member in redis.zrange(key, 0, -1) if member.split("|")[1] == owner]
        if gone:
            redis.zrem(key, *gone)


def taken_by_claims(redis: Any, names: OrgKeys) -> dict[str, bool]:
    """Whether each taken tick of each resource is booked, by the claim keys: `<resource>:<tick>` -> booked."""
    stem = names.prefix + "claim:"
    found = {key.removeprefix(stem): redis.get(key) for key in _keys(redis, names, "claim")}
    return {tick: mark.startswith("booked|") for tick, mark in found.items() if mark}


def taken_by_spans(redis: Any, names: OrgKeys, now_ms: int) -> dict[str, bool]:
    """The same by the sorted sets of spans."""
    found: dict[str, bool] = {}
    stem = names.prefix + "spans:"
    for key in _keys(redis, names, "spans"):
        for member, score in redis.zrange(key, 0, -1, withscores=True):
            state, _owner, start, length, expires = member.split("|")[:5]
            assert score == int(start)
            for tick in range(int(start), int(start) + int(length)) if int(expires) > now_ms else ():
                name = f"{key.removeprefix(stem)}:{tick}"
                found[name] = found.get(name, False) or state == "b"
    return found


def _keys(redis: Any, names: OrgKeys, kind: str) -> list[str]:
    match = f"{names.prefix}{kind}:*".replace("{", "?").replace("}", "?")
    return list(redis.scan_iter(match=match, count=1000))
