"""The hours in which customers are not disturbed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messages.quiet_hours import quiet_until

NIGHT = ["22:00", "07:00"]
NOON = ["12:00", "13:30"]
HERE = "Europe/Copenhagen"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "quiet", "until"),
    [
        ("2026-12-05T20:59", NIGHT, None),
        ("2026-12-05T21:00", NIGHT, "2026-12-06T06:00"),
        ("2026-12-05T23:30", NIGHT, "2026-12-06T06:00"),
        ("2026-12-06T05:59", NIGHT, "2026-12-06T06:00"),
        ("2026-12-06T06:00", NIGHT, None),
        ("2026-07-05T20:00", NIGHT, "2026-07-06T05:00"),  # in summer
        ("2026-12-05T11:00", NOON, "2026-12-05T12:30"),
        ("2026-12-05T12:30", NOON, None),
        ("2026-12-05T23:30", None, None),
        # Clocks go forward and back in the night.
        ("2027-03-27T22:00", NIGHT, "2027-03-28T05:00"),
        ("2027-10-30T22:00", NIGHT, "2027-10-31T06:00"),
    ],
)
def test_it_says_when_the_quiet_hours_end(now: str, quiet: list[str] | None, until: str | None) -> None:
    assert quiet_until(utc(now), quiet, HERE) == (utc(until) if until else None)


CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
ZONES = st.sampled_from([HERE, "Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu", "UTC"])
CHANGES = st.sampled_from(["2027-03-28T01:00", "2027-10-31T01:00", "2027-04-03T15:00", "2027-11-07T06:00"])


@given(st.lists(CLOCK, min_size=2, max_size=2, unique=True), ZONES, CHANGES, st.integers(-3000, 3000))
def test_waiting_comes_to_an_end(quiet: list[str], zone: str, change: str, minutes: int) -> None:
    now = utc(change) + timedelta(minutes=minutes)
    waited = 0
    while (until := quiet_until(now, quiet, zone)) is not None:
        assert now < until <= now + timedelta(hours=26)
        now, waited = until, waited + 1
        assert waited < 12
