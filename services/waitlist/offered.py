"""Waitlist entries for those who follow offers: as they were when an offer was made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.waitlist import WaitEntry


def as_of(entry: WaitEntry, version: int) -> WaitEntry:
    """The entry as it was at an earlier version. Data that was erased since is gone there too."""
    kept = max(1, len(entry.history) - (entry.version - version))
    values: dict[str, Any] = {}
    for later in reversed(entry.history[kept:]):
        values |= {name: sides["from"] for name, sides in later["changes"].items()}
    history = entry.history[:kept]
    return replace(entry, **values, version=version, updated_at=history[-1]["at"], history=history)


def last_offer(entry: WaitEntry) -> int | None:
    """The version that the latest offer made; None if there was none."""
    from_the_end = (number for number, each in enumerate(reversed(entry.history)) if each["action"] == "offer")
    number = next(from_the_end, None)
    return None if number is None else entry.version - number
