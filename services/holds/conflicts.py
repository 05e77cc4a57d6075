"""Says why a slot cannot be had: which resources are taken, for how long, and which other slots are free."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from models.access import STRANGERS, Role
from models.booking import Booking
from models.errors import NoSlotAvailable, Refusal, SlotBooked, SlotHeld
from models.slot import PROPERTY, TECHNICIAN, Block, Opening, Visit, Wish
from services.claims.keys import Mark
from services.claims.placements import Obstacle
from services.timetable.grid import Grid


def refusal(
    wish: Wish,
    role: Role,
    technicians: set[str],
    obstacles: list[Obstacle],
    *,
    openings: list[Opening],
    grid: Grid,
) -> Refusal:
    """The refusal of a slot that is taken. It names every resource in the way, and no person.

    role: of the caller. technicians: the ids that were tried at the requested start. The code is slot_held if waiting
    could help, else slot_booked; for a search that found nothing it is no_slot_available.
    """
    members: dict[str, Any] = {"conflicts": conflicts(obstacles, wish, role, grid)}
    if wish.suggest:
        members |= {"next_available": openings}
    if wish.fallback:
        return NoSlotAvailable(**members)
    return SlotBooked(**members) if _is_booked(technicians, obstacles) else SlotHeld(**members)


def conflicts(obstacles: list[Obstacle], wish: Wish, role: Role, grid: Grid) -> list[Block]:
    """The obstacles as clients see them. A stranger sees of another visit's time only what it asked for itself."""
    if role in STRANGERS:
        obstacles = [_clipped(obstacle, wish) for obstacle in obstacles]
    return [_block(obstacle, grid) for obstacle in obstacles]


def _clipped(obstacle: Obstacle, wish: Wish) -> Obstacle:
    """The part of an obstacle that lies within the wished visit: for a technician, with the travel around it."""
    mark, (_, first, last) = obstacle.mark, wish.at(wish.start, obstacle.id).spans()[obstacle.kind == TECHNICIAN]
    return replace(obstacle, mark=replace(mark, start=max(mark.start, first), end=min(mark.end, last)))


def obstacles_of(visit: Visit, bookings: list[Booking]) -> list[Obstacle]:
    """The obstacles that some bookings of MongoDB are to a visit."""
    found = []
    for booking in bookings:
        for resource, start, end in visit.spans():
            ticks = [tick for name, tick in booking.claims if name == resource]
            if any(start <= tick < end for tick in ticks):
                kind, _, name = resource.partition(":")
                found.append(Obstacle(kind, name, Mark("booked", booking.booking_id, min(ticks), max(ticks) + 1)))
    return found


def _is_booked(technicians: set[str], obstacles: list[Obstacle]) -> bool:
    booked = {(obstacle.kind, obstacle.id) for obstacle in obstacles if obstacle.mark.state == "booked"}
    if any(kind == PROPERTY for kind, _ in booked):
        return True
    return bool(technicians) and all((TECHNICIAN, technician) in booked for technician in technicians)


def _block(obstacle: Obstacle, grid: Grid) -> Block:
    mark = obstacle.mark
    wait = None if mark.expires_in_ms is None else max(1, math.ceil(mark.expires_in_ms / 1000))
    return Block(obstacle.kind, obstacle.id, mark.state, grid.moment(mark.start), grid.moment(mark.end), wait)
