"""The hours in which customers are not disturbed, by the clock of the property. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(now: datetime, quiet: list[str] | None, zone: str) -> datetime | None:
    """When the quiet hours that `now` lies in end; None outside them.

    quiet: from and to, such as 22:00 and 07:00, in local time; None for no quiet hours. `to` itself is not quiet.
    """
    if quiet is None:
        return None
    begin, end = map(time.fromisoformat, quiet)
    local = now.astimezone(ZoneInfo(zone))
    clock = local.time()
    if begin < end:
        is_quiet, days = begin <= clock < end, 0
    else:
        is_quiet, days = clock >= begin or clock < end, int(clock >= begin)
    if not is_quiet:
        return None
    ends = datetime.combine(local.date() + timedelta(days=days), end, ZoneInfo(zone)).astimezone(UTC)
    # Where clocks are set, the wall time of the end may be twice, or in a gap: it is over once it lies ahead.
    return ends if ends > now else now + timedelta(minutes=15)
