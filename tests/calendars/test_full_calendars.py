"""What a full calendar leaves out, and calendars without cancelled visits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.calendars.test_feeds import HOUR, shown, write
from tests.world import World, tomorrow


@pytest.fixture
def small_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.calendars.feeds.MOST_VISITS", 3)
    monkeypatch.setattr("services.calendars.feeds.MOST_CALLED_OFF", 2)


@pytest.mark.usefixtures("small_calendar")
def test_a_full_calendar_leaves_out_the_visits_furthest_from_now(world: World) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for hours in (-200, -90, -30, 20, 100, 300):
        write(world, now + hours * HOUR)
    assert [event["DTSTART"].dt for event in shown(world)] == [now + hours * HOUR for hours in (-90, -30, 20)]


@pytest.mark.usefixtures("small_calendar")
def test_cancelled_visits_crowd_out_no_other_and_the_nearest_of_them_stay(world: World) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for hours, status in [(1, "cancelled"), (-2, "expired"), (3, "cancelled"), (4, "expired")]:
        write(world, now + hours * HOUR, status=status)
    live = [(-600, "completed"), (500, "confirmed"), (9_000, "no_show")]
    for hours, status in live:
        write(world, now + hours * HOUR, status=status)
    events = [((event["DTSTART"].dt - now) // HOUR, event["STATUS"] == "CANCELLED") for event in shown(world)]
    assert events == [(-600, False), (-2, True), (1, True), (500, False), (9_000, False)]


def test_a_calendar_without_cancelled_visits_has_all_others(world: World) -> None:
    feeds = world.services.calendar_feeds
    token = feeds.issue(world.org, "tech-1").token
    statuses = ("pending", "confirmed", "completed", "no_show", "cancelled", "expired")
    for hours, status in enumerate(statuses):
        reserved = {"reserved_by": "Alice", "reserved_until": tomorrow(9)} if status == "pending" else {}
        write(world, tomorrow(8) + hours * HOUR, status=status, **reserved)
    assert [each.status for each in feeds.read("tech-1", token, called_off=False).bookings] == list(statuses[:4])
    assert [each.status for each in feeds.read("tech-1", token).bookings] == list(statuses)
