"""How writes of bookings end, in the words of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from models.booking import Booking
from models.errors import StoreUnavailable

DEFINITELY_REFUSED: Final = frozenset({121, 10334, 17419})
"""MongoDB's codes for a document that its validator refuses, or that is too large."""


@dataclass(frozen=True, slots=True)
class Insert:
    """How an insert ended.

    inserted: it was written. repeated: its _id was there already, and `booking` is that booking as it is now. taken:
    another booking has one of its claims.
    """

    outcome: Literal["inserted", "repeated", "taken"]
    booking: Booking | None = None


class WriteRefused(Exception):
    """MongoDB refused the document itself, which is a fault of ours. It was definitely not written."""


class NothingSent(StoreUnavailable):
    """MongoDB could not be reached, so the write was definitely not made."""


class GridChanged(NothingSent):
    """The database has another time grid, so its claims mean other times. advice: what an operator should do."""

    def __init__(self, minutes: int) -> None:
        super().__init__()
        self.advice = (
            f"This database has a grid of {minutes} minutes: set HOLDFAST_GRID_MINUTES to {minutes}, "
            "or use an empty database."
        )


class ClaimsTaken(Exception):
    """The unique index refused a change, because another active booking has one of its claims."""


class Unclear(Exception):
    """Whether a document was written, or will be, is open. Its cause says why."""
