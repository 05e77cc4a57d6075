"""The waitlist's part in an org's events in Redis: telling an offer, and hearing that something changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from redis import Redis

from services.claims.hold_records import HoldRecord, pairs, parse_hold
from services.claims.keys import OrgKeys
from services.claims.scripts import Scripts
from services.stores.faults import redis_faults

Word = Literal["MISSING", "TOLD", "AGAIN", "COLD", "CONFIRMING", "BOOKED", "RELEASED", "EXPIRED"]


Event = dict[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What tell_offer found, by Redis' clock."""

    word: Word
    record: HoldRecord | None = None


class OfferEvents:
    """The events of the waitlist. Everything may raise StoreUnavailable."""

    def __init__(self, redis: Redis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    def tell(self, org: str, waitlist_id: str, hold_id: str) -> Told:
        """Tells that a live hold is offered, unless that was told before; and says how the hold stands."""
        names = OrgKeys(org)
        with redis_faults():
            keys = [names.hold(hold_id), names.events]
            word, *flat = self._scripts.run("tell_offer", keys, [waitlist_id, hold_id])
        return Told(word, parse_hold(pairs(flat)) if flat else None)

    def since(self, org: str, event_id: str) -> tuple[str | None, list[tuple[str, Event]]]:
        """The org's epoch, and after it was read the events that came after one, '' for all that are remembered."""
        names = OrgKeys(org)
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.get(names.epoch)
            pipeline.xrange(names.events, min=f"({event_id}" if event_id else "-")
            epoch, rows = pipeline.execute()
        return epoch, [(str(row[0]), row[1]) for row in rows]

    def newest(self, orgs: list[str]) -> dict[str, str]:
        """The id of each org's newest event, '' where there is none. One round trip."""
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            for org in orgs:
                pipeline.xrevrange(OrgKeys(org).events, count=1)
            found = pipeline.execute()
        return {org: str(rows[0][0]) if rows else "" for org, rows in zip(orgs, found, strict=True)}
