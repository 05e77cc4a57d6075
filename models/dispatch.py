"""Changes of who comes: two visits that swap their technicians, and all visits of one technician given to others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pydantic import ConfigDict, Field

from models.booking import Booking, BookingReply
from models.details import Overrides
from models.fields import PlainId, Request, Shown
from models.times import Instant, Moment

SWAP: Final = "swap"
"""The action of a swap in the histories of both bookings. What it says is `with`: the other booking."""


class SwapRequest(Request):
    """Body of POST /bookings/{id}/swap.

    with: the other booking. override: the rules that staff lift for both visits.
    """

    model_config = ConfigDict(populate_by_name=True)

    with_: PlainId = Field(alias="with")
    override: Overrides = Field(default_factory=list)


class SwapReply(Shown):
    """Both bookings after a swap: the one of the path, then the other."""

    bookings: list[BookingReply]


class ReassignRequest(Request):
    """Body of POST /technicians/{id}/reassign: the visits in [from, to) go to others.

    dry_run: say what would be done, and do nothing.
    """

    model_config = ConfigDict(populate_by_name=True)

    from_: Moment = Field(alias="from")
    to: Moment
    dry_run: bool = False


class MovedVisit(Shown):
    """A visit that another technician gets."""

    booking_id: str
    property_id: str
    start: Instant
    end: Instant
    to_technician_id: str


class LeftVisit(Shown):
    """A visit that stays as it was, the code of the reason, and a sentence about it."""

    booking_id: str
    code: str
    detail: str


class Reassigned(Shown):
    """What became of the visits of a technician, by start; of a dry run, what would become of them."""

    moves: list[MovedVisit]
    left: list[LeftVisit]


class Swap(NamedTuple):
    """What a swap made of a booking: its version, and the other booking in the version that the swap made of that."""

    version: int
    with_id: str
    with_version: int


def assigned(booking: Booking, technician_ids: list[str]) -> Booking:
    """The booking with other technicians, its claims left as they are."""
    return booking.changed(technician_id=technician_ids[0], technician_ids=technician_ids)


def swaps_of(booking: Booking) -> Iterator[Swap]:
    """The swaps that made a booking what it is, oldest first."""
    before = booking.version - len(booking.history)
    for number, entry in enumerate(booking.history, 1):
        if entry["action"] == SWAP:
            other = entry["changes"]["with"]["to"]
            yield Swap(before + number, other["booking_id"], other["version"])


def swap_noted(other: Booking, swap_id: str) -> dict[str, tuple[Any, Any]]:
    """What the history of a booking says of its swap with another, which is given as it was before."""
    made = {"booking_id": other.booking_id, "version": other.version + 1, "swap_id": swap_id}
    return {"with": (None, made)}


def swapped_at(booking: Booking, swap_id: str) -> Swap | None:
    """The swap of this id among those of a booking."""
    ids = (entry["changes"]["with"]["to"]["swap_id"] for entry in booking.history if entry["action"] == SWAP)
    return next((swap for swap, found in zip(swaps_of(booking), ids, strict=True) if found == swap_id), None)
