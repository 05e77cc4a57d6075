"""Readers of all changes, on a real mongod: they miss none, although writes overlap their reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Thread
from typing import Any

import pytest

from models.booking import Booking
from models.booking_changes import BookingPatch
from models.booking_lists import BookingQuery
from models.errors import InvalidRequest
from scripts.dev_server.child import wait_until
from services.ids import booking_id_for
from services.ledger.changes_since import LONGEST_WRITE_SECONDS, Changes, ChangesSince, PageEnd
from services.ledger.documents import document_of
from services.ledger.listing import BookingList
from services.stores.pages import write_cursor
from tests.bookings.reserving import Clock, book, cancel, reserve, run_out
from tests.bookings.sample import sample
from tests.ledger.test_listing import stages
from tests.world import World, rfc3339, services_over, tomorrow

SOON = 30
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MANY = 300
FILTERS: list[dict[str, str]] = [
    {},
    {"property_id": "prop-1", "technician_id": "tech-1"},
    {"status": "cancelled"},
    {"from": rfc3339(tomorrow()), "to": rfc3339(tomorrow() + timedelta(days=300))},
]


def changes(world: World, since: datetime = LONG_AGO, **query: Any) -> Changes:
    return ChangesSince(world.services.db).page(world.org, BookingQuery.model_validate(query), since)


def ids(found: Changes) -> list[str]:
    return [booking.booking_id for booking in found.bookings]


def ended(world: World, number: int) -> Booking:
    """One of many inactive bookings, whose own times are all long past."""
    return sample(
        tomorrow(0) + timedelta(hours=number),
        booking_id=booking_id_for(world.org, str(number)),
        org=world.org,
        status="cancelled",
        made_by=world.caller("desk").key_id,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )


def pages(world: World, query: BookingQuery, since: datetime = LONG_AGO) -> Iterator[Changes]:
    """Page after page, each read when the caller asks for it."""
    while True:
        page = ChangesSince(world.services.db).page(world.org, query, since)
        yield page
        if page.cursor is None:
            return
        query = query.model_copy(update={"cursor": page.cursor})


@pytest.fixture
def many(world: World) -> list[str]:
    """The ids of many bookings in the order in which they were written."""
    written = [ended(world, number * 7 % MANY) for number in range(MANY)]
    world.services.db["bookings"].insert_many([document_of(booking) for booking in written])
    return [booking.booking_id for booking in written]


@pytest.mark.parametrize("wanted", FILTERS)
@pytest.mark.parametrize("later_page", [False, True])
@pytest.mark.usefixtures("many")
def test_each_page_reads_along_the_index_of_changes(world: World, wanted: dict[str, str], later_page: bool) -> None:
    reader, query, last = ChangesSince(world.services.db), BookingQuery.model_validate({**wanted, "limit": 5}), None
    if later_page:
        (end,) = reader.documents(world.org, query.model_copy(update={"limit": 1}), LONG_AGO).limit(1)
        last = PageEnd(end["changed"], end["_id"], 0)
    plan = reader.documents(world.org, query, LONG_AGO, last).explain()
    used = stages(plan["queryPlanner"]["winningPlan"])
    assert [stage["indexName"] for stage in used if stage["stage"] == "IXSCAN"] == ["by_change"]
    assert not {"SORT", "COLLSCAN"} & {stage["stage"] for stage in used}
    assert plan["executionStats"]["totalKeysExamined"] <= 20


def test_the_oldest_change_comes_first_and_pages_neither_skip_nor_repeat(world: World, many: list[str]) -> None:
    read = list(pages(world, BookingQuery(limit=37)))
    assert [name for page in read for name in ids(page)] == many
    assert len({page.following for page in read}) == 1


def test_a_booking_that_changes_while_others_read_comes_again_at_the_end(world: World, many: list[str]) -> None:
    made, seen = book(world), list[str]()
    for number, page in enumerate(pages(world, BookingQuery(limit=100))):
        seen += ids(page)
        if number == 0:
            world.services.db["bookings"].insert_one(document_of(ended(world, MANY)))
        if number == len(many) // 100:
            cancel(world, made)
    new = booking_id_for(world.org, str(MANY))
    assert seen == [*many, made.booking_id, new]
    *_, last = pages(world, BookingQuery(limit=100), page.following)
    assert ids(last)[-1] == made.booking_id


def test_every_kind_of_change_is_seen(world: World) -> None:
    bob, life = world.caller("desk"), world.services.booking_life
    acts: list[Callable[[], Booking]] = [
        lambda: book(world),
        lambda: life.reschedule(bob, seen[0].booking_id, BookingPatch(description="Ring twice."), None),
        lambda: life.reschedule(
            bob, seen[0].booking_id, BookingPatch.model_validate({"start": rfc3339(tomorrow(15))}), None
        ),
        lambda: life.end_tokens(bob, seen[0].booking_id),
        lambda: cancel(world, seen[0]),
        lambda: reserve(world),
    ]
    seen: list[Booking] = []
    for act in acts:
        seen.append(act())
        assert changes(world).bookings[-1] == seen[-1]
    run_out(world, seen[-1])
    assert life.changes_since(bob, BookingQuery(status="pending"), LONG_AGO).bookings == []
    assert life.changes_since(bob, BookingQuery(), LONG_AGO).bookings[-1].status == "expired"


def test_bookings_whose_own_times_are_old_count_from_when_they_came(world: World, many: list[str]) -> None:
    """As after an import."""
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert ids(changes(world, since, limit=200)) == many[:200]
    assert changes(world, datetime.now(UTC) + timedelta(minutes=1)).bookings == []


def test_bookings_of_an_earlier_release_count_as_changed_when_the_database_is_prepared(world: World) -> None:
    old, bookings = book(world), world.services.db["bookings"]
    bookings.update_one({"_id": old.booking_id}, {"$unset": {"changed": ""}})
    assert ids(changes(world)) == []
    world.services.prepare()
    assert ids(changes(world)) == [old.booking_id]
    before = world.bookings()
    world.services.prepare()
    assert world.bookings() == before


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(hours=-1)], ids=["ahead", "behind"])
def test_the_clock_of_a_server_does_not_matter(world: World, ahead: timedelta) -> None:
    clock = Clock()
    clock.ahead = ahead
    wrong = services_over(world.services.redis, world.services.db, clock, prepared=True)
    made = wrong.bookings.book(world.caller("bot"), world.direct_request()).booking
    found = wrong.booking_life.changes_since(world.caller("desk"), BookingQuery(), LONG_AGO)
    wrong.access.close()
    assert ids(found) == [made.booking_id]
    assert abs(found.following - datetime.now(UTC)) < timedelta(minutes=1)


@contextmanager
def held_up(world: World, point: str, write: Callable[[], object]) -> Iterator[None]:
    """MongoDB has begun a write, and does not go on with it before the end of the block."""
    admin = world.services.db.client.admin
    entered = admin.command("configureFailPoint", point, mode="alwaysOn")["count"]
    thread = Thread(target=write)
    try:
        thread.start()
        admin.command("waitForFailPoint", point, timesEntered=entered + 1, maxTimeMS=SOON * 1000)
        yield
    finally:
        admin.command("configureFailPoint", point, mode="off")
        thread.join(SOON)


def slow_insert_is_seen(world: World, longest_write_seconds: int) -> bool:
    """Two writers, one of which begins first and ends last. A reader reads between the two ends, and once more from the
    time that this read gave: whether the second read shows what the slow writer wrote."""
    reader, quick, late = ChangesSince(world.services.db, longest_write_seconds), book(world), ended(world, 1)
    with held_up(world, "hangDuringBatchInsert", partial(world.services.db["bookings"].insert_one, document_of(late))):
        begun = datetime.now(UTC)
        assert wait_until(lambda: datetime.now(UTC) - begun > timedelta(seconds=2), seconds=SOON)
        cancel(world, quick)
        first = reader.page(world.org, BookingQuery(), LONG_AGO)
    assert wait_until(lambda: bool(world.bookings(_id=late.booking_id)), seconds=SOON)
    assert ids(first) == [quick.booking_id]
    return late.booking_id in ids(reader.page(world.org, BookingQuery(), first.following))


def test_a_change_whose_write_began_before_a_read_and_ended_after_it_is_not_missed(world: World) -> None:
    assert slow_insert_is_seen(world, LONGEST_WRITE_SECONDS)


def test_a_reader_that_goes_on_from_the_time_of_its_read_would_miss_it(world: World) -> None:
    """The negative control: the reader does not go back by the longest write."""
    assert not slow_insert_is_seen(world, 0)
    assert len(changes(world).bookings) == 2


def test_over_http(world: World) -> None:
    first, second = book(world).booking_id, reserve(world, 14).booking_id
    client, headers = world.client(), world.auth("desk")

    def listed(query: str) -> Any:
        reply = client.get(f"/bookings?{query}", headers=headers)
        assert reply.status_code == 200, reply.text
        return reply.get_json()

    page = listed("updated_since=2020-01-01T00:00:00Z&limit=1")
    assert [each["booking_id"] for each in page["bookings"]] == [first]
    rest = listed(f"updated_since=2020-01-01T00:00:00Z&limit=1&cursor={page['next_cursor']}")
    assert [each["booking_id"] for each in rest["bookings"]] == [second]
    assert (rest["next_cursor"], rest["next_updated_since"]) == (None, page["next_updated_since"])
    assert [each["booking_id"] for each in listed(f"updated_since={rest['next_updated_since']}")["bookings"]] == [
        first,
        second,
    ]
    assert listed("limit=1").keys() == {"bookings", "next_cursor"}


@pytest.mark.parametrize("parts", [("1", "x", "bk_1", "1"), ("9" * 30, "1", "bk_1", "1"), ("1", "1", "bk_1", "9" * 30)])
def test_a_cursor_whose_times_are_none_is_refused(world: World, parts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest):
        changes(world, cursor=write_cursor(*parts))


def test_the_cursors_of_the_two_orders_are_not_mixed_up(world: World) -> None:
    book(world), reserve(world, 14)
    _, by_start = BookingList(world.services.db).page(world.org, BookingQuery(limit=1))
    by_change = changes(world, limit=1).cursor
    assert by_start
    assert by_change
    with pytest.raises(InvalidRequest):
        changes(world, cursor=by_start)
    with pytest.raises(InvalidRequest):
        BookingList(world.services.db).page(world.org, BookingQuery(cursor=by_change))


@pytest.mark.parametrize(("year", "found"), [(1, 1), (1969, 1), (2107, 0), (9999, 0)])
def test_times_that_no_log_of_mongodb_can_name_are_taken(world: World, year: int, found: int) -> None:
    book(world)
    assert len(changes(world, datetime(year, 6, 1, tzinfo=UTC)).bookings) == found
