"""Narrows a long list of visits down to those that look free, before a script is asked for one of them.

Reads only the spans that Redis keeps for each resource: the property's first, and then those of the technicians who are
still needed. What looks free may be taken a moment later, so only the script of a hold decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.slot import Visit, Wish
from services.availability.masks import masks_of
from services.claims.keys import Mark
from services.claims.mirror import Mirror
from services.claims.placements import Obstacle
from services.timetable.grid import ones, runs
from services.timetable.time_off import HiddenTimeOff

Shown = dict[str, list[Mark]]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: visits that may be had, in the order to try, and what is in the way at the wished start."""

    visits: list[Visit]
    obstacles: list[Obstacle]


def look(
    mirror: Mirror,
    org: str,
    wish: Wish,
    visits: list[Visit],
    hidden: HiddenTimeOff,
    *,
    holder: bool,
    spared: str = "",
) -> Looked:
    """Looks at visits of a wish, sorted by start, in two round trips to Redis. Raises StoreUnavailable.

    hidden: bars some of the visits. holder: the request names a holder, so a visit that may be the holder's own hold is
    kept, and comes first. spared: the owner of marks that are in no way.
    """
    site, first, last = visits[0].property_resource, visits[0].start, visits[-1].end
    shown = _without(spared, mirror.read_spans(org, [site], first, last).taken)
    open_ = _free_starts(shown[site], first, last, wish.length)
    wished = [visit for visit in visits if visit.start == wish.start]
    left = [visit for visit in visits if open_ >> visit.start - first & 1]
    own_slots = {(mark.start, mark.end) for mark in shown[site] if mark.state == "held"} if holder else set()
    kept = [visit for visit in visits if (visit.start, visit.end) in own_slots]
    technicians = list(dict.fromkeys(visit.technician_resource for visit in [*wished, *kept, *left]))
    begin, end = first - wish.before, last + wish.after
    shown |= _without(spared, mirror.read_spans(org, technicians, begin, end).taken)
    width = wish.before + wish.length + wish.after
    free = {name: _free_starts(shown[name], begin, end, width) for name in technicians}
    return Looked(
        [visit for visit in kept if _may_be_one_hold(visit, shown)]
        + [
            visit
            for visit in left
            if free[visit.technician_resource] >> visit.start - first & 1 and not hidden.bars(visit)
        ],
        _obstacles(wished, shown),
    )


def _without(owner: str, shown: Shown) -> Shown:
    return {name: [mark for mark in marks if mark.owner != owner] for name, marks in shown.items()}


def _free_starts(marks: list[Mark], from_tick: int, to_tick: int, width: int) -> int:
    """The ticks at which `width` free ticks begin, as a mask from from_tick on."""
    return runs(ones(to_tick - from_tick) & ~masks_of(marks, from_tick, to_tick).taken, width)


def _may_be_one_hold(visit: Visit, shown: Shown) -> bool:
    """Whether one hold has exactly this visit."""
    owners = [
        {mark.owner for mark in shown[resource] if mark.state == "held" and (mark.start, mark.end) == (start, end)}
        for resource, start, end in visit.spans()
    ]
    return bool(set.intersection(*owners))


def _obstacles(visits: list[Visit], shown: Shown) -> list[Obstacle]:
    """What is in the way of some visits, each mark once."""
    found: dict[tuple[str, str], Obstacle] = {}
    for visit in visits:
        for resource, start, end in visit.spans():
            kind, _, name = resource.partition(":")
            for mark in shown[resource]:
                if mark.start < end and start < mark.end:
                    found.setdefault((resource, mark.owner), Obstacle(kind, name, mark))
    return list(found.values())
