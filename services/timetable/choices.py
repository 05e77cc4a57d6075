"""What a wish may become under the rules. Pure: what is taken is not looked at."""

from __future__ import annotations

from typing import NamedTuple

from models.catalogue import Property, Technician
from models.slot import Choice, Visit, Wish
from services.timetable.grid import Span
from services.timetable.time_off import HiddenTimeOff


class Choices(NamedTuple):
    """What a wish may become.

    wish: with the units of its property. choices: in the order to try, by start, at least one.
    hidden: bars some technicians, as if somebody else had booked them. day: the ticks of the local date of the wished
    start; None where each choice has just the technicians that are needed.
    """

    wish: Wish
    choices: list[Choice]
    hidden: HiddenTimeOff
    day: Span | None = None

    def allow(self, visit: Visit) -> bool:
        """Whether a visit is among them, with nobody who is barred."""
        around, who = self.wish.travel(visit.start), visit.technician_ids
        if any(self.hidden.bars(each, around) for each in who):
            return False
        return any(self.wish.allows(choice, visit) for choice in self.choices if choice.start == visit.start)


def by_preference(fits: list[tuple[str, int]], technicians: list[Technician], site: Property) -> list[tuple[str, int]]:
    """Those who name the property's area first, then those who go everywhere, each by id."""
    ranks = {each.id: _rank(each, site) for each in technicians}
    return sorted(fits, key=lambda fit: (ranks[fit[0]], fit[0]))


def _rank(technician: Technician, site: Property) -> int:
    if not technician.areas:
        return 1
    return 0 if site.area in technician.areas else 2
