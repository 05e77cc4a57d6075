"""When the visits of a series begin: a rule in the property's local time. Pure: no store, no clock.

- Each visit begins at the same time of day by the local clock, before and after clocks change. Where clocks skip that
  time there is no such visit; where it comes twice the first one counts.
- The first visit is the start of the request, which the rule must name. RFC 5545 leaves open what else it would mean.
- A day that a month or year does not have, such as a 31st or a 29th of February, is left out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, weekday

from models.errors import Fault
from models.recurrence import FREQUENCIES, MOST_OCCURRENCES, Recurrence
from services.series.named_days import names
from services.timetable.grid import instant_of, zone_of

LONGEST: Final = timedelta(days=25 * 366)
"""From the first visit to the last. It bounds the search for days that a rule never names."""
SKIPPED_TIME: Final = "Clocks go forward on this date and skip this time. Please choose another time for this visit."
YEARS: Final = range(2000, 9900)


class Occurrence(NamedTuple):
    """When a visit of a series begins. exists: False where clocks skip that time; `start` is then the moment after."""

    start: datetime
    exists: bool = True


def occurrences(rule: Recurrence, start: datetime, timezone: str) -> list[Occurrence] | Fault:
    """The visits of a rule in order, `start` the first; or what is wrong with the rule or the start."""
    if start.year not in YEARS:
        return Fault("start", "bad_time", f"Give start in a year from {YEARS.start} to {YEARS.stop - 1}.")
    zone = zone_of(timezone)
    first = start.astimezone(zone).replace(tzinfo=None)
    until = _until(rule, first, zone)
    if until < first:
        return Fault("rrule", "bad_span", "Give UNTIL in rrule as a time after start.")
    if not names(rule, first):
        return _no_occurrence(rule, first, timezone)
    found = list(islice(_days(rule, first, until), MOST_OCCURRENCES + 1 if rule.count is None else rule.count))
    if len(found) > MOST_OCCURRENCES:
        return Fault(
            "rrule",
            "too_long",
            f"Give UNTIL in rrule as an earlier time: a series has at most {MOST_OCCURRENCES} visits.",
        )
    if rule.count is not None and len(found) < rule.count:
        return Fault("rrule", "too_long", "Give a smaller COUNT in rrule: a series lasts at most 25 years.")
    return [Occurrence(start), *(at_local_time(wall, timezone) for wall in found[1:])]


def at_local_time(wall: datetime, timezone: str) -> Occurrence:
    """The visit that begins at a naive local time."""
    moment = datetime.fromtimestamp(instant_of(wall, timezone), UTC)
    return Occurrence(moment, moment.astimezone(zone_of(timezone)).replace(tzinfo=None) == wall)


def _until(rule: Recurrence, first: datetime, zone: ZoneInfo) -> datetime:
    until, latest = rule.until, first + LONGEST
    if until is None:
        return latest
    if rule.until_is_utc:
        until = until.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    return min(until, latest)


def _days(rule: Recurrence, first: datetime, until: datetime) -> rrule:
    """What dateutil makes of a rule that names `first`, in naive local times. For another rule it could go on to the
    end of the calendar. It counts to no end of its own, because a rule may name too few days."""
    return rrule(
        FREQUENCIES.index(rule.freq),
        dtstart=first,
        interval=rule.interval,
        wkst=rule.wkst,
        until=until,
        bysetpos=rule.bysetpos or None,
        bymonth=rule.bymonth or None,
        bymonthday=rule.bymonthday or None,
        byweekday=[weekday(day, number or None) for day, number in rule.byday] or None,
    )


def _no_occurrence(rule: Recurrence, first: datetime, timezone: str) -> Fault:
    later = (first + timedelta(days=days) for days in range(1, 367))
    found = next((wall for wall in later if names(rule, wall)), None)
    if found is None:
        return Fault("rrule", "not_an_occurrence", "Give rrule so that it names start, which is the first visit.")
    shown = datetime.fromtimestamp(instant_of(found, timezone), zone_of(timezone)).isoformat()
    return Fault("start", "not_an_occurrence", f"Give start as the first visit that rrule names, such as {shown}.")
