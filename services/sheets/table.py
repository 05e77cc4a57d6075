"""The common shape of the three kinds of records, and how a row is read into a pydantic model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from models.faults import faults_of
from models.slot import Visit
from services.sheets import cells
from services.sheets.local_times import NO_OFFSET, LocalTimes
from services.sheets.problems import Fault
from services.sheets.scratch import Site
from services.sheets.sheet import Columns
from services.transfer.batches import Added

Model = TypeVar("Model", bound=BaseModel)
Record = TypeVar("Record")
Stored = TypeVar("Stored", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Span:
    """The bookings that start in [since, until), in UTC. None means no limit."""

    since: datetime | None = None
    until: datetime | None = None


class Reference(NamedTuple):
    """The id of another record in a column. word: such a record in a sentence."""

    column: str
    word: str
    id: str


class Table(Protocol[Record, Stored]):
    """One kind of record of one org, in a file and in the database.

    word: one such record in a sentence. exported: the columns that export writes. named_by: the columns that may name a
    record.
    """

    kind: str
    word: str
    columns: Columns
    exported: Sequence[str]
    named_by: Sequence[str]

    def parse(self, row: Mapping[str, str], given: frozenset[str]) -> Record:
        """The record of a row's cells. given: the columns of the file. Raises BadRow with all faults."""

    def id_of(self, record: Record) -> str:
        """The id of a record, unique among the records of its kind."""

    def references(self, row: Mapping[str, str], record: Record | None) -> Sequence[Reference]:
        """The ids that must be those of existing records. record: None if it has faults."""

    def site_of(self, record: Record) -> Site | None:
        """What units go by, of a record that is a property; else None."""

    def visit_of(self, record: Record) -> Visit | None:
        """The ticks that a record takes, or None."""

    def find(self, ids: Sequence[str]) -> Mapping[str, Stored]:
        """The records with these ids that exist, by id. Raises StoreUnavailable."""

    def would_change(self, row: Mapping[str, str], record: Record, stored: Stored) -> bool:
        """Whether an import changes the stored record. Raises BadRow if the two differ and it must not."""

    def add(self, records: Sequence[Record]) -> Added:
        """Writes a batch. A repeat is harmless. Raises StoreUnavailable."""

    def announce(self) -> None:
        """Announces the written records to all processes."""

    def records(self, span: Span) -> Iterator[Stored]:
        """Streams all records for export; `span` limits bookings only. Raises StoreUnavailable."""

    def write(self, stored: Stored) -> list[str]:
        """The cells of a record, in the order of `exported`."""

    def identity(self, row: Mapping[str, str]) -> str | None:
        """The column that names the record of a row, or None if the whole row does."""
        return next((name for name in self.named_by if name in row), None)


@dataclass(frozen=True, slots=True)
class Reading(Generic[Model]):
    """A row as far as it can be read. unread: the fields that have faults. faults: these faults."""

    made: Model
    unread: frozenset[str]
    faults: list[Fault]


@dataclass(frozen=True, slots=True)
class StandIns:
    """Values without faults in place of cells that cannot be read: of required fields, and of a member of each list."""

    fields: Mapping[str, Any]
    members: Mapping[str, Any] = field(default_factory=dict)


def read(
    model: type[Model], row: Mapping[str, str], stand_ins: StandIns, local_times: LocalTimes | None = None
) -> Reading[Model]:
    """Reads every cell that can be read, so that its meaning can be checked whatever is wrong with the other cells.

    local_times: gives times their offset. Without it, a time without one is a fault.
    """
    json = json_fields(model)
    values = {name: cells.structure(cell) if name in json else cell for name, cell in row.items()}
    unclear: list[Fault] = []
    if local_times is not None:
        times = time_fields(model) & values.keys()
        values |= {name: local_times.given(values[name], name, unclear) for name in times}
    try:
        return Reading(model.model_validate(values), frozenset(), [])
    except ValidationError as error:
        found, places = faults_of(error), [each["loc"] for each in error.errors(include_url=False, include_input=False)]
    made = model.model_validate({**stand_ins.fields, **_readable(values, places, stand_ins.members)})
    sentences: dict[str | None, str] = {fault.field: fault.sentence for fault in unclear}
    bare = {each.field: NO_OFFSET.format(field=each.field) for each in found if each.code == "naive_time"}
    faults = [Fault(each.field, sentences.get(each.field, bare.get(each.field, each.message))) for each in found]
    return Reading(made, frozenset(str(place[0]) for place in places), faults)


@cache
def time_fields(model: type[BaseModel]) -> frozenset[str]:
    """The fields that are times, or lists of objects with times."""
    schema = model.model_json_schema()
    properties: dict[str, dict[str, Any]] = schema["properties"]
    return frozenset(
        name
        for name, field in properties.items()
        if any(_holds_times(option, schema) for option in field.get("anyOf", [field]))
    )


def _holds_times(field: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Whether a JSON Schema describes a time, or a list of objects of which one member is a time."""
    if field.get("type") != "array":
        return field.get("format") == "date-time"
    _, _, name = field["items"].get("$ref", "").rpartition("/")
    members = schema.get("$defs", {}).get(name, {}).get("properties", {})
    return any(_holds_times(member, schema) for member in members.values())


@cache
def json_fields(model: type[BaseModel]) -> frozenset[str]:
    """The fields whose cells are JSON: those that are not text in the model's schema."""
    properties: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return frozenset(
        name
        for name, schema in properties.items()
        if all(option.get("type") != "string" for option in schema.get("anyOf", [schema]))
    )


def _readable(
    values: Mapping[str, Any], places: Iterable[tuple[int | str, ...]], stand_ins: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields without faults. Of a JSON object or list with faults, the members without any."""
    readable: dict[str, Any] = {}
    for name, value in values.items():
        bad = {place[1:2] for place in places if place[0] == name}  # (): the field as a whole
        if not bad:
            readable[name] = value
        elif () not in bad and isinstance(value, dict):
            readable[name] = {key: member for key, member in value.items() if (key,) not in bad}
        elif () not in bad:
            readable[name] = [
                stand_ins.get(name) if (number,) in bad else member for number, member in enumerate(value)
            ]
    return readable
