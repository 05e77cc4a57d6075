"""Who wants no texts. The only writer of `opt_outs`.

Only a keyed hash of the phone is kept, so the list names nobody. It outlives an erasure of the person, who would else
be written to again.
"""

from __future__ import annotations

from collections.abc import Callable

from pymongo.database import Database

from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults


class OptOuts:
    """The opt-outs of all orgs. phone: E.164. Everything may raise StoreUnavailable.

    digest: a keyed hash of an org and a phone.
    """

    def __init__(self, db: Database[Document], digest: Callable[[str, str], str], clock: Clock) -> None:
        self._opt_outs = db["opt_outs"]
        self._digest = digest
        self._clock = clock

    def add(self, org: str, phone: str) -> None:
        """Lets no more texts of an org go to a phone."""
        noted = {"$setOnInsert": {"org": org, "at": self._clock()}}
        with mongo_faults():
            self._opt_outs.update_one({"_id": self._digest(org, phone)}, noted, upsert=True)

    def remove(self, org: str, phone: str) -> None:
        """Lets texts go to a phone again."""
        with mongo_faults():
            self._opt_outs.delete_one({"_id": self._digest(org, phone)})

    def includes(self, org: str, phone: str) -> bool:
        """Whether a phone gets no texts."""
        with mongo_faults():
            return self._opt_outs.find_one({"_id": self._digest(org, phone)}, {"_id": 1}) is not None
