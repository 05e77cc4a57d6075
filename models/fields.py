"""The field types that requests share. Each is strict: what JSON Schema would refuse is refused here, and nothing
more."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

ID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})\Z", re.ASCII)
_NAIVE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


class Request(BaseModel):
    """Base of every request body: strict, and an unknown field is a fault."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _plain_id(value: Any) -> Any:
    if not isinstance(value, str) or not _ID.match(value):
        raise PydanticCustomError("bad_id", "an id is 1 to 64 of A-Z a-z 0-9 . _ -")
    return value


def _whole_number(value: Any) -> Any:
    # JSON Schema calls 60.0 an integer; strict pydantic does not. Booleans stay refused by the strict int behind this.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise PydanticCustomError("bad_time", "a time is a string such as 2026-12-05T10:00:00Z")
    if _NAIVE.match(value):
        raise PydanticCustomError("naive_time", "a time needs its offset from UTC, such as 2026-12-05T10:00:00Z")
    if not _RFC3339.match(value):
        raise PydanticCustomError("bad_time", "a time is written as RFC 3339, such as 2026-12-05T10:00:00Z")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("bad_time", "there is no such time") from None


def _local_date(value: Any) -> date:
    if isinstance(value, str) and _DATE.match(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("bad_date", "there is no such date") from None
    raise PydanticCustomError("bad_date", "a date is written as 2026-12-05")


def printable(value: str) -> str:
    # A NUL cannot be stored in every system that text travels to, and a lone surrogate cannot be encoded at all.
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise PydanticCustomError("bad_text", "text holds a character that cannot be stored")
    return value


PlainId = Annotated[str, BeforeValidator(_plain_id), WithJsonSchema({"type": "string", "pattern": ID_PATTERN})]
"""An id: nothing in it can break out of a key, a path or a query."""

WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
"""An integer as JSON means it: 60 and 60.0, never true."""

Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An aware time with an offset; inside, always UTC."""

LocalDate = Annotated[date, BeforeValidator(_local_date), WithJsonSchema({"type": "string", "format": "date"})]

Minutes = Annotated[WholeNumber, Field(ge=0, le=1440)]


Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(printable)]
Text = Annotated[str, StringConstraints(max_length=4000), AfterValidator(printable)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=320), AfterValidator(printable)]


def null_only_for(*names: str) -> ConfigDict:
    """Describes a change: a field may be left out, but null is a value of these alone."""

    def describe(schema: dict[str, Any]) -> None:
        for name, described in schema["properties"].items():
            if name not in names:
                described.update(next(option for option in described.pop("anyOf") if option != {"type": "null"}))

    return ConfigDict(json_schema_extra=describe)
