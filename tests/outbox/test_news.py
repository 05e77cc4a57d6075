"""The relay makes the entries of each change once, wherever it dies, and also where MongoDB's log is lost to it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from models.booking import Booking
from services.ledger.documents import as_of
from services.outbox.entries import NewEntry
from services.outbox.news import booking_change, versions_since
from services.relay.news_feed import NewsFeed, Seen
from tests.outbox.receiving import Receiver
from tests.outbox.sending import book, cancel, entries, follow, hook, move, relay_round
from tests.waitlist.waiting import give_back, join, take, tend
from tests.world import World

NOWHERE = "http://127.0.0.1:9/"


class Died(Exception):
    """The relay died here."""


def let_it_die_at(world: World, point: str) -> None:
    def reach(reached: str) -> None:
        if reached == point:
            raise Died

    world.services.relay._news._crash = reach


def dies(world: World) -> None:
    with pytest.raises(Died):
        follow(world)
    world.services.relay._news._crash = lambda _point: None


def made(world: World) -> list[tuple[str, int]]:
    return [(each["kind"], each["version"]) for each in entries(world)]


@pytest.mark.parametrize("point", ["after_news", "after_entries"])
def test_a_relay_that_dies_before_it_saves_its_token_loses_nothing_and_repeats_nothing(
    world: World, point: str
) -> None:
    hook(world, NOWHERE)
    booking = book(world)
    move(world, booking, 12)
    let_it_die_at(world, point)
    dies(world)
    follow(world)
    assert made(world) == [("booking.created", 1), ("booking.moved", 2)]


class EagerFeed(NewsFeed):
    """Saves its token before the entries are made."""

    def read(self) -> Iterator[list[Seen]]:
        return iter(list(super().read()))


def test_a_token_that_is_saved_before_the_entries_loses_them(world: World) -> None:
    """The negative control."""
    hook(world, NOWHERE)
    world.services.relay._news._feed.close()
    world.services.relay._news._feed = EagerFeed(world.services.db)
    book(world)
    let_it_die_at(world, "after_news")
    dies(world)
    follow(world)
    assert made(world) == []


def test_without_ids_that_follow_from_the_news_a_repeat_makes_them_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    hook(world, NOWHERE)
    monkeypatch.setattr(NewEntry, "entry_id", property(lambda _self: secrets.token_hex(8)))
    book(world)
    let_it_die_at(world, "after_entries")
    dies(world)
    follow(world)
    assert made(world) == [("booking.created", 1)] * 2


@pytest.mark.parametrize("loss", ["no token", "unreadable token"])
def test_where_its_position_in_the_log_is_lost_it_walks_over_what_changed_since(world: World, loss: str) -> None:
    hook(world, NOWHERE)
    first = book(world, 8)
    follow(world)
    second = book(world, 10)
    move(world, second, 12)
    cancel(world, first)
    world.services.relay._news._feed.close()
    if loss == "no token":
        world.services.db["meta"].delete_one({"_id": "news"})
    else:
        world.services.db["meta"].update_one({"_id": "news"}, {"$set": {"token": {"_data": "82AA"}}})
    follow(world)
    assert sorted(made(world)) == sorted(
        [("booking.created", 1), ("booking.cancelled", 2), ("booking.created", 1), ("booking.moved", 2)]
    )
    book(world, 14)
    follow(world)
    assert len(made(world)) == 5


def test_a_position_that_does_not_say_its_time_is_walked_over_from_the_start(world: World) -> None:
    hook(world, NOWHERE)
    book(world)
    world.services.relay._news._feed.close()
    world.services.db["meta"].update_one(
        {"_id": "news"}, {"$set": {"token": {"_data": "82AA"}}, "$unset": {"logged": 1}}
    )
    follow(world)
    assert made(world) == [("booking.created", 1)]


def test_a_position_that_was_forgotten_is_not_made_by_a_round_without_news(world: World) -> None:
    hook(world, NOWHERE)
    follow(world)
    feed = world.services.relay._news._feed
    world.services.db["meta"].delete_one({"_id": "news"})
    feed._saved_at = float("-inf")
    follow(world)
    assert world.services.db["meta"].find_one({"_id": "news"}) is None


def test_a_walk_goes_on_where_a_relay_died_in_it(world: World) -> None:
    hook(world, NOWHERE)
    book(world, 8)
    world.services.relay._news._feed.close()
    world.services.db["meta"].delete_one({"_id": "news"})
    let_it_die_at(world, "after_entries")
    dies(world)
    book(world, 10)
    follow(world)
    assert made(world) == [("booking.created", 1)] * 2


def test_while_another_relay_has_the_lease_it_makes_nothing(world: World) -> None:
    hook(world, NOWHERE)
    book(world)
    world.services.db["leases"].update_many({}, {"$set": {"owner": "another"}})
    world.services.relay._news._leases._sure_until.clear()
    world.services.relay.follow_news()
    assert made(world) == []


def test_without_a_webhook_it_follows_nothing_and_keeps_no_position(world: World) -> None:
    follow(world)
    book(world)
    follow(world)
    assert world.services.db["meta"].find_one({"_id": "news"}) is None
    assert world.services.relay._news._feed._stream is None
    webhook = hook(world, NOWHERE)
    assert world.services.db["meta"].find_one({"_id": "news"}) is not None
    world.services.webhooks.delete(world.caller("admin"), webhook.webhook_id)
    follow(world)
    assert world.services.db["meta"].find_one({"_id": "news"}) is None
    assert made(world) == []


def test_a_round_without_news_saves_no_position(world: World) -> None:
    hook(world, NOWHERE)
    before = world.services.db["meta"].find_one({"_id": "news"})
    book(world)
    follow(world)
    after = world.services.db["meta"].find_one({"_id": "news"})
    assert before != after
    follow(world)
    assert world.services.db["meta"].find_one({"_id": "news"}) == after


def test_an_offer_of_the_waitlist_arrives_without_its_hold_also_when_it_is_read_late(
    world: World, receiver: Receiver
) -> None:
    hook(world, receiver.url, ["waitlist.offered"])
    booking = take(world)
    entry = join(world)
    give_back(world, booking)
    tend(world)
    offered = world.services.waitlist.get(world.caller("bot"), entry.waitlist_id)
    assert offered.held_as
    world.services.bookings.book(world.caller("bot"), world.book_request(hold_id=offered.held_as))
    tend(world)
    assert world.services.waitlist.get(world.caller("bot"), entry.waitlist_id).status == "booked"
    relay_round(world)
    (got,) = receiver.got
    assert got.type == "waitlist.offered"
    shown = got.body["data"]["waitlist_entry"]
    assert (shown["waitlist_id"], shown["status"]) == (entry.waitlist_id, "offered")
    assert shown["customer"]["name"] == "Alice"
    assert offered.held_as not in got.text.decode()
    assert str(offered.hold_id) not in got.text.decode()


def changed_often(world: World) -> list[Booking]:
    """A booking at each of its versions."""
    first = book(world, 10)
    second = move(world, first, 12)
    third = move(world, second, 15)
    return [first, second, third, cancel(world, third)]


def test_each_earlier_version_of_a_booking_is_exact(world: World) -> None:
    versions = changed_often(world)
    last = versions[-1]
    for booking in versions:
        then = booking_change(last, booking.version, 0).booking
        assert then.model_copy(update={"claims": ()}) == booking.model_copy(update={"claims": ()})
    news = [booking_change(last, number, 0) for number in (1, 2, 3, 4)]
    assert [each.action for each in news] == ["book", "move", "move", "cancel"]
    assert news[1].previous["start"] == versions[0].start
    assert news[3].previous["status"] == "confirmed"


def test_the_versions_since_a_time_are_named_also_of_an_imported_booking(world: World) -> None:
    versions = changed_often(world)
    last = versions[-1]
    assert versions_since(last, versions[0].updated_at) == [1, 2, 3, 4]
    assert versions_since(last, versions[2].updated_at)[-2:] == [3, 4]
    imported = last.changed(version=40, history=last.history[:1])
    assert versions_since(imported, versions[0].updated_at) == [40]
    assert as_of(imported, 40).version == 40


def test_an_entry_is_the_same_for_the_same_news_alone(world: World) -> None:
    hook(world, NOWHERE)
    source = world.services.relay._news._sources[0]
    booking = book(world)
    change = booking_change(booking, 1, 2**63)
    (first,), (again,) = source.entries([change]), source.entries([change])
    assert first.entry_id == again.entry_id
    assert replace(first, version=2).entry_id != first.entry_id
