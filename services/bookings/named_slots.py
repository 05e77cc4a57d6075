"""Compares the slot that a request names beside a hold id with the slot of that hold.

Redis has the slot of a hold that it remembers. Where Redis has forgotten the hold or does not answer, the id proves its
own slot. Must not write.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from models.access import Caller
from models.booking import Booking, BookRequest
from models.details import Override
from models.errors import Fault, HoldNotFound, InvalidRequest
from models.slot import SlotFields, Visit
from services.availability.candidates import service_for
from services.availability.lengths import LENGTHS, usual_minutes
from services.bookings.confirming import Draft
from services.catalogue.reader import Catalogue
from services.claims.hold_records import HoldRecord
from services.ids import HoldIds
from services.ledger.documents import as_of
from services.timetable.grid import SLOT, Grid

PROVEN = ("property_id", "start", *LENGTHS)
"""What a hold's id proves, besides its technicians."""
NAMED = ("property_id", "technician_id", "technician_ids", "technicians", "start", *LENGTHS, "service_id")
NAMED_AT_LEAST = frozenset({"property_id", "start"})
"""What a request names of the slot of a hold that Redis has forgotten, besides technicians; its id proves all of it."""
SENTENCE = "Give {field} as the hold has it, or leave it out."


class NamedSlots:
    """What requests name of a hold's slot."""

    def __init__(self, *, hold_ids: HoldIds, catalogue: Catalogue, grid: Grid) -> None:
        self._hold_ids = hold_ids
        self._catalogue = catalogue
        self._grid = grid

    def require_same(self, draft: Draft, record: HoldRecord) -> None:
        """Checks a request against the hold that Redis has for the caller's key.

        Raises HoldNotFound for an id that was not made for this hold, InvalidRequest (not_the_hold) with every named
        field that differs.
        """
        if not self._proves(draft, record.visit):
            raise HoldNotFound
        self._require(draft, record.visit, record.service_id or None)

    def require_same_as_booked(self, draft: Draft, booking: Booking) -> None:
        """As `require_same`, of a hold that became this booking: by the slot that it had then. The hold's id proves
        that slot, wherever the visit has moved since."""
        first = as_of(booking, 1)
        visit = self._grid.visit_of({name: getattr(first, name) for name in SLOT})
        if self._proves(draft, visit):
            self._require(draft, visit, first.service_id)

    def _proves(self, draft: Draft, visit: Visit) -> bool:
        caller = draft.caller
        return self._hold_ids.proves(caller.org, caller.key_id, draft.request.hold_id or "", visit)

    def _require(self, draft: Draft, visit: Visit, service_id: str | None) -> None:
        named = _named(draft.request)
        held = {**self._fields_of(visit), "service_id": service_id} if named else {}
        different = [name for name, value in named.items() if not _are_alike(value, held[name])]
        if different:
            raise _not_the_hold(*different)

    def anew(self, draft: Draft, record: HoldRecord) -> Draft:
        """The draft of a hold that ran out, to be claimed once more as it was."""
        draft = self._of_visit(draft, record.visit, record.service_id or None, record.override.split())
        standing = draft.standing | {"service_id"}  # which may have been removed, or be no public one
        return replace(draft, requested=record.requested, owner=record.owner, standing=standing)

    def proven(self, draft: Draft) -> Draft | None:
        """The draft with the slot that the request names, if its hold id proves that this is the hold's slot. The
        service that the request names, else the policy, fills in lengths that are left out; no id proves a service.

        None if the request names too little. Raises InvalidRequest (not_the_hold) if it names all and is wrong.
        """
        named, who = _named(draft.request), draft.request.named
        visit = self._visit(draft, named, who) if who and named.keys() >= NAMED_AT_LEAST else None
        if visit and self._proves(draft, visit):
            return self._of_visit(draft, visit, named.get("service_id"))
        if who and named.keys() >= set(PROVEN):
            raise _not_the_hold("hold_id")
        return None

    def _visit(self, draft: Draft, named: dict[str, Any], who: tuple[str, ...]) -> Visit | None:
        grid, start = self._grid, self._grid.exact_tick(named["start"])
        usual = self._usual_minutes(draft.caller, named.get("service_id"))
        minutes = [named.get(name, default) for name, default in usual.items()]
        if start is None or any(each % grid.minutes for each in minutes):
            return None
        length, before, after = (grid.ticks(each) for each in minutes)
        return Visit(named["property_id"], who[0], start, start + length, before, after, who[1:])

    def _usual_minutes(self, caller: Caller, service_id: str | None) -> dict[str, int]:
        snapshot = self._catalogue.snapshot(caller.org)
        return usual_minutes(snapshot.policy, service_for(snapshot, service_id, caller.role))

    def _of_visit(self, draft: Draft, visit: Visit, service_id: str | None, lifted: Iterable[str] = ()) -> Draft:
        request = draft.request
        override: list[Override] = sorted({*request.override, *lifted})  # type: ignore[arg-type]  # words we wrote
        fields = {**self._fields_of(visit), "service_id": service_id, "suggest": request.suggest, "technician_id": None}
        slot = SlotFields.model_construct(**fields, override=override)
        return replace(draft, slot=slot, standing=frozenset(LENGTHS))

    def _fields_of(self, visit: Visit) -> dict[str, Any]:
        """A visit in the words of a request."""
        times = self._grid.times(visit, visit.start)
        return {
            "property_id": visit.property_id,
            "technician_id": visit.technician_id if not visit.crew else None,
            "technician_ids": list(visit.technician_ids),
            "technicians": len(visit.technician_ids),
            **{name: getattr(times, name) for name in ("start", *LENGTHS)},
        }


def _named(request: BookRequest) -> dict[str, Any]:
    values = {name: getattr(request, name) for name in NAMED}
    return {name: value for name, value in values.items() if value is not None}


def _are_alike(named: Any, held: Any) -> bool:
    """Whether a value is that of the hold; the technicians of a crew in any order."""
    return sorted(named) == sorted(held) if isinstance(named, list) else bool(named == held)


def _not_the_hold(*fields: str) -> InvalidRequest:
    return InvalidRequest(*(Fault(name, "not_the_hold", SENTENCE.replace("{field}", name)) for name in fields))
