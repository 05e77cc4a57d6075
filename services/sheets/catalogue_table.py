"""Properties, technicians and services in files: the columns are the fields of the API's own request models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from models import errors
from models.catalogue import PropertyCreate, TechnicianCreate
from models.service import ServiceCreate
from services.catalogue.checks import hours_faults, service_grid_faults, time_off_faults
from services.sheets import cells
from services.sheets.local_times import LocalTimes
from services.sheets.problems import BadRow, Fault
from services.sheets.scratch import Site
from services.sheets.sheet import Columns
from services.sheets.table import Reference, Span, StandIns, Table, read
from services.timetable.grid import to_milliseconds
from services.transfer.batches import Added
from services.transfer.catalogue_import import CatalogueKind, Entry
from services.transfer.wiring import Transfer

_STAND_INS = {"name": "unread", "duration_minutes": 60}
_STAND_IN_MEMBERS = {
    "time_off": {"start": "2100-01-01T00:00:00Z", "end": "2100-01-02T00:00:00Z"},
    **dict.fromkeys(("areas", "skills"), "unread"),
}


class _Shape(NamedTuple):
    word: str
    model: type[BaseModel]
    checks: Callable[[Any, int], list[errors.Fault]]


def _technician_faults(made: TechnicianCreate, _grid_minutes: int) -> list[errors.Fault]:
    return [*hours_faults(made.working_hours), *time_off_faults(made.time_off)]


def _service_faults(made: ServiceCreate, grid_minutes: int) -> list[errors.Fault]:
    return service_grid_faults(made.model_dump(), grid_minutes)


_SHAPES: Mapping[CatalogueKind, _Shape] = {
    "properties": _Shape("property", PropertyCreate, lambda _made, _grid_minutes: []),
    "technicians": _Shape("technician", TechnicianCreate, _technician_faults),
    "services": _Shape("service", ServiceCreate, _service_faults),
}


class CatalogueTable(Table[Entry, BaseModel]):
    """The properties, the technicians or the services of an org.

    update: whether an import may change existing ones. local_times: as in `read`.
    """

    named_by = ("id",)

    def __init__(
        self,
        kind: CatalogueKind,
        transfer: Transfer,
        org: str,
        *,
        update: bool = False,
        local_times: LocalTimes | None = None,
    ) -> None:
        self.kind: str = kind
        self._kind: CatalogueKind = kind
        self.word, self._model, self._checks = _SHAPES[kind]
        self.exported = tuple(self._model.model_fields)
        self._stand_ins = StandIns(
            {name: value for name, value in _STAND_INS.items() if name in self._model.model_fields}, _STAND_IN_MEMBERS
        )
        self._required = ("id", *(name for name, each in self._model.model_fields.items() if each.is_required()))
        self.columns = Columns(self.exported, self._required, frozenset({"name", "address", "price_text"}))
        self._transfer = transfer
        self._org = org
        self._update = update
        self._local_times = local_times

    def parse(self, row: Mapping[str, str], given: frozenset[str]) -> Entry:
        missing = [] if "id" in row else [Fault("id", "Give id, which is required.")]
        reading = read(self._model, row, self._stand_ins, self._local_times)
        further = [
            Fault(fault.field, fault.message) for fault in self._checks(reading.made, self._transfer.grid.minutes)
        ]
        if faults := missing + reading.faults + further:
            raise BadRow(faults)
        fields = reading.made.model_dump()
        for off in fields.get("time_off", ()):
            off.update({name: to_milliseconds(moment) for name, moment in off.items()})
        if fields.get("parent_id") is not None and "timezone" not in row:
            given -= {"timezone"}  # that of the building
        return Entry(fields, given)

    def id_of(self, record: Entry) -> str:
        return record.id

    def references(self, _row: Mapping[str, str], _record: Entry | None) -> Sequence[Reference]:
        return ()

    def site_of(self, record: Entry) -> Site | None:
        if self._kind != "properties":
            return None
        zone = str(record.fields["timezone"]) if "timezone" in record.given or not record.is_unit else None
        return Site(record.fields["parent_id"], zone)

    def visit_of(self, _record: Entry) -> None:
        return None

    def find(self, ids: Sequence[str]) -> Mapping[str, BaseModel]:
        return self._transfer.catalogue.find(self._kind, self._org, ids)

    def would_change(self, _row: Mapping[str, str], record: Entry, stored: BaseModel) -> bool:
        names = record.differing(stored)
        if names and not self._update:
            sentence = f"{record.id} exists with another {', '.join(names)}; allow updates to change it."
            raise BadRow([Fault("id", sentence)])
        return bool(names)

    def add(self, records: Sequence[Entry]) -> Added:
        return self._transfer.catalogue.add(self._kind, self._org, records, update=self._update)

    def announce(self) -> None:
        self._transfer.catalogue.announce(self._org)

    def records(self, _span: Span) -> Iterator[BaseModel]:
        export = self._transfer.export
        streams: Mapping[CatalogueKind, Callable[[str], Iterator[BaseModel]]] = {
            "properties": export.properties,
            "technicians": export.technicians,
            "services": export.services,
        }
        return streams[self._kind](self._org)

    def write(self, stored: BaseModel) -> list[str]:
        fields = stored.model_dump()
        return [cells.written(fields[name]) for name in self.exported]
