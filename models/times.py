"""Times and dates as clients write them, and as replies show them. Inside, a time is aware and in UTC.

A time is taken in each form in which its meaning is certain: RFC 3339, and what the libraries of other languages write.
Otherwise the fault says what is missing.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_DAY = r"\d{4}-\d{2}-\d{2}"
# A fraction finer than a microsecond could not be kept, so only zeros may stand there.
_CLOCK = r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6}0{0,3})?)?"
# In a query an unescaped + arrives as a blank. Nothing else is written so.
_OFFSET = r"(?P<utc> ?[Zz]| (?:UTC|GMT))| ?(?P<sign>[+-])(?P<hours>[01]\d|2[0-3])(?::?(?P<minutes>[0-5]\d))?"
_PLUS_LOST = r" (?P<east>[01]\d|2[0-3]):?(?P<rest>[0-5]\d)"
_MOMENT = re.compile(rf"(?P<day>{_DAY})[Tt ](?P<clock>{_CLOCK})(?:{_OFFSET}|{_PLUS_LOST})\Z", re.ASCII)
_NAIVE = re.compile(rf"{_DAY}[Tt ]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?\Z", re.ASCII)
_WITH_ZONE = re.compile(r".+\[[A-Za-z0-9/_+-]+\]\Z", re.ASCII)
_DATE = re.compile(rf"{_DAY}\Z", re.ASCII)

_FAULTS = (
    (_NAIVE, "naive_time", "Give {field} with an offset from UTC at its end, Z or +01:00; a query writes + as %2B."),
    (_DATE, "bad_time", "Give {field} with a time and an offset behind the date, such as 2026-12-05T10:00:00Z."),
    (_WITH_ZONE, "bad_time", "Give {field} without the name of a zone, such as 2026-12-05T10:00:00+01:00."),
)
_NO_TIME = "Give {field} as RFC 3339 writes a time, such as 2026-12-05T10:00:00Z; a query writes + as %2B."


def _moment(value: Any) -> datetime:
    found = _MOMENT.match(value) if isinstance(value, str) else None
    if found is None:
        raise _fault_of(value)
    day, clock, utc, sign, hours, minutes, east, rest = found.groups()
    offset = "+00:00" if utc else f"{sign}{hours}:{minutes or '00'}" if sign else f"+{east}:{rest}"
    try:
        return datetime.fromisoformat(f"{day}T{clock}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("bad_time", "Give {field} as a time that exists; there is no such time.") from None


def _fault_of(value: Any) -> PydanticCustomError:
    for form, code, sentence in _FAULTS if isinstance(value, str) else ():
        if form.match(value):
            return PydanticCustomError(code, sentence)
    return PydanticCustomError("bad_time", _NO_TIME)


def _local_date(value: Any) -> date:
    if isinstance(value, str) and _DATE.match(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError(
                "bad_date", "Give {field} as a date that exists; there is no such date."
            ) from None
    raise PydanticCustomError("bad_date", "Give {field} as a date such as 2026-12-05.")


def _day_or_moment(value: Any) -> datetime:
    if isinstance(value, str) and len(value) == len("2026-12-05"):
        return datetime.combine(_local_date(value), time())
    return _moment(value)


def _shown(value: datetime) -> str:
    """A time in UTC to the second. `strftime` writes a year before 1000 with three digits, `isoformat` with four."""
    return f"{value.isoformat(timespec='seconds')[:19]}Z"


class _ToTheSecond:
    """Annotates a time in UTC that replies show without parts of a second."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        shown = core_schema.plain_serializer_function_ser_schema(
            _shown, return_schema=core_schema.str_schema(), when_used="json"
        )
        return core_schema.datetime_schema(serialization=shown)


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An aware time with an offset; inside, always UTC."""

Instant = Annotated[datetime, _ToTheSecond()]
"""A time of a reply, aware UTC, whose parts of a second are cut off: no deadline is promised too late."""

LocalDate = Annotated[date, BeforeValidator(_local_date), WithJsonSchema({"type": "string", "format": "date"})]

DayOrMoment = Annotated[
    datetime,
    PlainValidator(_day_or_moment),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]
"""A time, or a bare date: a naive midnight, until the zone is known whose date it is."""
