"""The starts that the catalogue and the policy allow, as masks. Must not look at bookings or holds.

The rules, in the order in which a refusal names the first one that forbids a start:
1. The start is not before now plus the lead time, nor after now plus `horizon_days` times 24 hours.
2. No moment of the visit is on a blackout date, by the property's local dates.
3. The visit [start, end) lies within the technician's working hours. Travel may lie outside of them.
4. The visit with its travel touches no time off of the technician.

Before them, and here alone, it is decided who may be sent: a technician whose `areas` have the area of the property and
whose `skills` have the skill of the service. A property without an area is open to everybody, and so is a service
without a skill. An empty list means everywhere, or everything. Ids are compared exactly.

Staff may lift who may be sent, and the first three rules, for one visit; models.details has the words.

Discreet rules hide the fourth from a stranger: they allow such a start, and `hidden` says which ticks count as booked.

A single hold and whole days of availability use the same rules.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime, timedelta
from typing import NamedTuple

from models.catalogue import Policy, Property, Technician
from models.details import Override
from models.errors import OutsideWorkingHours, Refusal, TechnicianUnavailable, TooFarAhead, TooSoon
from services.timetable.grid import ones, runs
from services.timetable.working_hours import Timetable

LONGEST_VISIT = timedelta(days=3)
"""No visit with its travel lasts longer."""
NONE_THEN = "No technician is available then. Please choose another time."
TOO_FEW_THEN = "Not enough technicians are available then. Please choose another time."
CLOSED_DATE = "No visits take place on this date. Please choose another one."


class Extent(NamedTuple):
    """The length of a visit and the travel before and after it, in ticks."""

    length: int
    before: int
    after: int


class Rules:
    """The rules for visits of one extent at one property (`site`), as of one moment.

    eligible: whether enough of the technicians in question may be sent. possible: whether any start could be allowed to
    enough of them. technicians: of those who may, the available
    ones, in the order to try; of discreet rules also the others. needed: how many of them come. units: of a building,
    which discreet rules allow to nobody. latest: the last start within the horizon. In every mask of starts, bit i
    stands for a visit that starts at from_tick + i.
    """

    __slots__ = (
        *("_discreet", "_earliest", "_lifted", "_now", "_policy", "_timetable"),
        *("eligible", "extent", "latest", "needed", "possible", "site", "technicians", "units"),
    )

    def __init__(
        self,
        timetable: Timetable,
        now: datetime,
        policy: Policy,
        *,
        site: Property,
        technicians: list[Technician],
        extent: Extent,
        skill: str | None = None,
        anybody: bool = False,
        needed: int = 1,
        units: tuple[str, ...] = (),
        discreet: bool = False,
    ) -> None:
        """technicians: those in question. skill: that the service needs. anybody: all of them may be sent."""
        sent = technicians
        if not anybody and (site.area or skill):
            sent = [each for each in technicians if _has(each.areas, site.area) and _has(each.skills, skill)]
        self.site = site
        self.units = units
        self.needed = needed
        self.eligible = sent is technicians or len(sent) >= min(needed, len(technicians))
        self.technicians = [each for each in sent if discreet or each.status == "available"]
        self.possible = site.status == "available" and not (discreet and units)
        self.possible &= self.eligible and len(self.technicians) >= needed
        self.extent = extent
        self._timetable = timetable
        self._policy = policy
        self._discreet = discreet
        self._lifted: Set[Override] = frozenset()
        seconds, grid = now.timestamp(), timetable.grid
        self._now = -int(-seconds // grid.seconds)
        self._earliest = -int(-(seconds + policy.min_lead_minutes * 60) // grid.seconds)
        self.latest = int((seconds + policy.horizon_days * 86_400) // grid.seconds)

    def admit(self, start: int) -> None:
        """Allows a start that is too soon or too far ahead, because a booking has it already."""
        self._earliest, self.latest = min(self._earliest, start), max(self.latest, start)

    def lift(self, words: Set[Override], start: int) -> None:
        """Lifts the rules of these names, which staff may, for visits from a start on."""
        self._lifted = words
        if "lead_time" in words:
            self._earliest = self._now
        if "past" in words and start < self._now:
            self._earliest = start
        if "horizon" in words:
            self.latest = max(self.latest, start + 2 * 86_400 // self._timetable.grid.seconds)

    def fitting(self, from_tick: int, to_tick: int) -> list[tuple[str, int]]:
        """(technician id, mask of starts) for each technician with an allowed start in [from_tick, to_tick). None where
        fewer than are needed have one."""
        allowed = self._allowed(from_tick, to_tick)
        if not allowed:
            return []
        fits = [(each.id, self._suits(each, from_tick, to_tick) & allowed) for each in self.technicians]
        fits = [each for each in fits if each[1]]
        return fits if len(fits) >= self.needed else []

    def hidden(self, from_tick: int, to_tick: int) -> dict[str, int]:
        """The ticks of [from_tick, to_tick) that discreet rules keep quiet about, as masks by technician's id: time
        off, and all ticks of who is unavailable. Only technicians with such ticks are in it."""
        if not self._discreet:
            return {}
        found = ((each.id, self._off(each, from_tick, to_tick)) for each in self.technicians)
        return {name: mask for name, mask in found if mask}

    def _off(self, technician: Technician, from_tick: int, to_tick: int) -> int:
        if technician.status != "available":
            return ones(to_tick - from_tick)
        return self._timetable.away_ticks(technician, from_tick, to_tick) if technician.time_off else 0

    def refusal(self, start: int, *, for_staff: bool = False) -> Refusal:
        """The reason why `fitting` has no technician for a start. for_staff: with the word that lifts the rule."""
        hint = ' Or send override: ["{}"].' if for_staff else ""
        if start < self._earliest:
            return TooSoon(TooSoon.sentence + hint.format("lead_time"))
        if start > self.latest:
            return TooFarAhead(TooFarAhead.sentence + hint.format("horizon"))
        if self._blacked_out(start, start + 1):
            return OutsideWorkingHours(CLOSED_DATE + hint.format("blackout"))
        at_work = [each for each in self.technicians if self._at_work(each, start, start + 1)]
        if len(at_work) < self.needed:
            return OutsideWorkingHours(OutsideWorkingHours.sentence + hint.format("working_hours"))
        if len(self.technicians) == 1:
            return TechnicianUnavailable()
        return TechnicianUnavailable(TOO_FEW_THEN if self.needed > 1 else NONE_THEN)

    def _allowed(self, from_tick: int, to_tick: int) -> int:
        """The starts that the property and the policy allow for every technician."""
        first, last = max(from_tick, self._earliest), min(to_tick, self.latest + 1)
        if first >= last or not self.possible:
            return 0
        return (1 << last - from_tick) - (1 << first - from_tick) & ~self._blacked_out(from_tick, to_tick)

    def _blacked_out(self, from_tick: int, to_tick: int) -> int:
        """The starts of visits that touch a blackout date."""
        if not self._policy.blackout_dates or "blackout" in self._lifted:
            return 0
        end = to_tick - 1 + self.extent.length
        blackout = self._timetable.blackout_ticks(self._policy, self.site.timezone, from_tick, end)
        return ones(to_tick - from_tick) & ~_clear_of(blackout, end - from_tick, self.extent.length)

    def _suits(self, technician: Technician, from_tick: int, to_tick: int) -> int:
        """The starts at which a technician works for the whole visit, with no time off during it or its travel. Starts
        outside of [from_tick, to_tick) may be among them."""
        suits = self._at_work(technician, from_tick, to_tick)
        if not suits or not technician.time_off or self._discreet:
            return suits
        length, before, after = self.extent
        begin, end = from_tick - before, to_tick - 1 + length + after
        away = self._timetable.away_ticks(technician, begin, end)
        return suits & _clear_of(away, end - begin, before + length + after)

    def _at_work(self, technician: Technician, from_tick: int, to_tick: int) -> int:
        if technician.working_hours is None or "working_hours" in self._lifted:
            return -1  # all bits set: every start
        length = self.extent.length
        return runs(self._timetable.open_ticks(technician, from_tick, to_tick - 1 + length), length)


def _has(own: list[str], needed: str | None) -> bool:
    return needed is None or not own or needed in own


def _clear_of(mask: int, width: int, length: int) -> int:
    """The starts of `length` ticks that are all clear in a mask of `width` ticks."""
    return runs(ones(width) & ~mask, length)
