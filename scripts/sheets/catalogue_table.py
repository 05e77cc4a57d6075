"""Properties and technicians in files: the columns are the fields of the API's own request models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from models import errors
from models.catalogue import PropertyCreate, TechnicianCreate
from scripts.sheets import cells
from scripts.sheets.local_times import LocalTimes
from scripts.sheets.problems import BadRow, Fault
from scripts.sheets.sheet import Columns
from scripts.sheets.table import Span, StandIns, Table, read
from services.catalogue.checks import hours_faults, time_off_faults
from services.timetable.grid import to_milliseconds
from services.transfer.batches import Added
from services.transfer.catalogue_import import CatalogueKind, Entry
from services.transfer.wiring import Transfer

_STAND_INS = StandIns({"name": "unread"}, {"start": "2100-01-01T00:00:00Z", "end": "2100-01-02T00:00:00Z"})


class _Shape(NamedTuple):
    word: str
    model: type[BaseModel]
    checks: Callable[[Any], list[errors.Fault]]


def _technician_faults(made: TechnicianCreate) -> list[errors.Fault]:
    return [*hours_faults(made.working_hours), *time_off_faults(made.time_off)]


def _shape_of(kind: CatalogueKind) -> _Shape:
    if kind == "properties":
        return _Shape("property", PropertyCreate, lambda _made: [])
    return _Shape("technician", TechnicianCreate, _technician_faults)


class CatalogueTable(Table[Entry, BaseModel]):
    """The properties or the technicians of an org.

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
        self.word, self._model, self._checks = _shape_of(kind)
        self.exported = tuple(self._model.model_fields)
        self.columns = Columns(self.exported, ("id", "name"), frozenset({"name", "address"}))
        self._transfer = transfer
        self._org = org
        self._update = update
        self._local_times = local_times

    def parse(self, row: Mapping[str, str], given: frozenset[str]) -> Entry:
        missing = [] if "id" in row else [Fault("id", "Give id, which is required.")]
        reading = read(self._model, row, _STAND_INS, self._local_times)
        further = [Fault(fault.field, fault.message) for fault in self._checks(reading.made)]
        if faults := missing + reading.faults + further:
            raise BadRow(faults)
        fields = reading.made.model_dump()
        for off in fields.get("time_off", ()):
            off.update({name: to_milliseconds(moment) for name, moment in off.items()})
        return Entry(fields, given)

    def id_of(self, record: Entry) -> str:
        return record.id

    def references(self, _row: Mapping[str, str], _record: Entry | None) -> Mapping[str, str]:
        return {}

    def visit_of(self, _record: Entry) -> None:
        return None

    def find(self, ids: Sequence[str]) -> Mapping[str, BaseModel]:
        return self._transfer.catalogue.find(self._kind, self._org, ids)

    def would_change(self, _row: Mapping[str, str], record: Entry, stored: BaseModel) -> bool:
        names = record.differing(stored)
        if names and not self._update:
            sentence = f"{record.id} exists with another {', '.join(names)}; use --update to change it."
            raise BadRow([Fault("id", sentence)])
        return bool(names)

    def add(self, records: Sequence[Entry]) -> Added:
        return self._transfer.catalogue.add(self._kind, self._org, records, update=self._update)

    def announce(self) -> None:
        self._transfer.catalogue.announce(self._org)

    def records(self, _span: Span) -> Iterator[BaseModel]:
        if self._kind == "properties":
            return self._transfer.export.properties(self._org)
        return self._transfer.export.technicians(self._org)

    def write(self, stored: BaseModel) -> list[str]:
        fields = stored.model_dump()
        return [cells.written(fields[name]) for name in self.exported]
