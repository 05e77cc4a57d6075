"""The weekdays and shifts in which a technician works, by the clock where the technician lives."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]\Z|24:00\Z")
DAY_END = "24:00"
CLOCK_PATTERN = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"


def _clock(value: str) -> str:
    if not _CLOCK.match(value):
        raise PydanticCustomError("bad_clock", "Give {field} as a time of day such as 08:00, up to 24:00.")
    return value


Clock = Annotated[str, AfterValidator(_clock), WithJsonSchema({"type": "string", "pattern": CLOCK_PATTERN})]


def _time_of_day(value: str) -> str:
    if not _CLOCK.match(value) or value == DAY_END:
        raise PydanticCustomError("bad_clock", "Give {field} as a time of day such as 08:00, up to 23:59.")
    return value


TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
TimeOfDay = Annotated[str, AfterValidator(_time_of_day), WithJsonSchema({"type": "string", "pattern": TIME_PATTERN})]
"""A time at which something begins, by some clock."""


def _ordered_shift(shift: list[str]) -> list[str]:
    begin, end = shift
    if end == "00:00":
        raise PydanticCustomError("bad_shift", "Give {field} with the end 24:00, which is midnight after the day.")
    if begin == end:
        raise PydanticCustomError(
            "bad_shift", "Give {field} with an end after its beginning; 00:00 to 24:00 is all day."
        )
    if begin > end:
        raise PydanticCustomError(
            "bad_shift",
            "Give {field} split at 24:00, as {begin} to 24:00 on this day and 00:00 to {end} on the next day.",
            {"begin": begin, "end": end},
        )
    return [begin, DAY_END if end == "23:59" else end]


Shift = Annotated[list[Clock], Field(min_length=2, max_length=2), AfterValidator(_ordered_shift)]
WorkingHours = dict[Weekday, Annotated[list[Shift], Field(max_length=8)]]
"""Local opening hours by weekday; a weekday that is left out is a day off. An end of 23:59 means 24:00."""
