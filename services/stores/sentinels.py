"""Asks Sentinels for the address of the master, and never for long."""

from __future__ import annotations

from typing import Any

from redis import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from services.stores.silence import Silence

ASKED = 3
"""So many Sentinels may stay silent, each for the whole time-out. With more Sentinels each gets less time."""


class Sentinels(Sentinel):
    """Sentinels that are asked one after another. If none names a master, no call asks them again for a second."""

    def __init__(self, hosts: list[tuple[str, int]], seconds: float, **options: Any) -> None:
        """seconds: how long a Sentinel may take to accept a connection, and to answer. options: of the master's."""
        each = min(seconds, seconds * ASKED / len(hosts))
        quick = {
            "socket_timeout": each,
            "socket_connect_timeout": each,
            "retry": Retry(NoBackoff(), 0),  # the library's own default is 10 retries of each Sentinel
            "protocol": options.get("protocol"),
            "driver_info": None,
        }
        super().__init__(hosts, sentinel_kwargs=quick, **options)  # type: ignore[no-untyped-call]
        self._silence = Silence()

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """The address of the master. Raises MasterNotFoundError."""
        if self._silence.lasts():
            raise MasterNotFoundError("No Sentinel named a master a moment ago.")
        try:
            address: tuple[str, int] = super().discover_master(service_name)  # type: ignore[no-untyped-call]
        except RedisError:
            self._silence.begin()
            raise
        self._silence.end()
        return address
