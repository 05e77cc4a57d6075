"""The names of everything that Holdfast keeps in Redis, and the marks that claim keys hold.

All keys of an org carry the hash tag `{org}`, so that one script may touch them all on Redis Cluster. Ids are plain
(`[A-Za-z0-9._-]`), so none can break out of its place in a name.

| key | type | what | expires |
| --- | --- | --- | --- |
| claim:<resource>:<tick> | string | mark of the one who has this tick | with hold, pin or visit |
| hold:<hold id> | hash | the hold's record | an hour after its end |
| booking:<booking id> | hash | version and claims last mirrored | an hour after the visit |
| holder:<digest> | zset | live holds of one holder, by expiry | a day |
| pins | zset | holds being confirmed, by the deadline of their outcome | never |
| idem:<key id>:<digest> | hash | the request that an idempotency key belongs to, its answer | 24 hours |
| epoch | string | absent: the mirror is not whole; changed: reload catalogue | never |
| rebuild | string | token of the rebuild under way | 60 seconds |
| events | stream | live changes, capped | never |
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from models.slot import Visit

PREFIX = "hf:"
PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Mark:
    """Who has one tick of a resource, and the whole span that they have there, in ticks.

    pending: of a reservation, which may have run out or been decided otherwise in MongoDB.
    """

    state: Literal["held", "booked"]
    owner: str
    start: int
    end: int
    expires_in_ms: int | None = None
    pending: bool = False


def parse_mark(value: str, expires_in_ms: int | None = None) -> Mark:
    """Reads a mark; a claim that is being confirmed or moved to counts as held. Its time to live is then no promise."""
    state, owner, start, end, _version, *notes = value.split("|")
    if state == "booked":
        return Mark("booked", owner, int(start), int(end), pending=notes == [PENDING])
    return Mark("held", owner, int(start), int(end), expires_in_ms if state == "held" else None)


def booked_mark(booking_id: str, span: tuple[int, int], version: int, *, pending: bool = False) -> str:
    """The mark of a booking's claim; pending: the booking is a reservation."""
    mark = f"booked|{booking_id}|{span[0]}|{span[1]}|{version}"
    return f"{mark}|{PENDING}" if pending else mark


def digest(*parts: str) -> str:
    """A short fixed-length name for text that may not appear in a key: holders, addresses, idempotency keys."""
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


class OrgKeys:
    """The key names of one org."""

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

    def booking(self, booking_id: str) -> str:
        return f"{self.prefix}booking:{booking_id}"

    def holder(self, holder_digest: str) -> str:
        return f"{self.prefix}holder:{holder_digest}"

    def idempotency(self, key_id: str, key: str) -> str:
        return f"{self.prefix}idem:{key_id}:{digest(key)}"

    def claims(self, resource: str, start: int, end: int) -> list[str]:
        """The claim keys of a resource's ticks [start, end)."""
        stem = f"{self.prefix}claim:{resource}:"
        return [f"{stem}{tick}" for tick in range(start, end)]

    def visit_claims(self, visit: Visit) -> list[str]:
        """Every claim key of a visit, the property's first."""
        return [key for span in visit.spans() for key in self.claims(*span)]


def resource_of(claim_key: str) -> tuple[str, str]:
    """The (kind, id) that a claim key is about."""
    kind, resource_id, _tick = claim_key.rsplit(":", 3)[1:]
    return kind, resource_id
