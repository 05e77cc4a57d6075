"""Entries in MongoDB: made once, leased to one, in order in a lane, and found along an index whatever waits besides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from scripts.dev_server.child import wait_until
from services.clock import utc_now
from services.outbox.entries import Channel, NewEntry
from services.outbox.shelf import OutboxShelf
from services.outbox.store import Leased, OutboxStore
from tests.world import World

HOUR = timedelta(hours=1)
MESSAGES: list[Channel] = ["sms", "email"]


@pytest.fixture
def outbox(world: World) -> OutboxStore:
    return OutboxStore(world.services.db, utc_now)


def new(booking: str = "bk_1", version: int = 1, **changed: Any) -> NewEntry:
    channel: Channel = "webhook"
    fields: dict[str, Any] = {
        "org": "acme",
        "kind": "booking.changed",
        "channel": channel,
        "receiver": "wh_1",
        "due": utc_now() - HOUR,
        "body": {},
    }
    return NewEntry(booking_id=booking, version=version, **(fields | changed))


def named(leased: list[Leased]) -> list[tuple[str, int]]:
    return sorted((each.entry.booking_id, each.entry.version) for each in leased)


def test_the_same_news_makes_one_entry(outbox: OutboxStore) -> None:
    assert outbox.insert([new(), new(version=2)]) == 2
    assert outbox.insert([new(), new(version=2), new(version=3)]) == 1
    assert outbox.insert([new(receiver="wh_2"), new(kind="booking.moved"), new(org="other")]) == 3


def test_many_leases_at_once_give_each_entry_to_one(outbox: OutboxStore) -> None:
    outbox.insert([new(f"bk_{number}") for number in range(60)])
    with ThreadPoolExecutor(6) as pool:
        rounds = list(pool.map(lambda _: outbox.lease("acme/wh_1", 15), range(24)))
    found = [each for leased in rounds for each in named(leased)]
    assert len(found) == len(set(found)) == 60


def test_without_leases_many_get_the_same_entry(outbox: OutboxStore, world: World) -> None:
    """The negative control: a reader of what is due that takes no lease."""
    outbox.insert([new(f"bk_{number}") for number in range(10)])
    due = [[each["_id"] for each in outbox._due("acme/wh_1", 10)] for _ in range(2)]
    assert due[0] == due[1]


def test_an_entry_is_leased_again_when_its_lease_is_over_and_only_the_holder_ends_it(world: World) -> None:
    quick = OutboxStore(world.services.db, utc_now, lease_seconds=0.2)
    quick.insert([new()])
    (first,) = quick.lease("acme/wh_1", 5)
    assert quick.lease("acme/wh_1", 5) == []
    found: list[Leased] = []
    assert wait_until(lambda: found.extend(quick.lease("acme/wh_1", 5)) or bool(found), seconds=20)
    assert not quick.finish(first, "delivered", {})
    assert quick.finish(found[0], "delivered", {})
    assert quick.lease("acme/wh_1", 5) == []


def test_a_lane_gives_its_first_and_after_its_end_the_next(outbox: OutboxStore) -> None:
    outbox.insert([new("bk_1", 1), new("bk_1", 2), new("bk_1", 3), new("bk_2", 7)])
    leased = outbox.lease("acme/wh_1", 10)
    assert named(leased) == [("bk_1", 1), ("bk_2", 7)]
    assert outbox.lease("acme/wh_1", 10) == []
    for version in (2, 3):
        outbox.finish(next(each for each in leased if each.entry.booking_id == "bk_1"), "delivered", {})
        leased = outbox.lease("acme/wh_1", 10)
        assert named(leased) == [("bk_1", version)]


def test_an_entry_waits_behind_one_that_is_tried_again_later_and_follows_one_that_is_dead(world: World) -> None:
    outbox = OutboxStore(world.services.db, utc_now, try_for_seconds=0)
    outbox.insert([new("bk_1", 1), new("bk_1", 2)])
    patient = OutboxStore(world.services.db, utc_now)
    (first,) = patient.lease("acme/wh_1", 10)
    assert patient.try_again(first, {}, 3600) == "waiting"
    assert patient.lease("acme/wh_1", 10) == []
    world.services.db["outbox"].update_one({"version": 1}, [{"$set": {"due": "$$NOW", "give_up": "$$NOW"}}])
    (first,) = patient.lease("acme/wh_1", 10)
    assert outbox.try_again(first, {"error": "timeout"}, 3600) == "dead"
    assert named(patient.lease("acme/wh_1", 10)) == [("bk_1", 2)]


def test_the_last_attempt_comes_a_day_after_the_first_failure(world: World, outbox: OutboxStore) -> None:
    outbox.insert([new()])
    (leased,) = outbox.lease("acme/wh_1", 1)
    outbox.try_again(leased, {}, 100 * 3600)
    (entry,) = world.services.db["outbox"].find()
    assert entry["due"] == entry["give_up"]
    assert timedelta(hours=23.9) < entry["due"] - utc_now() <= timedelta(hours=24)


def test_what_is_put_off_counts_as_no_attempt(world: World, outbox: OutboxStore) -> None:
    outbox.insert([new(channel="sms", receiver="+1555")])
    (leased,) = outbox.lease("sms", 1)
    outbox.put_off(leased, utc_now() + HOUR)
    assert outbox.lease("sms", 1) == []
    assert [each["attempts"] for each in world.services.db["outbox"].find()] == [0]


def test_text_of_a_receiver_is_kept_as_text(world: World, outbox: OutboxStore) -> None:
    outbox.insert([new()])
    (leased,) = outbox.lease("acme/wh_1", 1)
    outbox.finish(leased, "delivered", {"body": "$due $$NOW"})
    assert [each["detail"] for each in world.services.db["outbox"].find()] == [{"body": "$due $$NOW"}]


def test_a_round_reads_what_is_due_however_much_waits_for_later(world: World, outbox: OutboxStore) -> None:
    later = utc_now() + 5 * HOUR
    outbox.insert([new(f"bk_{number}", due=later) for number in range(400)])
    outbox.insert([new(f"due_{number}") for number in range(3)])
    explained = outbox._due("acme/wh_1", 8).explain()["executionStats"]
    assert explained["nReturned"] == 3
    assert explained["totalDocsExamined"] <= 4
    assert explained["totalKeysExamined"] <= 5
    command = {"distinct": "outbox", "key": "queue", "query": {"open": True}}
    plan = world.services.db.command("explain", command, verbosity="executionStats")["executionStats"]
    assert plan["totalKeysExamined"] <= 5


def test_an_entry_that_has_ended_is_removed_by_mongodb_after_a_month(world: World, outbox: OutboxStore) -> None:
    outbox.prepare()
    kept = world.services.db["outbox"].index_information()["kept"]
    assert (kept["key"], kept["expireAfterSeconds"]) == ([("finished_at", 1)], 30 * 86_400)
    outbox.insert([new(), new("bk_2")])
    outbox.finish(outbox.lease("acme/wh_1", 1)[0], "dead", {})
    assert world.services.db["outbox"].count_documents({"finished_at": {"$type": "date"}}) == 1


def test_sent_again_it_has_all_its_time_and_its_end_forgotten(world: World, outbox: OutboxStore) -> None:
    outbox.insert([new("bk_1", 1), new("bk_1", 2)])
    (first,) = outbox.lease("acme/wh_1", 1)
    outbox.finish(first, "dead", {"error": "timeout"})
    shelf = OutboxShelf(world.services.db)
    kept = shelf.send_again("acme", "wh_1", first.entry.id)
    assert kept is not None
    assert (kept.state, kept.attempts, kept.finished_at) == ("waiting", 0, None)
    assert named(outbox.lease("acme/wh_1", 10)) == [("bk_1", 1), ("bk_1", 2)]  # it keeps nothing waiting
    assert shelf.send_again("other", "wh_1", first.entry.id) is None


def test_what_receivers_answered_about_a_booking_is_forgotten(world: World, outbox: OutboxStore) -> None:
    outbox.insert([new("bk_1"), new("bk_2")])
    for leased in outbox.lease("acme/wh_1", 2):
        outbox.finish(leased, "delivered", {"status": 200, "body": f"Hello {leased.entry.booking_id}"})
    shelf = OutboxShelf(world.services.db)
    assert shelf.forget_answers("acme", ["bk_1"]) == 1
    details = [each["detail"] for each in world.services.db["outbox"].find().sort("booking_id")]
    assert details == [{"status": 200}, {"status": 200, "body": "Hello bk_2"}]
    assert shelf.forget_answers("acme", ["bk_1"]) == 0


def test_a_list_of_messages_of_a_kind_reads_its_page_alone(world: World, outbox: OutboxStore) -> None:
    outbox.insert([new(f"bk_{number}", kind="reminder", channel="sms", receiver="sms") for number in range(300)])
    outbox.insert([new(f"bk_{number}", kind="moved", channel=to, receiver=to) for number in (1, 2) for to in MESSAGES])
    shelf = OutboxShelf(world.services.db)
    found, cursor = shelf.messages("acme", MESSAGES, 2, None, kind="moved")
    rest, end = shelf.messages("acme", MESSAGES, 2, cursor, kind="moved")
    assert {(each.channel, each.booking_id) for each in (*found, *rest)} == {
        (to, booking) for to in MESSAGES for booking in ("bk_1", "bk_2")
    }
    assert end is None
    wanted = {"org": "acme", "channel": {"$in": MESSAGES}, "receiver": {"$in": MESSAGES}, "kind": "moved"}
    for at in (None, cursor):
        plan = shelf._documents(wanted, "by_kind", 3, at).explain()
        assert "'SORT'" not in str(plan["queryPlanner"]["winningPlan"])
        assert plan["executionStats"]["totalKeysExamined"] <= 10
