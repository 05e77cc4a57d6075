"""How a write of the catalogue reaches every process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from models.errors import StoreUnavailable
from services.catalogue.reader import Catalogue
from services.stores.faults import mongo_faults


class Announcing:
    """cached: this process's own copy, which a write drops. announce: publishes an org's change to all processes."""

    def __init__(self, cached: Catalogue, announce: Callable[[str], None]) -> None:
        self._cached = cached
        self._announce = announce

    def announce(self, org: str) -> None:
        """From when this returns, no process decides by an older catalogue. Raises StoreUnavailable."""
        self._cached.forget(org, None)
        self._announce(org)

    @contextmanager
    def changing(self, org: str) -> Iterator[None]:
        """Announces the write in its block, also one with an unknown outcome. A refused write changes nothing."""
        try:
            with mongo_faults():
                yield
        except StoreUnavailable:
            self._spread(org)
            raise
        self._spread(org)

    def _spread(self, org: str) -> None:
        with suppress(StoreUnavailable):  # without Redis, the relay announces the change
            self.announce(org)
