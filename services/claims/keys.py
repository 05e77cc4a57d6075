"""The names of everything that Holdfast keeps in Redis, and the marks that claim keys hold.

All keys of an org carry the hash tag `{org}`, so that one script may touch them all on Redis Cluster. Ids are plain
(`[A-Za-z0-9._-]`), so no id can break out of its part of a name.

| key | type | what | expires |
| --- | --- | --- | --- |
| <resource>:<tick> | string | the mark of the owner of this tick: a claim | with hold, pin or visit |
| spans:<resource> | zset | the same in few words: a member for each owner, by its first tick | with the last of them |
| hold:<hold id> | hash | the hold's record | an hour after its end, or ten minutes |
| booking:<booking id> | hash | version, spans and holder last mirrored | an hour after the visit or an earlier end |
| holder:<digest> | zset | live holds of one holder, by expiry | a day |
| address:<digest> | zset | live holds of one client address with the publishable key, by expiry | a day |
| strangers | zset | all live holds of the publishable key, by expiry | a day |
| booked:<digest>:<day> | string | how many bookings one such address has made on a UTC day | two days |
| watching:<digest> | zset | open streams of one such address, by expiry | 40 seconds after the last is kept |
| pins | zset | holds that are being confirmed, by the deadline of their outcome | never |
| idem:<key id>:<digest> | hash | the request of an idempotency key, its answer | 24 hours, or as the hold |
| epoch | string | absent: the mirror is not whole; changed: the catalogue has to be read again | never |
| rebuild | string | token of the rebuild under way | 60 seconds |
| events | stream | live changes, capped | never |

A resource is `p:<property id>` or `t:<technician id>` here: a hold has many claims, and each letter counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final, Literal, NamedTuple

from models.access import IdempotencyClaim
from models.slot import PROPERTY, TECHNICIAN

PREFIX = "hf3:"
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


def read_mark(mark: str, start: int, end: int, expires_in_ms: int) -> Mark:
    """Reads a mark: a letter for its state, and its owner. A claim that is being confirmed or moved to counts as held,
    and its expiry promises nothing."""
    letter, owner = mark[0], mark[2:]
    if letter in "br":
        return Mark("booked", owner, start, end, None, letter == "r")
    return Mark("held", owner, start, end, expires_in_ms if letter == "h" else None)


def live_marks(members: list[str], now_ms: int) -> list[Mark]:
    """Reads the members that show the spans of a resource, without those whose time is over."""
    found = []
    for member in members:
        mark, start, length, expires = member.rsplit("|", 3)
        left = int(expires) - now_ms
        if left > 0:
            found.append(read_mark(mark, int(start), int(start) + int(length), left))
    return found


_LETTERS: Final = {PROPERTY: "p", TECHNICIAN: "t"}
_KINDS: Final = {letter: kind for kind, letter in _LETTERS.items()}


def resource_key(resource: str) -> str:
    """The name in Redis of a resource `property:<id>` or `technician:<id>`."""
    kind, _, resource_id = resource.partition(":")
    return f"{_LETTERS[kind]}:{resource_id}"


def resource_of(name: str) -> tuple[str, str]:
    """The kind and the id of a resource by its name in Redis."""
    letter, _, resource_id = name.partition(":")
    return _KINDS[letter], resource_id


def spans_text(spans: Iterable[tuple[str, int, int]]) -> str:
    """Spans of resources, in ticks, as records have them: the property's, those of its units, then the technicians'."""
    return " ".join(f"{resource_key(resource)} {start} {end}" for resource, start, end in spans)


def digest(*parts: str) -> str:
    """A short name of fixed length for text that must not stand in a key: holders, addresses, idempotency keys."""
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def reference(name: str) -> str:
    """What stands in live events in place of a hold's name, which is a part of a credential, and, for strangers, of a
    booking's id."""
    return digest("ref", name)


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

    def watching(self, address_digest: str) -> str:
        return f"{self.prefix}watching:{address_digest}"

    def spans(self, resource: str) -> str:
        return f"{self.prefix}spans:{resource_key(resource)}"

    def claim(self, resource: str, tick: int) -> str:
        return f"{self.prefix}{resource_key(resource)}:{tick}"

    def mirror(self, bookings: Iterable[tuple[str, str]]) -> list[str]:
        """The keys of mirror_booking for some bookings, by the ids of each and of its hold; '' for none."""
        keys = [self.pins, self.events]
        for booking_id, hold_id in bookings:
            keys += (self.booking(booking_id), self.hold(hold_id) if hold_id else self.nothing)
        return keys
