"""Whether a rule names a day, if a series begins on it. Pure.

dateutil finds the days of a rule by going on until it meets one, which may be never. So it is asked only for rules that
name the first day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from models.recurrence import Recurrence

WEEK = timedelta(days=7)
Period = tuple[date, date]
"""Days [from, to)."""


def names(rule: Recurrence, day: date) -> bool:
    """Whether a series by this rule may begin on a day. The parts that a rule leaves out follow from that day."""
    day = date(day.year, day.month, day.day)
    if not _suits(rule, day):
        return False
    if not rule.bysetpos:
        return True
    period = _month(day) if rule.freq == "MONTHLY" else _year(day)
    found = [each for each in _days(period) if _suits(rule, each)]
    return any(-len(found) <= _index(number) < len(found) and found[_index(number)] == day for number in rule.bysetpos)


def _index(number: int) -> int:
    return number - 1 if number > 0 else number


def _suits(rule: Recurrence, day: date) -> bool:
    """Whether a day is one of those among which BYSETPOS chooses."""
    if rule.bymonth and day.month not in rule.bymonth:
        return False
    if rule.bymonthday and _numbers_of(day, _month(day)).isdisjoint(rule.bymonthday):
        return False
    return not rule.byday or any(_is_weekday(rule, day, *each) for each in rule.byday)


def _is_weekday(rule: Recurrence, day: date, weekday: int, number: int) -> bool:
    if day.weekday() != weekday or not number:
        return day.weekday() == weekday
    begin, end = _year(day) if rule.freq == "YEARLY" and not rule.bymonth else _month(day)
    return number in ((day - begin) // WEEK + 1, -((end - day - timedelta(days=1)) // WEEK + 1))


def _numbers_of(day: date, period: Period) -> set[int]:
    """The number of a day in a period, from the beginning and from the end."""
    begin, end = period
    return {(day - begin).days + 1, (day - end).days}


def _month(day: date) -> Period:
    begin = day.replace(day=1)
    return begin, (begin + timedelta(days=31)).replace(day=1)


def _year(day: date) -> Period:
    return date(day.year, 1, 1), date(day.year + 1, 1, 1)


def _days(period: Period) -> Iterator[date]:
    begin, end = period
    return (begin + timedelta(days=number) for number in range((end - begin).days))
