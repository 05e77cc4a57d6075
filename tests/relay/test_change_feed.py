"""The relay reads on from its resume token, whatever became since of the booking whose change it read last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.relay.change_feed import Change, ChangeFeed, Position
from tests.world import World

REDIS = "a redis"


@pytest.fixture
def now() -> list[datetime]:
    """The present of the feed, which tests move."""
    return [datetime.now(UTC)]


@pytest.fixture
def feed(lonely_world: World, now: list[datetime]) -> ChangeFeed:
    """A feed whose last change is that of the only booking."""
    db, caller = lonely_world.services.db, lonely_world.caller("desk")
    feed = ChangeFeed(db, lambda: REDIS, lambda: now[0])
    with db["bookings"].watch(max_await_time_ms=5000) as stream:
        made = lonely_world.services.bookings.book(caller, lonely_world.direct_request()).booking
        lonely_world.services.booking_life.act(caller, made.booking_id, "cancel")
        stream.next()
        feed.start_at(Position(REDIS, stream.next()["_id"]))
    return feed


def read(feed: ChangeFeed) -> list[Change]:
    return [change for batch in feed.read() for change in batch]


def what_is_read_next(world: World, feed: ChangeFeed) -> list[Change]:
    """A property gets another name, so that MongoDB has a change to give."""
    world.services.db["properties"].update_one({"org": world.org}, {"$set": {"name": "House of glass"}})
    return read(feed)


def test_a_relay_reads_on_after_the_change_of_a_booking_whose_visit_is_long_over(
    lonely_world: World, feed: ChangeFeed, now: list[datetime]
) -> None:
    now[0] += timedelta(days=9)
    assert what_is_read_next(lonely_world, feed) == [Change(lonely_world.org)]


def test_a_relay_reads_on_after_the_change_of_a_booking_that_was_deleted(lonely_world: World, feed: ChangeFeed) -> None:
    lonely_world.services.db["bookings"].delete_many({"org": lonely_world.org})
    assert what_is_read_next(lonely_world, feed) == [Change(lonely_world.org)]


def test_a_change_of_a_visit_that_ended_more_than_a_day_ago_is_not_read(
    lonely_world: World, feed: ChangeFeed, now: list[datetime]
) -> None:
    (booking,) = lonely_world.bookings()
    for ahead, expected in ((timedelta(), [Change(lonely_world.org, booking["_id"], 2)]), (timedelta(days=9), [])):
        now[0] += ahead
        lonely_world.services.db["bookings"].update_one({"_id": booking["_id"]}, {"$set": {"notes": str(ahead)}})
        assert read(feed) == expected
