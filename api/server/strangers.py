"""How many connections of one address have not shown a known key yet, in one worker."""

from __future__ import annotations

from collections import Counter

KNOWN_KEY = "holdfast.known_key"
"""In the environ of a request, where a server counts strangers: the app calls it once it knows the request's key."""


class Strangers:
    """Admits at most `most` such connections for each address; None admits all of them."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._open: Counter[str] = Counter()
        self._distrusted: set[str] = set()

    def enter(self, address: str) -> bool:
        """Counts one connection. False, and nothing is counted, where the address has all that it may."""
        if self._most is not None and self._open[address] >= self._most:
            return False
        self._open[address] += 1
        return True

    def leave(self, address: str) -> None:
        """The connection is closed, or it has shown a known key."""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]
            self._distrusted.discard(address)

    def distrust(self, address: str) -> None:
        """A connection above the bound showed no known key. The address gets no more of them until it has none open."""
        if address in self._open:
            self._distrusted.add(address)

    def trusts(self, address: str) -> bool:
        """Whether a connection above the bound may yet show a known key."""
        return address not in self._distrusted
