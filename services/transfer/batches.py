"""What became of one batch of an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that was not written.

    taken: the unique index refused the booking; `by` holds the ids of the bookings in its way that still exist.
    another_org: its id belongs to a booking of another org.
    differs: another client has meanwhile made a property, technician or service with this id and other values.
    refused: the rules of buildings and units forbid it; `detail` says why.
    invalid: MongoDB's validator refused the document, which is an error in this program.
    """

    id: str
    why: Literal["taken", "another_org", "differs", "refused", "invalid"]
    by: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """The numbers of new, changed and already present records, and the refused records.

    left_to_relay: the number of bookings that Redis did not take, so that the relay has to mirror them.
    """

    new: int
    present: int
    refused: list[Refused]
    changed: int = 0
    left_to_relay: int = 0
