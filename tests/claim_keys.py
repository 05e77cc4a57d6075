"""What Redis shows as taken, read key by key and in words, and its end before its time."""

from __future__ import annotations

from typing import Any

from models.slot import Visit
from services.claims.hold_records import visit_of
from services.claims.keys import OrgKeys, resource_of

STATES = {"h": "held", "c": "confirming", "m": "moving", "b": "booked", "r": "booked"}
LEFT_OUT = {
    **dict.fromkeys(("begun_ms", "deadline_ms", "cold", "direct", "moves"), "0"),
    **dict.fromkeys(("booking_id", "address", "counter", "confirm_key", "idempotency_key"), ""),
}
"""What a hold's record says by leaving it out."""


def claim_names(names: OrgKeys, *visits: Visit) -> list[str]:
    """Every claim key of some visits, each property's first."""
    spans = [span for visit in visits for span in visit.spans()]
    return [names.claim(resource, tick) for resource, start, end in spans for tick in range(start, end)]


def in_words(mark: str) -> str:
    """A mark as `state|owner`, with `|pending` behind it if it is a reservation's; '' for none."""
    if not mark:
        return ""
    return f"{STATES[mark[0]]}{mark[1:]}" + ("|pending" if mark[0] == "r" else "")


def record_in_words(stored: dict[str, str]) -> dict[str, str]:
    """A hold's record with its visit in place of its spans, and with what it leaves out; empty for none."""
    if not stored:
        return {}
    visit = visit_of(stored["spans"])
    fields = ("property_id", "technician_id", "start", "end", "before", "after")
    slot = {name: str(getattr(visit, name)) for name in fields}
    lifetime = str(int(stored["expires_ms"]) - int(stored["created_ms"]))
    record = {**LEFT_OUT, **slot, "requested": slot["start"], "lifetime_ms": lifetime, **stored}
    del record["spans"]
    return record


def claims_of(redis: Any, names: OrgKeys) -> dict[str, str]:
    """Every claim that exists, as `<kind>:<id>:<tick>`, and its mark in words."""
    found: dict[str, str] = {}
    for key in [*_keys(redis, names, "p"), *_keys(redis, names, "t")]:
        name, _, tick = key.removeprefix(names.prefix).rpartition(":")
        found[":".join((*resource_of(name), tick))] = in_words(redis.get(key) or "")
    return found


def end_claims(redis: Any, names: OrgKeys, owner: str) -> None:
    """Removes the marks of an owner and what the spans show of them, as if their time were over."""
    for claim, mark in claims_of(redis, names).items():
        if mark.split("|")[1:2] == [owner]:
            resource, _, tick = claim.rpartition(":")
            redis.delete(names.claim(resource, int(tick)))
    for key in _keys(redis, names, "spans"):
        gone = [member for member in redis.zrange(key, 0, -1) if member.split("|")[1] == owner]
        if gone:
            redis.zrem(key, *gone)


def taken_by_claims(redis: Any, names: OrgKeys) -> dict[str, bool]:
    """Whether each taken tick of each resource is booked, by the claim keys: `<resource>:<tick>` -> booked."""
    return {claim: mark.startswith("booked|") for claim, mark in claims_of(redis, names).items() if mark}


def taken_by_spans(redis: Any, names: OrgKeys, now_ms: int) -> dict[str, bool]:
    """The same by the sorted sets of spans."""
    found: dict[str, bool] = {}
    for key in _keys(redis, names, "spans"):
        resource = ":".join(resource_of(key.removeprefix(names.prefix + "spans:")))
        for member, score in redis.zrange(key, 0, -1, withscores=True):
            state, _owner, start, length, expires = member.split("|")
            assert score == int(start)
            for tick in range(int(start), int(start) + int(length)) if int(expires) > now_ms else ():
                name = f"{resource}:{tick}"
                found[name] = found.get(name, False) or state in "br"
    return found


def _keys(redis: Any, names: OrgKeys, kind: str) -> list[str]:
    match = f"{names.prefix}{kind}:*".replace("{", "?").replace("}", "?")
    return list(redis.scan_iter(match=match, count=1000))
