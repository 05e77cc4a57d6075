"""The relay reads on from its resume token, whatever became since of the booking whose change it read last."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from bson.timestamp import Timestamp

from services.relay.change_feed import (
    BATCH,
    IDLE,
    WANTED,
    Change,
    ChangeFeed,
    FeedLost,
    Position,
    end_token,
    read_until,
)
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


class Busy:
    """A change stream that has always one more change: one each second, from 1 on."""

    def __init__(self) -> None:
        self.read = 0

    def try_next(self) -> dict[str, Timestamp]:
        self.read += 1
        return {"clusterTime": Timestamp(self.read, 1)}


@pytest.mark.parametrize(("now", "events", "goes_on"), [(3, 4, False), (BATCH, BATCH, True), (2 * BATCH, BATCH, True)])
def test_a_read_ends_at_the_present_although_changes_go_on(now: int, events: int, goes_on: bool) -> None:
    stream = Busy()
    found, more = read_until(Timestamp(now, 1), stream)  # type: ignore[arg-type]
    assert (len(found), stream.read, more) == (events, events, goes_on)


@pytest.mark.parametrize(("age", "is_saved"), [(timedelta(), False), (2 * IDLE, True)])
def test_where_nothing_has_changed_a_token_is_saved_only_when_it_is_old(
    lonely_world: World, feed: ChangeFeed, age: timedelta, is_saved: bool
) -> None:
    assert read(feed) == []
    states = lonely_world.services.db["relay_state"]
    states.update_one({"_id": REDIS}, {"$set": {"at": datetime.now(UTC) - age}})
    before = states.find_one({"_id": REDIS})
    assert read(feed) == []
    assert (states.find_one({"_id": REDIS}) != before) == is_saved


class BusyLog:
    """Stands for a database, and for its stream whose first reply has changes: it has no token until they are read."""

    def __init__(self, changes: int) -> None:
        self._changes = changes
        self.resume_token: dict[str, str] | None = None

    def watch(self, pipeline: list[Any], **_options: Any) -> Any:
        assert pipeline == [{"$match": WANTED}]
        return nullcontext(self)

    def try_next(self) -> dict[str, str]:
        self._changes -= 1
        if self._changes == 0:
            self.resume_token = {"_data": "82"}
        return {"operationType": "insert"}


def test_the_token_of_the_present_is_one_also_while_others_write() -> None:
    assert end_token(cast("Any", BusyLog(3)), WANTED) == {"_data": "82"}


def test_a_position_without_a_token_is_a_lost_one(feed: ChangeFeed) -> None:
    feed.start_at(Position(REDIS, None))
    with pytest.raises(FeedLost):
        read(feed)
