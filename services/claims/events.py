"""The waitlist's part in an org's live events in Redis: it announces offers, and hears what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from redis import Redis

from services.claims.hold_records import HoldRecord, read_hold
from services.claims.keys import org_keys
from services.claims.scripts import Scripts
from services.stores.faults import redis_faults

Event = dict[str, str]

OfferState = Literal["unknown", "announced", "cold", "confirming", "booked", "released", "expired"]
"""How the hold of an offer stands: Redis does not remember it; it is live and announced; it is live, but MongoDB has
not been asked yet whether its slot is booked; or it has this status."""

_STATES: Final[dict[str, OfferState]] = {
    "MISSING": "unknown",
    "ANNOUNCED": "announced",
    "AGAIN": "announced",
    "COLD": "cold",
    "CONFIRMING": "confirming",
    "BOOKED": "booked",
    "RELEASED": "released",
    "EXPIRED": "expired",
}


@dataclass(frozen=True, slots=True)
class Announced:
    """What announce_offer found, by Redis' clock. record: None if the hold is unknown."""

    state: OfferState
    record: HoldRecord | None = None


class OfferEvents:
    """The events of the waitlist. Everything may raise StoreUnavailable."""

    def __init__(self, redis: Redis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    def announce(self, org: str, waitlist_id: str, hold_id: str) -> Announced:
        """Publishes that a live hold is offered, once for each hold, and says how the hold stands."""
        names = org_keys(org)
        word, *flat = self._scripts.run("announce_offer", [names.hold(hold_id), names.events], [waitlist_id, hold_id])
        return Announced(_STATES[word], read_hold(hold_id, flat) if flat else None)

    def since(self, org: str, event_id: str) -> tuple[str | None, list[tuple[str, Event]]]:
        """The org's epoch, and the events after an event id, read after the epoch; '' means all that Redis keeps."""
        names = org_keys(org)
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.get(names.epoch)
            pipeline.xrange(names.events, min=f"({event_id}" if event_id else "-")
            epoch, rows = pipeline.execute()
        return epoch, [(str(row[0]), row[1]) for row in rows if "id" in row[1]]  # some are about no visit

    def newest(self, orgs: list[str]) -> dict[str, str]:
        """The id of each org's newest event, '' if it has none. One round trip."""
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            for org in orgs:
                pipeline.xrevrange(org_keys(org).events, count=1)
            found = pipeline.execute()
        return {org: str(rows[0][0]) if rows else "" for org, rows in zip(orgs, found, strict=True)}
