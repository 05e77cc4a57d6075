"""Customers who go on booking at two API servers while the network parts, and keep every answer."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from types import TracebackType
from typing import Self

from scripts.load.client.crowd import carry
from scripts.load.client.steps import Exchange, Pause, Play
from scripts.load.client.target import Target
from scripts.load.players import plays
from scripts.load.players.person import Person
from scripts.load.scenarios.stage import HOURS, Scenario, World, person

REPLY_SECONDS = 10.0
"""An answer that takes longer counts as none."""
AT_EACH: tuple[tuple[str, Callable[[Person], Play]], ...] = (
    ("web", plays.checkout),
    ("sms", plays.checkout),
    ("desk", plays.at_the_desk),
    ("desk", plays.calls_off),
)
"""The customers at each server. Each keeps to its play: one that holds waits for a Redis that is away, and one that
cancels too, while one that books directly goes on."""
THINKS = (0.1, 0.3)
AGAIN = 0.2
"""The share of wishes for a slot that an earlier customer wanted."""

WISHES_A_SECOND = 40
"""More than the customers at two servers can have, because each of them thinks before the next one."""


def stage(seconds: float) -> Scenario:
    """The objects that a case of so many seconds needs: a slot for each wish."""
    pairs = math.ceil(seconds * WISHES_A_SECOND / HOURS)
    return Scenario("drill", "customers book while the network parts", pairs, pairs, lambda *_: [])


class Crowd:
    """The customers, at work within the block. seen: what they saw, by server."""

    def __init__(self, servers: Sequence[Target], world: World, seed: str) -> None:
        self.seen: list[list[Exchange]] = [[] for _ in servers]
        self.began = self.ended = 0.0
        self._over = threading.Event()
        self._world, self._seed = world, seed
        self._numbers, self._slots = count(), count()
        self._threads = [
            threading.Thread(target=self._carry, args=(at, server), daemon=True) for at, server in enumerate(servers)
        ]

    def __enter__(self) -> Self:
        self.began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.ended = time.monotonic()
        for thread in self._threads if error is None else []:
            thread.join()

    @property
    def exchanges(self) -> list[Exchange]:
        """What all saw, in order of the answers."""
        return sorted((each for seen in self.seen for each in seen), key=lambda each: each.received)

    def _carry(self, at: int, server: Target) -> None:
        customers = [
            self._customer(role, play, random.Random(f"{self._seed}:{at}:{number}"))
            for number, (role, play) in enumerate(AT_EACH)
        ]
        self.seen[at] = carry(server.address, customers, lambda _: time.monotonic(), REPLY_SECONDS)

    def _customer(self, role: str, play: Callable[[Person], Play], rng: random.Random) -> Play:
        """One after the other in this role: each wants a slot of its own, or one that an earlier customer wanted."""
        while not self._over.is_set():
            yield Pause(rng.uniform(*THINKS))
            at = next(self._slots)
            wanted = self._world.numbered_slot(rng.randrange(at + 1) if rng.random() < AGAIN else at)
            yield from person(self._world, next(self._numbers), wanted, role=role, play=play).perform()
