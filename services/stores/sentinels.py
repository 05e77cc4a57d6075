"""Asks Sentinels for the address of the master, and never for long."""

from __future__ import annotations

from typing import Any

from redis import Redis, Sentinel
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from services.stores.silence import Silence, answers_of

State = dict[str, Any]
"""What a Sentinel says about a master."""


class Sentinels(Sentinel):
    """Sentinels that are asked all at once. If none names a master, no call asks them again for a second."""

    def __init__(self, hosts: list[tuple[str, int]], seconds: float, **options: Any) -> None:
        """seconds: how long a Sentinel may take to accept a connection, and to answer. options: of the master's."""
        quick = {
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "retry": Retry(NoBackoff(), 0),  # the library's own default is 10 retries of each Sentinel
            "protocol": options.get("protocol"),
            "driver_info": None,
        }
        super().__init__(hosts, sentinel_kwargs=quick, **options)  # type: ignore[no-untyped-call]
        self._silence = Silence()

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """The address of the master, as the latest failover made it of which a majority of the Sentinels knows, or all
        that answer. Raises MasterNotFoundError."""
        if self._silence.lasts():
            raise MasterNotFoundError("No Sentinel named a master a moment ago.")
        named: list[State] = []
        for state in answers_of(self.sentinels, lambda sentinel: self._state(sentinel, service_name)):
            named.append(state)
            if len(named) > len(self.sentinels) // 2:
                break
        if not named:
            self._silence.begin()
            raise MasterNotFoundError(f"No Sentinel names a master for {service_name!r}.")
        self._silence.end()
        # A Sentinel that is cut from the others still names the master before the failover.
        latest = max(named, key=lambda state: int(state["config-epoch"]))
        return str(latest["ip"]), int(latest["port"])

    def _state(self, sentinel: Redis, service_name: str) -> State | None:
        """What one Sentinel says; None if it knows no such master that is up."""
        masters: Any = sentinel.sentinel_masters()
        state: State | None = masters.get(service_name)
        is_up = state and self.check_master_state(state, service_name)  # type: ignore[no-untyped-call]
        return state if is_up else None
