"""Asks Sentinels for the address of the master, and never for long."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Queue
from typing import Any

from redis import Redis, Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from services.stores.silence import Silence

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
        answers: Queue[State | None] = Queue()
        for sentinel in self.sentinels:
            threading.Thread(target=self._ask, args=[sentinel, service_name, answers], daemon=True).start()
        named: list[State] = []
        for _ in self.sentinels:
            state = answers.get()
            if state is not None:
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

    def _ask(self, sentinel: Redis, service_name: str, answers: Queue[State | None]) -> None:
        """Puts one answer: None if the Sentinel gives none, or knows no master that is up."""
        answer: State | None = None
        try:
            with suppress(RedisError):
                masters: Any = sentinel.sentinel_masters()
                state = masters.get(service_name)
                if state and self.check_master_state(state, service_name):  # type: ignore[no-untyped-call]
                    answer = state
        finally:
            answers.put(answer)
