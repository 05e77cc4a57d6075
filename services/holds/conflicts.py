"""Says why a slot cannot be had: which resources are taken, for how long, and which other slots are free."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from models.access import STAFF, STRANGERS
from models.booking import Booking
from models.errors import NoSlotAvailable, Refusal, SlotBooked, SlotHeld
from models.slot import PROPERTY, TECHNICIAN, Block, Opening, Visit, Wish
from services.claims.hold_records import HoldRecord
from services.claims.keys import Mark
from services.claims.placements import Asker, Obstacle
from services.timetable.grid import Grid
from services.timetable.time_off import HiddenTimeOff

IdOf = Callable[[HoldRecord], str]
OWN_BOOKING = "You have booked a part of this time yourself. Change or cancel that booking, or choose another time."
OWN_HOLD = "You are holding a part of this time yourself. Book that hold, or release it first."


def refusal(
    wish: Wish,
    asker: Asker,
    tried: Collection[str],
    obstacles: list[Obstacle],
    *,
    openings: list[Opening],
    grid: Grid,
    id_of: IdOf,
) -> Refusal:
    """The refusal of a slot that is taken. It names every resource in the way, and no person.

    tried: the technicians of the choice at the requested start. The code is slot_held if waiting could help, else
    slot_booked; for a search that found nothing it is no_slot_available.
    """
    members: dict[str, Any] = {"conflicts": conflicts(obstacles, wish, asker, grid, id_of)}
    if wish.suggest:
        members |= {"next_available": openings}
    if wish.fallback:
        return NoSlotAvailable(**members)
    if _is_booked(wish, tried, obstacles):
        return SlotBooked(OWN_BOOKING if _has_own_booking(obstacles, asker) else None, **members)
    return SlotHeld(OWN_HOLD if all(_is_own(obstacle, asker) for obstacle in obstacles) else None, **members)


def conflicts(
    obstacles: list[Obstacle], wish: Wish, asker: Asker, grid: Grid, id_of: IdOf | None = None
) -> list[Block]:
    """The obstacles as clients see them: the property's first, then by technician and time. Staff see the id of the
    hold or booking; a stranger sees of another visit's time only what it asked for itself.

    id_of: gives a hold's id; None where no obstacle is a hold.
    """
    obstacles = sorted(obstacles, key=lambda each: (each.kind == TECHNICIAN, each.id, each.mark.start))
    if asker.role in STRANGERS:
        obstacles = [_clipped(obstacle, wish) for obstacle in obstacles]
    return [_block(obstacle, asker, grid, id_of) for obstacle in obstacles]


def _clipped(obstacle: Obstacle, wish: Wish) -> Obstacle:
    """The part of an obstacle that lies within the wished visit: for a technician, with the travel around it."""
    place, mark = (wish.start, wish.start + wish.length), obstacle.mark
    first, last = wish.travel(wish.start) if obstacle.kind == TECHNICIAN else place
    return replace(obstacle, mark=mark._replace(start=max(mark.start, first), end=min(mark.end, last)))


def obstacles_of(visit: Visit, bookings: list[Booking]) -> list[Obstacle]:
    """The obstacles that some bookings of MongoDB are to a visit."""
    found = []
    for booking in bookings:
        for resource, start, end in visit.spans():
            ticks = [tick for name, tick in booking.claims if name == resource]
            if any(start <= tick < end for tick in ticks):
                kind, _, name = resource.partition(":")
                mark = Mark("booked", booking.booking_id, min(ticks), max(ticks) + 1)
                found.append(Obstacle(kind, name, mark, holder_digest=booking.holder_digest or ""))
    return found


def with_time_off(
    obstacles: list[Obstacle], wish: Wish, tried: Collection[str], hidden: HiddenTimeOff
) -> list[Obstacle]:
    """The obstacles to the visits of some technicians at the wished start, and as bookings the hidden time off where no
    other obstacle is."""
    found, around = list(obstacles), wish.travel(wish.start)
    for who in (each for each in tried if hidden.bars(each, around)):
        of_technician = (each.mark for each in obstacles if (each.kind, each.id) == (TECHNICIAN, who))
        for start, end in hidden.gaps(who, around, ((mark.start, mark.end) for mark in of_technician)):
            found.append(Obstacle(TECHNICIAN, who, Mark("booked", "", start, end)))
    return found


def _is_booked(wish: Wish, tried: Collection[str], obstacles: list[Obstacle]) -> bool:
    """Whether bookings alone leave too little for the visit."""
    booked = {(obstacle.kind, obstacle.id) for obstacle in obstacles if obstacle.mark.state == "booked"}
    if any(kind == PROPERTY for kind, _ in booked):
        return True
    return bool(tried) and sum((TECHNICIAN, who) not in booked for who in tried) < wish.needed


def _is_own(obstacle: Obstacle, asker: Asker) -> bool:
    return asker.holder_digest != "" and obstacle.holder_digest == asker.holder_digest


def _has_own_booking(obstacles: list[Obstacle], asker: Asker) -> bool:
    """Whether the asker's own bookings make the slot booked: those of the property, if it is booked at all."""
    booked = [each for each in obstacles if each.mark.state == "booked"]
    of_property = [each for each in booked if each.kind == PROPERTY]
    return all(_is_own(each, asker) for each in of_property or booked)


def _block(obstacle: Obstacle, asker: Asker, grid: Grid, id_of: IdOf | None) -> Block:
    mark, hold, is_staff = obstacle.mark, obstacle.hold, asker.role in STAFF
    return Block(
        kind=obstacle.kind,
        id=obstacle.id,
        state=mark.state,
        start=grid.moment(mark.start),
        end=grid.moment(mark.end),
        retry_after_seconds=None if mark.expires_in_ms is None else max(1, math.ceil(mark.expires_in_ms / 1000)),
        yours=True if _is_own(obstacle, asker) else None,
        hold_id=id_of(hold) if is_staff and id_of and hold and not hold.direct else None,
        booking_id=mark.owner if is_staff and mark.state == "booked" else None,
    )
