"""Changes of the catalogue that concern visits: time off, and the removal of a property or technician."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from models.catalogue import Property, PropertyPatch, ResourceStatus, Technician, TechnicianPatch, TimeOff
from models.errors import InUse, Refusal, VersionConflict
from models.slot import PROPERTY, TECHNICIAN
from models.time_off import ChangedTechnician, VisitInTimeOff
from services.catalogue.editor import CatalogueDesk
from services.claims.mirror import Mirror
from services.clock import Clock
from services.ledger.visits_ahead import VisitsAhead
from services.timetable.grid import LAST_DAY, Grid, day_start, merge

MOST_VISITS = 200
"""How many visits the reply to a change names."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a property or technician is read, given a status, and removed in a version."""

    word: str
    get: Callable[[str, str], Property | Technician]
    give_status: Callable[[str, str, ResourceStatus, int | None], Property | Technician]
    remove: Callable[[str, str, int], bool]


class Upkeep:
    """Changes for which both the catalogue and the visits count. Everything may raise StoreUnavailable."""

    def __init__(self, *, desk: CatalogueDesk, mirror: Mirror, visits: VisitsAhead, grid: Grid, clock: Clock) -> None:
        self._desk = desk
        self._mirror = mirror
        self._visits = visits
        self._grid = grid
        self._clock = clock
        self._end_of_time = day_start(LAST_DAY, "UTC") // grid.seconds

    def patch_technician(
        self, org: str, technician_id: str, patch: TechnicianPatch, version: int | None = None
    ) -> ChangedTechnician:
        """As CatalogueDesk.patch_technician; names the visits in the time off that the request gives."""
        changed = self._desk.patch_technician(org, technician_id, patch, version)
        given = patch.time_off if patch.time_off is not None else patch.time_off_add
        visits = None if given is None else self._visits_in(org, technician_id, given)
        return ChangedTechnician.model_validate({**changed.model_dump(), "visits": visits})

    def remove_property(self, org: str, property_id: str, version: int | None = None) -> None:
        """Removes a property for which nothing lies ahead. version: the one to remove, None for any.

        Raises PropertyNotFound, VersionConflict, InUse.
        """
        desk = self._desk

        def give_status(org: str, name: str, status: ResourceStatus, version: int | None) -> Property:
            return desk.patch_property(org, name, PropertyPatch(status=status), version)

        self._remove(_Kind(PROPERTY, desk.get_property, give_status, desk.remove_property), org, property_id, version)

    def remove_technician(self, org: str, technician_id: str, version: int | None = None) -> None:
        """As `remove_property`. Raises TechnicianNotFound, VersionConflict, InUse."""
        desk = self._desk

        def give_status(org: str, name: str, status: ResourceStatus, version: int | None) -> Technician:
            return desk.patch_technician(org, name, TechnicianPatch(status=status), version)

        kind = _Kind(TECHNICIAN, desk.get_technician, give_status, desk.remove_technician)
        self._remove(kind, org, technician_id, version)

    def _remove(self, kind: _Kind, org: str, name: str, version: int | None) -> None:
        """Looks, closes, looks again, removes.

        The first look refuses without a change. Between a look and the removal a hold may come; once the resource is
        unavailable and that is announced, none can. A process that dies in between leaves the resource unavailable.
        """
        found = kind.get(org, name)
        if version not in (None, found.version):
            raise VersionConflict
        self._require_unused(org, f"{kind.word}:{name}")
        closed = kind.give_status(org, name, "unavailable", found.version)
        try:
            self._desk.announce(org)
            self._require_unused(org, f"{kind.word}:{name}")
            if not kind.remove(org, name, closed.version):
                raise VersionConflict
        except Refusal:
            with suppress(Refusal):
                kind.give_status(org, name, found.status, None)
            raise

    def _require_unused(self, org: str, resource: str) -> None:
        """Raises InUse. It looks for holds first: one that is booked meanwhile is a booking by the second look."""
        now = self._grid.tick(self._clock())
        marks = self._mirror.read_spans(org, [resource], now, self._end_of_time).taken[resource]
        held = any(mark.state == "held" and mark.end > now for mark in marks)
        if held or self._visits.over(org, resource, [(now, self._end_of_time)], 1):
            raise InUse

    def _visits_in(self, org: str, technician_id: str, given: Iterable[TimeOff]) -> list[VisitInTimeOff]:
        spans = merge((self._grid.tick(off.start), self._grid.tick_from(off.end)) for off in given)
        found = self._visits.over(org, f"{TECHNICIAN}:{technician_id}", spans, MOST_VISITS)
        names = VisitInTimeOff.model_fields
        return [VisitInTimeOff.model_validate({name: getattr(each, name) for name in names}) for each in found]
