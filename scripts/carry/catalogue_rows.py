"""Rows of properties.csv and technicians.csv: their columns, and what the API's own models say about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from models import errors
from models.catalogue import Property, PropertyCreate, Technician, TechnicianCreate
from scripts.carry import cells
from scripts.carry.problems import Fault
from scripts.carry.sheet import Columns
from services.catalogue_faults import hours_faults, time_off_faults
from services.catalogue_import import Entry, Kind
from services.timegrid import to_milliseconds

_JSON = frozenset({"working_hours", "time_off"})


class BadRow(Exception):
    """A row that means nothing; `faults` says why, all at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__()


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
        try:
            made = self.model.model_validate(values)
        except ValidationError as error:
            raise BadRow([*missing, *faults_of(error)]) from None
        further = [Fault(fault.field, fault.message) for fault in self.further(made)]
        if missing or further:
            raise BadRow(missing + further)
        fields = made.model_dump()
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


def faults_of(error: ValidationError, rename: Callable[[str], str] = str) -> list[Fault]:
    """Our faults for pydantic's. rename: from the place in the model to the column."""
    found = error.errors(include_url=False, include_input=False)
    places = [".".join(str(part) for part in each["loc"] if part != "[key]") for each in found]
    return [
        Fault(rename(place), "is required" if each["type"] == "missing" else _sentence(each["msg"]))
        for place, each in zip(places, found, strict=True)
    ]


def _sentence(message: str) -> str:
    """pydantic's `Input should be …` without its subject, which is the column; our own messages as they are."""
    head, found, rest = message.partition(" should ")
    return f"should {rest}" if found and head in ("Input", "String", "List", "Dictionary", "Value") else message
