"""Counts what an operation costs: requests to Redis, by Redis itself, and the commands that MongoDB is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from services.access.api_keys import API_KEYS
from tests.world import World


class Heard(CommandListener):
    """The names of the commands that a client sent to MongoDB, without the background's look at the API keys."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command.get(event.command_name) != API_KEYS:
            self.commands.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to learn."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to learn."""


@dataclass(frozen=True)
class Cost:
    """redis: requests that Redis read from its clients; scripts: how many of them ran one; mongo: commands sent."""

    redis: int
    scripts: int
    mongo: list[str]


@dataclass
class Till:
    """A world whose stores are watched."""

    world: World
    heard: Heard
    watcher: Any

    def cost_of(self, act: Callable[[], object]) -> Cost:
        """What it costs to do this."""
        self.heard.commands.clear()
        reads, scripts = self._counters()
        act()
        reads_after, scripts_after = self._counters()
        own = 2  # the watcher's own questions: INFO stats of the second look, and INFO commandstats of the first
        return Cost(reads_after - reads - own, scripts_after - scripts, list(self.heard.commands))

    def _counters(self) -> tuple[int, int]:
        reads = int(self.watcher.info("stats")["total_reads_processed"])
        calls = self.watcher.info("commandstats")
        return reads, sum(calls.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval"))
