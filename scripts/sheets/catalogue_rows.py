"""Rows of properties.csv and technicians.csv: their columns, and what the API's own models say about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from models import errors
from models.catalogue import Property, PropertyCreate, Technician, TechnicianCreate
from models.faults import faults_of
from scripts.sheets import cells
from scripts.sheets.problems import Fault
from scripts.sheets.sheet import Columns
from services.catalogue.checks import hours_faults, time_off_faults
from services.timetable.grid import to_milliseconds
from services.transfer.catalogue_import import Entry, Kind

_JSON = frozenset({"working_hours", "time_off"})
_AWAY = {"start": "2100-01-01T00:00:00Z", "end": "2100-01-02T00:00:00Z"}
"""Stands in for a time off that could not be read, and adds no fault."""

Model = TypeVar("Model", bound=BaseModel)


class BadRow(Exception):
    """A row that means nothing; `faults` says why, all at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__()


@dataclass(frozen=True, slots=True)
class Reading(Generic[Model]):
    """What a row says, as far as it can be read. faults: of the rest; unread: the fields in which there is any."""

    made: Model
    unread: frozenset[str]
    faults: list[Fault]


@dataclass(frozen=True, slots=True)
class CatalogueTable:
    """How one kind of the catalogue stands in a file."""

    kind: Kind
    word: str
    model: type[BaseModel]
    columns: Columns
    further: Callable[[Any], list[errors.Fault]]

    def parse(self, row: dict[str, str], given: frozenset[str]) -> Entry:
        """The property or technician of a row. given: the file's columns. Raises BadRow."""
        values = {name: cells.structure(cell) if name in _JSON else cell for name, cell in row.items()}
        missing = [Fault("id", "is required")] if "id" not in row else []
        reading = read(self.model, values, stand_ins={"name": "unread"})
        further = [Fault(fault.field, fault.message) for fault in self.further(reading.made)]
        faults = missing + reading.faults + further
        if faults:
            raise BadRow(faults)
        fields = reading.made.model_dump()
        if fields.get("time_off"):
            fields["time_off"] = [
                {name: to_milliseconds(moment) for name, moment in off.items()} for off in fields["time_off"]
            ]
        return Entry(fields, given)

    def write(self, entry: Property | Technician) -> list[str]:
        """The cells of a property or technician, in the order of the columns."""
        fields = entry.model_dump()
        return [cells.written(fields[name]) for name in self.columns.known]


def _technician_faults(made: TechnicianCreate) -> list[errors.Fault]:
    return [*hours_faults(made.working_hours), *time_off_faults(made.time_off)]


PROPERTIES = CatalogueTable(
    "properties",
    "property",
    PropertyCreate,
    Columns(("id", "name", "address", "timezone", "status"), ("id", "name")),
    lambda _made: [],
)
TECHNICIANS = CatalogueTable(
    "technicians",
    "technician",
    TechnicianCreate,
    Columns(("id", "name", "timezone", "status", "working_hours", "time_off"), ("id", "name")),
    _technician_faults,
)


def read(
    model: type[Model], values: Mapping[str, Any], *, stand_ins: Mapping[str, Any], rename: Callable[[str], str] = str
) -> Reading[Model]:
    """Reads what can be read, so that it can be checked further whatever is wrong with the rest.

    stand_ins: values of required fields that add no fault, for where those cannot be read. rename: from the place in
    the model to the column.
    """
    try:
        return Reading(model.model_validate(values), frozenset(), [])
    except ValidationError as error:
        places = [each["loc"] for each in error.errors(include_url=False, include_input=False)]
        faults = [Fault(fault.field, fault.message) for fault in faults_of(error, rename)]
    made = model.model_validate({**stand_ins, **_readable(values, places)})
    return Reading(made, frozenset(str(place[0]) for place in places), faults)


def _readable(values: Mapping[str, Any], places: Iterable[tuple[int | str, ...]]) -> dict[str, Any]:
    """The fields without a fault; of JSON also the days, or times off, without one."""
    readable: dict[str, Any] = {}
    for name, value in values.items():
        bad = {place[1:2] for place in places if place[0] == name}  # (): the whole field
        if not bad:
            readable[name] = value
        elif name in _JSON and () not in bad and isinstance(value, dict):
            readable[name] = {day: shifts for day, shifts in value.items() if (day,) not in bad}
        elif name in _JSON and () not in bad:
            readable[name] = [_AWAY if (number,) in bad else off for number, off in enumerate(value)]
    return readable
