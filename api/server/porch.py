"""What the server and the app share to keep a crowd outside: a request that must wait costs the app nothing.

Without it an overloaded worker spends its time on letting requests in that it then cannot serve, and those that have a
turn wait for their next step behind all of them.
"""

from __future__ import annotations

from typing import Protocol

PORCH = "holdfast.porch"
"""In the app's `extensions`: its porch, if it has one."""
CAME = "holdfast.came"
"""In the environ of a request that passed the porch: when it came, by the monotonic clock."""
UNMETERED = frozenset({"/healthz", "/readyz"})
"""Paths that are answered whatever else goes on."""


class Porch(Protocol):
    """Lets a number of requests in, first come, first served."""

    def take(self, came: float) -> bool:
        """Waits for a place inside. False if the request has waited too long since it came."""

    def give_back(self) -> None:
        """The request no longer is inside."""
