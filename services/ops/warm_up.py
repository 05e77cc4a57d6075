"""Fills a new worker's memory in the background, so that its first requests need not wait for MongoDB.

While MongoDB is down, holds go on from memory. That must not depend on which requests the worker served before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from models.errors import StoreUnavailable
from services.access.authentication import Access
from services.catalogue.reader import Catalogue

log = structlog.get_logger()

MOST_ORGS = 200


class Warming:
    """Reads the keys and catalogues of a process ahead. Requests read whatever it could not read."""

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
        """Runs it in a thread of its own."""
        threading.Thread(target=self.run, name="warming", daemon=True).start()

    def run(self) -> None:
        """Reads the keys and the catalogues of up to MOST_ORGS orgs; ends early if a store does not answer."""
        try:
            self._access.warm()
            for org in self._orgs()[:MOST_ORGS]:
                # With the present epoch, or the first hold would take it for a changed one and read everything again.
                self._catalogue.forget(org, self._epoch(org))
                self._catalogue.warm(org)
        except StoreUnavailable:
            log.warning("warming_given_up")
