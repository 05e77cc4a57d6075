"""How many streams of live events each client address has open with the publishable key, in all processes together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from redis import Redis

from services.claims.keys import org_keys
from services.claims.scripts import Scripts
from services.stores.faults import redis_faults

SEAT_MS: Final = 40_000
"""A seat that is not kept lapses, because its process died."""


class Seats:
    """Every method raises RedisUnavailable."""

    def __init__(self, redis: Redis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    def take(self, org: str, address_digest: str, seat: str, most: int) -> bool:
        """Takes a seat, unless the address has so many."""
        return self._take(org, address_digest, most, [seat])

    def keep(self, org: str, address_digest: str, seats: Iterable[str]) -> None:
        """Keeps seats for another SEAT_MS."""
        self._take(org, address_digest, 0, seats)

    def leave(self, org: str, address_digest: str, seat: str) -> None:
        """Gives a seat back."""
        with redis_faults():
            self._redis.zrem(org_keys(org).watching(address_digest), seat)

    def _take(self, org: str, address_digest: str, most: int, seats: Iterable[str]) -> bool:
        names = org_keys(org)
        reply = self._scripts.run("take_seat", [names.watching(address_digest)], [most, SEAT_MS, *seats])
        return bool(reply[0] == "TAKEN")
