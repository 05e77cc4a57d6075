"""Turns requests into wishes, and wishes into the choices that may be tried. Does not look at what is booked.

The rules here, besides those of timetable.rules:
- The property, the technicians and the service must exist, and the first two have the status available. The technicians
  are some who may be sent there for that (see timetable.rules). No other rule is looked at before. Any technician means
  any who may be sent and is available.
- A stranger (see models.access) names public services alone. The service that a booking has already may be removed by
  now, and a technician who has that visit already is not asked for anew.
- A search (`fallback`) goes over the starts from the requested one to the end of the property's local date. A start
  that a rule forbids, or for which too few technicians may come, is no choice. Visits may run over midnight.
- Of technicians who may come, those who name the property's area stand first, then those who go everywhere, and each of
  these by id. Who of them comes is decided where it is known what each has to do on that date.
- A stranger does not learn who is off or unavailable: those are in the choices too, but barred, as if somebody else had
  booked them. A stranger cannot have a building, which is a property with units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from models.access import STAFF, STRANGERS, Role
from models.details import Override
from models.errors import (
    Fault,
    InvalidRequest,
    NoSlotAvailable,
    ServiceNotFound,
)
from models.service import Service
from models.slot import Choice, SlotFields, Wish
from services.availability.lengths import Lengths, measured
from services.availability.possible import Wanted, impossible, require_few_claims
from services.catalogue.reader import Snapshot
from services.timetable.choices import Choices, by_preference
from services.timetable.grid import LAST_DAY, Grid, Span, day_span, local_day
from services.timetable.rules import Extent, Rules
from services.timetable.time_off import HiddenTimeOff
from services.timetable.working_hours import Timetable

LONGEST_DAY_MINUTES = 25 * 60
"""Bounds a search: no local date of our time is longer."""
YEARS = range(2000, LAST_DAY.year)
"""The years of visits for which staff lift rules. Nothing else bounds those."""
WHO_GOES_WHERE = frozenset({"property_id", "technician_ids", "service_id"})
"""The fields that decide who may be sent where and for what."""


class Candidates:
    """Wishes and choices under one snapshot of the catalogue and as of one moment.

    A method that takes a snapshot may raise StoreUnavailable.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._timetable = Timetable(grid)

    def wish(
        self,
        snapshot: Snapshot,
        now: datetime,
        fields: SlotFields,
        role: Role,
        *,
        standing: Set[str] = frozenset(),
        faults: Sequence[Fault] = (),
    ) -> Wish:
        """The request in ticks; the service, else the policy, fills in what it leaves out.

        role: of the caller; see availability.lengths.
        standing: the fields that a booking has already. They need to be on the grid and nothing else, and its start is
        then not too soon nor too far ahead either: a stricter policy touches nothing that exists. Of the rules that the
        request overrides the wish knows. faults: what the caller found wrong with the request.
        Raises InvalidRequest with all faults together: off_grid, past_start, and those of `measured`; ServiceNotFound.
        """
        lifted = lifted_by(fields.override, standing)
        if "duration" in lifted:
            standing = {*standing, "duration_minutes"}
        service = service_for(snapshot, fields.service_id, role, standing)
        extent, found = measured(self._grid, snapshot.policy, fields, role, standing=standing, service=service)
        if role in STAFF:
            found = [_with_the_word(fault) for fault in found]
        tick = self._grid.exact_tick(fields.start)
        found += self._start_faults(fields, now, role, standing, on_grid=tick is not None)
        if tick is None or found or faults:
            raise InvalidRequest(*found, *faults)
        _require(service, fields.service_id, standing)
        named = fields.named
        return Wish(
            *(fields.property_id, named, tick, *extent),
            needed=len(named) or fields.technicians or 1,
            fallback=fields.fallback == "next_available",
            suggest=fields.suggest,
            standing="start" in standing,
            discreet=role in STRANGERS,
            for_staff=role in STAFF,
            lifted=lifted,
            service_id=fields.service_id,
        )

    def _start_faults(
        self, fields: SlotFields, now: datetime, role: Role, standing: Set[str], *, on_grid: bool
    ) -> Iterator[Fault]:
        if not on_grid:
            example = f"such as 10:00 or 10:{self._grid.minutes:02}"
            yield Fault("start", "off_grid", f"Give start on the grid of {self._grid.minutes} minutes, {example}.")
        if fields.override and fields.start.year not in YEARS:
            yield Fault("start", "bad_time", f"Give start in a year from {YEARS.start} to {YEARS.stop - 1}.")
        elif fields.start < now and not ("start" in standing or "past" in fields.override):
            text = "Give start as a time that is not in the past"
            yield Fault("start", "past_start", text + (", or give past in override." if role in STAFF else "."))

    def extent(
        self,
        snapshot: Snapshot,
        lengths: Lengths,
        role: Role,
        *,
        standing: Set[str] = frozenset(),
        faults: Sequence[Fault] = (),
    ) -> Extent:
        """How long the visit would be. Raises InvalidRequest and ServiceNotFound as `wish` does."""
        service = service_for(snapshot, lengths.service_id, role, standing)
        extent, found = measured(self._grid, snapshot.policy, lengths, role, standing=standing, service=service)
        if found or faults:
            raise InvalidRequest(*found, *faults)
        _require(service, lengths.service_id, standing)
        return extent

    def choices(self, snapshot: Snapshot, now: datetime, wish: Wish) -> Choices:
        """What the rules allow.

        Raises PropertyNotFound, TechnicianNotFound, PropertyUnavailable, TechnicianNotEligible, TechnicianUnavailable,
        OutsideWorkingHours, TooSoon, TooFarAhead; Forbidden (a stranger asks for a building), InvalidRequest
        (too_large); for a search that has no choice NoSlotAvailable.
        """
        extent = Extent(wish.length, wish.before, wish.after)
        rules = self.rules(snapshot, now, wish, extent, discreet=wish.discreet, lifted=wish.lifted)
        if wish.standing:
            rules.admit(wish.start)
        if wish.lifted:
            rules.lift(wish.lifted, wish.start)
        if rules.units:
            wish = replace(wish, units=rules.units)
        if not rules.possible:
            raise impossible(rules, wish)
        if wish.units or wish.needed > 1:
            require_few_claims(wish)
        end = self._search_end(wish.start, rules) if wish.fallback else wish.start + 1
        fits = rules.fitting(wish.start, end)
        if not fits:
            raise NoSlotAvailable if wish.fallback else rules.refusal(wish.start, for_staff=wish.for_staff)
        if not wish.named and len(fits) > 1:
            fits = by_preference(fits, rules.technicians, rules.site)
        choices = []
        for at, start in enumerate(range(wish.start, end)):
            who = [who for who, mask in fits if mask >> at & 1]
            if len(who) >= wish.needed:
                choices.append(Choice(start, tuple(who)))
        if not choices:
            raise NoSlotAvailable if wish.fallback else rules.refusal(wish.start, for_staff=wish.for_staff)
        first = wish.start - wish.before
        hidden = HiddenTimeOff(first, rules.hidden(first, end + wish.length + wish.after))
        return Choices(wish, choices, hidden, self._day(wish.start, rules) if len(fits) > wish.needed else None)

    def rules(
        self,
        snapshot: Snapshot,
        now: datetime,
        wanted: Wanted,
        extent: Extent,
        *,
        discreet: bool,
        lifted: Set[Override] = frozenset(),
    ) -> Rules:
        """The rules as of now, for the technicians who may be sent there for that, unless `lifted` has `eligibility`.

        Raises PropertyNotFound and TechnicianNotFound, but nothing for one who is unavailable or may not be sent.
        """
        site, technicians = snapshot.resources(wanted.property_id, wanted.named)
        return Rules(
            self._timetable,
            now,
            snapshot.policy,
            site=site.property,
            technicians=technicians,
            extent=extent,
            skill=_skill(snapshot, wanted.service_id) if wanted.service_id else None,
            anybody="eligibility" in lifted,
            needed=wanted.needed,
            units=site.units,
            discreet=discreet,
        )

    def _search_end(self, start: int, rules: Rules) -> int:
        if start > rules.latest:
            return start + 1  # no later start is allowed, and the calendar itself may end
        return min(self._day(start, rules)[1], start + self._grid.ticks(LONGEST_DAY_MINUTES))

    def _day(self, start: int, rules: Rules) -> Span:
        """The ticks of the property's local date of a start."""
        zone = rules.site.timezone
        return day_span(local_day(start, zone, self._grid), zone, self._grid)


def lifted_by(override: Sequence[Override], standing: Set[str]) -> frozenset[Override]:
    """The rules that do not apply: those that staff lift, and who may go, where a booking has all of that already."""
    return frozenset((*override, "eligibility")) if standing >= WHO_GOES_WHERE else frozenset(override)


def service_for(
    snapshot: Snapshot, service_id: str | None, role: Role, standing: Set[str] = frozenset()
) -> Service | None:
    """The service of this id, if there is one that a caller of this role may name, or that stands already."""
    if service_id is None:
        return None
    with suppress(ServiceNotFound):
        found = snapshot.service(service_id)
        return found if found.public or role not in STRANGERS or "service_id" in standing else None
    return None


def _require(service: Service | None, service_id: str | None, standing: Set[str]) -> None:
    if service is None and service_id is not None and "service_id" not in standing:
        raise ServiceNotFound


def _skill(snapshot: Snapshot, service_id: str) -> str | None:
    """The skill that a service needs; None for one that was removed: what names it still stands."""
    service = service_for(snapshot, service_id, Role.DESK)
    return service.skill if service else None


def _with_the_word(fault: Fault) -> Fault:
    """A fault of a duration that the policy forbids, with the word that lifts the rule; each other one as it is."""
    if fault.field != "duration_minutes" or fault.code not in ("too_long", "not_allowed"):
        return fault
    return Fault(fault.field, fault.code, f"{fault.message.removesuffix('.')}, or give duration in override.")
