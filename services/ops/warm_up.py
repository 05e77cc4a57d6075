"""Reads ahead what requests will want, in the background: a request then waits for no MongoDB, nor needs one.

With MongoDB down a hold goes on from memory, which should not depend on what a process was asked before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from models.errors import StoreUnavailable
from services.access.authentication import Access
from services.catalogue.reader import Catalogue

log = structlog.get_logger("holdfast.stores")

MOST_ORGS = 200


class Warming:
    """Fills what a process remembers. What cannot be read is left to the requests that want it."""

    def __init__(
        self,
        access: Access,
        catalogue: Catalogue,
        orgs: Callable[[], list[str]],
        epoch: Callable[[str], str | None],
    ) -> None:
        self._access = access
        self._catalogue = catalogue
        self._orgs = orgs
        self._epoch = epoch

    def start(self) -> None:
        """Runs in a thread of its own, for a process that has just started."""
        threading.Thread(target=self.run, name="warming", daemon=True).start()

    def run(self) -> None:
        """Reads the keys and the orgs' catalogues, until all is there or MongoDB does not answer."""
        try:
            self._access.warm()
            for org in self._orgs()[:MOST_ORGS]:
                # Under today's epoch: else the first hold would find it changed and throw all of this away.
                self._catalogue.forget(org, self._epoch(org))
                self._catalogue.warm(org)
        except StoreUnavailable:
            log.warning("warming_given_up")
