"""The names of everything that Holdfast keeps in Redis, and the marks that claim keys hold.

All keys of an org carry the hash tag `{org}`, so that one script may touch them all on Redis Cluster. Ids are plain
(`[A-Za-z0-9._-]`), so no id can break out of its part of a name.

| key | type | what | expires |
| --- | --- | --- | --- |
| claim:<resource>:<tick> | string | the mark of the owner of this tick | with hold, pin or visit |
| spans:<resource> | zset | the same in few words: a member for each owner, by its first tick | with the last of them |
| hold:<hold id> | hash | the hold's record | an hour after its end, or ten minutes |
| booking:<booking id> | hash | version, spans and holder last mirrored | an hour after the visit or an earlier end |
| holder:<digest> | zset | live holds of one holder, by expiry | a day |
| address:<digest> | zset | live holds of one client address with the publishable key, by expiry | a day |
| strangers | zset | all live holds of the publishable key, by expiry | a day |
| booked:<digest>:<day> | string | how many bookings one such address has made on a UTC day | two days |
| pins | zset | holds that are being confirmed, by the deadline of their outcome | never |
| idem:<key id>:<digest> | hash | the request of an idempotency key, its answer | 24 hours, or as the hold |
| epoch | string | absent: the mirror is not whole; changed: the catalogue has to be read again | never |
| rebuild | string | token of the rebuild under way | 60 seconds |
| events | stream | live changes, capped | never |
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple

from models.access import IdempotencyClaim

PREFIX = "hf2:"
"""The number rises with each release that gives values another form, so that no release reads the values of another.
To the new one Redis looks lost, and the relay builds the mirror again."""


MarkState = Literal["held", "booked"]


class Mark(NamedTuple):
    """The owner of one tick of a resource, and the whole span that this owner has there, in ticks.

    expires_in_ms: only of a hold. pending: of a reservation, which may have run out or been decided in MongoDB.
    """

    state: MarkState
    owner: str
    start: int
    end: int
    expires_in_ms: int | None = None
    pending: bool = False


def parse_mark(value: str, expires_in_ms: int | None = None) -> Mark:
    """Reads a mark. A claim that is being confirmed or moved to counts as held, and its expiry promises nothing."""
    state, owner, start, end, _version, *notes = value.split("|")
    if state == "booked":
        return Mark("booked", owner, int(start), int(end), pending=notes == ["pending"])
    return Mark("held", owner, int(start), int(end), expires_in_ms if state == "held" else None)


def live_marks(members: list[str], now_ms: int) -> list[Mark]:
    """Reads the members that show the spans of a resource, without those whose time is over."""
    found = []
    for member in members:
        state, owner, start, length, expires, *notes = member.split("|")
        left = int(expires) - now_ms
        if left > 0:
            shown: MarkState = "booked" if state == "b" else "held"
            wait = left if state == "h" else None
            found.append(Mark(shown, owner, int(start), int(start) + int(length), wait, notes == ["pending"]))
    return found


def digest(*parts: str) -> str:
    """A short name of fixed length for text that must not stand in a key: holders, addresses, idempotency keys."""
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=4096)
def org_keys(org: str) -> OrgKeys:
    """The key names of an org, kept in memory because every call to Redis needs them."""
    return OrgKeys(org)


class OrgKeys:
    """The key names of one org. `nothing` stands where a script wants a key and there is none."""

    __slots__ = ("epoch", "events", "nothing", "pins", "prefix", "rebuild")

    def __init__(self, org: str) -> None:
        self.prefix = f"{PREFIX}{{{org}}}:"
        self.epoch = self.prefix + "epoch"
        self.pins = self.prefix + "pins"
        self.events = self.prefix + "events"
        self.rebuild = self.prefix + "rebuild"
        self.nothing = self.prefix + "none"

    def hold(self, hold_id: str) -> str:
        return f"{self.prefix}hold:{hold_id}"

    def holder(self, holder_digest: str) -> str:
        return f"{self.prefix}holder:{holder_digest}"

    def booking(self, booking_id: str) -> str:
        return f"{self.prefix}booking:{booking_id}"

    def idempotency(self, key_id: str, key: str) -> str:
        return f"{self.prefix}idem:{key_id}:{digest(key)}"

    def hold_and_idempotency(self, hold_id: str, key_id: str, claim: IdempotencyClaim | None) -> tuple[str, str]:
        """The keys of a hold's record and of the idempotency record of a request about it."""
        return self.hold(hold_id), self.idempotency(key_id, claim.key) if claim else self.nothing

    def spans(self, resource: str) -> str:
        return f"{self.prefix}spans:{resource}"

    def mirror(self, booking_id: str, hold_id: str) -> list[str]:
        """The keys of mirror_booking. hold_id: '' for none."""
        return [self.booking(booking_id), self.hold(hold_id) if hold_id else self.nothing, self.pins, self.events]
