"""Recurrence rules as RFC 5545 writes them: read strictly, and kept as text in one spelling.

Only what a visit needs is read: days, weeks, months and years, by date or weekday, with an end. The time of day is that
of the first visit. What a rule means on a calendar is worked out in services.series.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, NoReturn

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

MOST_OCCURRENCES: Final = 104
"""Two years of weekly visits."""
FREQUENCIES: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

Weekday = tuple[int, int]
"""A day of the week, Monday is 0, and which one of the month or year: 1 is the first, -1 the last, 0 is each one."""

_BAD = "bad_rule"
_DAY = re.compile(r"([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,3}", re.ASCII)
_UNTIL = {8: "%Y%m%d", 15: "%Y%m%dT%H%M%S", 16: "%Y%m%dT%H%M%SZ"}
_OF_CLOCK = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule, as RFC 5545 names its parts.

    count, until: exactly one of them is there. until: naive. It is in UTC where `until_is_utc`, else in local time, and
    a bare date ends with its day.
    """

    freq: str
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    until_is_utc: bool = False
    byday: tuple[Weekday, ...] = ()
    bymonthday: tuple[int, ...] = ()
    bymonth: tuple[int, ...] = ()
    bysetpos: tuple[int, ...] = ()
    wkst: int = 0

    @classmethod
    def of(cls, text: str) -> Recurrence:
        """Reads a rule. Raises PydanticCustomError with a sentence about the first fault."""
        given: dict[str, str] = {}
        for part in text.split(";"):
            name, equals, value = part.partition("=")
            if not (equals and value) or name in given:
                _refuse("Give {field} as an iCalendar rule, such as FREQ=WEEKLY;BYDAY=TU;COUNT=12.")
            given[name] = value
        _check_names(given)
        values = {name.lower(): _READERS[name](name, value) for name, value in given.items() if name != "UNTIL"}
        until = _until(given["UNTIL"]) if "UNTIL" in given else None
        rule = cls(**values, until=until, until_is_utc=given.get("UNTIL", "").endswith("Z"))
        _check(rule)
        return rule


def _refuse(sentence: str) -> NoReturn:
    raise PydanticCustomError(_BAD, sentence)


def _freq(_name: str, value: str) -> str:
    if value not in FREQUENCIES:
        _refuse("Give FREQ in {field} as DAILY, WEEKLY, MONTHLY or YEARLY.")
    return value


def _numbers(least: int, most: int) -> Callable[[str, str], tuple[int, ...]]:
    """Reads numbers between two bounds; where the lower one is negative, without 0."""

    def read(name: str, value: str) -> tuple[int, ...]:
        found = [int(each) if _NUMBER.fullmatch(each) else None for each in value.split(",")]
        if any(each is None or not least <= each <= most or (least < 0 and each == 0) for each in found):
            _refuse(f"Give {name} in {{field}} as numbers from {least} to {most}{', without 0' if least < 0 else ''}.")
        return tuple(each for each in found if each is not None)

    return read


def _number(least: int, most: int, sentence: str) -> Callable[[str, str], int]:
    def read(_name: str, value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= 6 and least <= int(value) <= most):
            _refuse(sentence)
        return int(value)

    return read


def _weekdays(_name: str, value: str) -> tuple[Weekday, ...]:
    found = [_DAY.fullmatch(each) for each in value.split(",")]
    if None in found:
        _refuse("Give BYDAY in {field} as weekdays, such as TU,TH, or in a month 2TU or -1FR.")
    return tuple((WEEKDAYS.index(each[2]), int(each[1] or 0)) for each in found if each)


def _weekday(_name: str, value: str) -> int:
    if value not in WEEKDAYS:
        _refuse("Give WKST in {field} as the first day of the week, such as MO.")
    return WEEKDAYS.index(value)


def _until(value: str) -> datetime:
    try:
        until = datetime.strptime(value, _UNTIL[len(value)])  # noqa: DTZ007  # its zone is known later
    except (KeyError, ValueError):
        _refuse("Give UNTIL in {field} as 20271231, or as a time in UTC such as 20271231T225959Z.")
    return until.replace(hour=23, minute=59, second=59) if len(value) == len("20271231") else until


_READERS: Final[dict[str, Callable[[str, str], Any]]] = {
    "FREQ": _freq,
    "INTERVAL": _number(1, 99, "Give INTERVAL in {field} as a number from 1 to 99."),
    "COUNT": _number(1, MOST_OCCURRENCES, f"Give COUNT in {{field}} as a number from 1 to {MOST_OCCURRENCES}."),
    "BYDAY": _weekdays,
    "BYMONTHDAY": _numbers(-31, 31),
    "BYMONTH": _numbers(1, 12),
    "BYSETPOS": _numbers(-366, 366),
    "WKST": _weekday,
}


def _check_names(given: dict[str, str]) -> None:
    if "FREQ" not in given:
        _refuse("Give {field} with FREQ, such as FREQ=WEEKLY;BYDAY=TU;COUNT=12.")
    for name in given:
        if name in _OF_CLOCK:
            _refuse(f"Leave {name} out of {{field}}, because each visit begins at the time of day of start.")
        if name not in _READERS and name != "UNTIL":
            _refuse(f"Give {{field}} with these parts alone: UNTIL, {', '.join(_READERS)}.")
    if "COUNT" not in given and "UNTIL" not in given:
        _refuse("Give {field} with an end: add COUNT, such as COUNT=12, or UNTIL, such as UNTIL=20271231.")
    if "COUNT" in given and "UNTIL" in given:
        _refuse("Give {field} with COUNT or with UNTIL, not with both.")


def _check(rule: Recurrence) -> None:
    """What RFC 5545 forbids of parts that are right by themselves."""
    if rule.freq not in ("MONTHLY", "YEARLY") and any(number for _, number in rule.byday):
        _refuse("Give BYDAY in {field} without numbers, or FREQ as MONTHLY or YEARLY.")
    if rule.freq == "WEEKLY" and rule.bymonthday:
        _refuse("Leave BYMONTHDAY out of {field}, or give FREQ as MONTHLY.")
    if len({number == 0 for _, number in rule.byday}) > 1:
        _refuse("Give BYDAY in {field} with a number at each weekday, or at none.")
    if rule.bysetpos and (rule.freq in ("DAILY", "WEEKLY") or not (rule.byday or rule.bymonthday)):
        _refuse("Leave BYSETPOS out of {field}, or give it with BYDAY or BYMONTHDAY of a month or a year.")


def _checked(text: str) -> str:
    """The rule in capitals and without `RRULE:` before it."""
    plain = text.strip().upper().removeprefix("RRULE:")
    Recurrence.of(plain)
    return plain


RuleText = Annotated[
    str,
    Field(min_length=1, max_length=200, json_schema_extra={"examples": ["FREQ=WEEKLY;BYDAY=TU;COUNT=12"]}),
    AfterValidator(_checked),
]
"""A rule that `Recurrence.of` reads."""
