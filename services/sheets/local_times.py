"""Times without an offset, as the clocks of one place showed them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.sheets.problems import Fault
from services.timetable.grid import FIRST_DAY, LAST_DAY

_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?\Z", re.ASCII)

NO_OFFSET = "Give {field} with an offset at its end, such as Z or +01:00, or name the zone of the times."


class LocalTimes:
    """Gives times their offset in one zone. A time that has one, and a text that is no time, stays as it is."""

    def __init__(self, timezone: str) -> None:
        self._timezone = timezone
        self._zone = ZoneInfo(timezone)

    def given(self, value: Any, field: str, faults: list[Fault]) -> Any:
        """A value with an offset for each local time in it. Adds a fault for each that clocks skip or show twice.

        value: a cell, or the lists and objects of one. field: its name, in faults.
        """
        if isinstance(value, list):
            return [self.given(each, f"{field}.{number}", faults) for number, each in enumerate(value)]
        if isinstance(value, dict):
            return {name: self.given(each, f"{field}.{name}", faults) for name, each in value.items()}
        wall = _wall(value)
        if wall is None:
            return value
        moments = sorted(set(self._moments(wall)))
        if len(moments) == 1:
            return moments[0].isoformat()
        faults.append(Fault(field, self._sentence(wall, moments)))
        return value

    def _moments(self, wall: datetime) -> Iterator[datetime]:
        """When the clocks show this time: once, twice, or never."""
        for fold in (0, 1):
            moment = wall.replace(tzinfo=self._zone, fold=fold)
            utc = moment.replace(tzinfo=UTC) - (moment.utcoffset() or timedelta())
            if utc.astimezone(self._zone).replace(tzinfo=None) == wall:
                yield utc

    def _sentence(self, wall: datetime, moments: list[datetime]) -> str:
        shown = f"{wall:%Y-%m-%d %H:%M}"
        if not moments:
            return f"Give another time, because clocks in {self._timezone} skip {shown}."
        offsets = " or ".join(moment.astimezone(self._zone).isoformat()[-6:] for moment in moments)
        return f"Give the offset too, {offsets}, because clocks in {self._timezone} show {shown} twice."


def _wall(value: Any) -> datetime | None:
    """The time that a text without an offset names, if it names one that can be written in UTC."""
    if not isinstance(value, str) or not _LOCAL.match(value):
        return None
    try:
        wall = datetime.fromisoformat(value)
    except ValueError:
        return None
    return wall if FIRST_DAY <= wall.date() <= LAST_DAY else None
