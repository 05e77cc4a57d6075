"""All visits of a series are booked, or none, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from models.access import Caller
from models.errors import Refusal, SlotBooked, SlotHeld, StoreUnavailable
from scripts.dev_server.child import wait_until
from services import Services
from services.ledger import series as ledger
from services.ledger.series import SeriesStore
from tests.bookings.evidence import another_server, insert_only, lose_redis, owners
from tests.bookings.moving import Died, check_settled, die, failing, pins, tend
from tests.series.making import KEY, STEPS, at_step, booked, make, start
from tests.world import World, rfc3339

WEEKS = [start(week) for week in range(4)]


@pytest.fixture
def world(lonely_world: World) -> World:
    """A world alone in its database, whose relay has caught up."""
    lonely_world.services.relay.carry_over_changes()
    lonely_world.services.redis.set(lonely_world.names.epoch, "an epoch")
    return lonely_world


def check_all(world: World) -> None:
    assert [booking.start for booking in booked(world)] == WEEKS
    check_settled(world)


def check_none(world: World) -> None:
    assert booked(world) == []
    assert list(world.services.db["series"].find({"org": world.org})) == []
    check_settled(world)


def book_unseen(world: World, week: int) -> None:
    """A booking of a visit's slot that Redis does not know."""
    insert_only(world, world.caller("desk"), world.direct_request(start=rfc3339(start(week))))


def test_the_mirror_shows_all_visits_at_once(world: World) -> None:
    made = make(world.services, world.caller("desk"))
    assert [booking.start for booking in made.bookings] == WEEKS
    check_all(world)


def test_a_visit_that_mongodb_alone_knows_to_be_taken_takes_back_all(world: World) -> None:
    book_unseen(world, 2)
    with pytest.raises(SlotBooked) as refused:
        make(world.services, world.caller("desk"))
    assert [each["start"] for each in refused.value.members["occurrences"]] == [WEEKS[2]]
    check_none(world)


def test_without_the_transaction_half_a_series_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(_client: Any, work: Callable[[None], None], _seconds: float) -> None:
        work(None)

    monkeypatch.setattr(ledger, "in_transaction", at_once)
    book_unseen(world, 2)
    with pytest.raises(Refusal):
        make(world.services, world.caller("desk"))
    assert [booking.start for booking in booked(world)] == WEEKS[:2]


def test_any_technician_means_one_who_is_free_each_time(world: World) -> None:
    book_unseen(world, 2)
    made = make(world.services, world.caller("desk"), technician_id=None, property_id="prop-2")
    assert [booking.technician_id for booking in made.bookings] == ["tech-1", "tech-1", "tech-2", "tech-1"]
    assert len(booked(world)) == 4


@pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_dies_leaves_all_or_none_and_the_relay_does_the_rest(world: World, step: str, key: Any) -> None:
    doomed = another_server(world)
    at_step(doomed, step, die)
    with pytest.raises(Died):
        make(doomed, world.caller("desk"), key)
    tend(world)
    (check_all if step == "after_series" else check_none)(world)
    if step != "after_series":
        make(world.services, world.caller("desk"), key)
        check_all(world)


def test_until_then_no_other_client_gets_a_visit(world: World) -> None:
    doomed = another_server(world)
    at_step(doomed, "after_series_claim", die)
    with pytest.raises(Died):
        make(doomed, world.caller("desk"))
    with pytest.raises(SlotHeld):
        world.services.bookings.book(world.caller("bot"), world.direct_request(start=rfc3339(WEEKS[3])))


@pytest.mark.parametrize("flushed", [False, True], ids=["", "and Redis is lost"])
@pytest.mark.parametrize("step", STEPS)
def test_a_repeat_after_a_dead_worker_gets_the_series(world: World, step: str, flushed: bool) -> None:
    bob, doomed = world.caller("desk"), another_server(world)
    at_step(doomed, step, die)
    with pytest.raises(Died):
        make(doomed, bob, KEY)
    if flushed:
        lose_redis(world)
    made = make(world.services, bob, KEY)
    assert made.replayed == (step == "after_series")
    assert [booking.start for booking in made.bookings] == WEEKS
    assert make(world.services, bob, KEY).bookings == made.bookings
    world.services.relay.tend()
    tend(world)
    check_all(world)


def test_two_attempts_of_one_request_make_one_series(world: World) -> None:
    """The first worker only seems dead: it goes on while the repeat has made the series."""
    bob, slow, answers = world.caller("desk"), another_server(world), list[Any]()
    at_step(slow, "after_series_claim", lambda: answers.append(make(world.services, bob, KEY)))
    answers.append(make(slow, bob, KEY))
    assert answers[0].bookings == answers[1].bookings
    tend(world)
    check_all(world)


LOST = {"closeConnection": True}
NO_MAJORITY = {"writeConcernError": {"code": 64, "errmsg": "no majority yet"}}


def failing_commits(world: World, mode: Any = "alwaysOn", **data: Any) -> Any:
    return failing(world, mode, namespace=None, failCommands=["commitTransaction"], **data)


@pytest.mark.parametrize("data", [LOST, NO_MAJORITY], ids=["lost", "made"])
def test_a_commit_without_an_answer_is_sent_again(world: World, data: dict[str, Any]) -> None:
    with failing_commits(world, {"times": 1}, **data):
        make(world.services, world.caller("desk"))
    check_all(world)


@pytest.mark.usefixtures("brief_writes")
def test_a_series_that_was_made_without_an_answer_is_found(world: World) -> None:
    with failing_commits(world, **NO_MAJORITY):
        made = make(world.services, world.caller("desk"))
    assert [booking.start for booking in made.bookings] == WEEKS
    check_all(world)


@pytest.mark.usefixtures("brief_writes")
def test_while_the_outcome_is_open_nothing_is_undone_and_a_repeat_learns_it(world: World) -> None:
    bob = world.caller("desk")
    with failing_commits(world, **LOST), pytest.raises(StoreUnavailable):
        make(world.services, bob, KEY)
    assert len(pins(world)) == 4
    with pytest.raises(SlotHeld):
        world.services.holds.place(world.caller("bot"), world.hold_request(start=rfc3339(WEEKS[1])))
    # MongoDB ends the transaction that was never committed by itself, and until then lets no other write its claims.
    assert wait_until(lambda: is_made(world, bob), seconds=20)
    check_all(world)


def is_made(world: World, caller: Caller) -> bool:
    try:
        return not make(world.services, caller, KEY).replayed
    except StoreUnavailable:
        return False


@pytest.mark.usefixtures("brief_writes")
def test_without_mongodb_the_pins_are_given_back(world: World) -> None:
    with failing(world, "alwaysOn", namespace=None, failCommands=["insert"], **LOST), pytest.raises(StoreUnavailable):
        make(world.services, world.caller("desk"))
    assert owners(world) == {}
    check_none(world)


def test_without_redis_no_series_is_made(world: World, cut_off: Services) -> None:
    with pytest.raises(StoreUnavailable):
        make(cut_off, world.caller("desk"))
    check_none(world)


def test_after_redis_was_lost_mongodb_decides(world: World) -> None:
    bob = world.caller("desk")
    world.services.bookings.book(bob, world.direct_request(start=rfc3339(WEEKS[1])))
    lose_redis(world)
    with pytest.raises(SlotBooked):
        make(world.services, bob)
    assert booked(world) == []
    make(world.services, bob, only=[rfc3339(each) for each in WEEKS if each != WEEKS[1]])
    assert len(booked(world)) == 3
    assert world.double_booked() == []


@pytest.mark.parametrize("cold", [False, True], ids=["", "while Redis is cold"])
def test_of_two_series_for_one_technician_one_is_made_whole(world: World, cold: bool) -> None:
    servers = [another_server(world) for _ in range(2)]
    for number in range(6):
        if cold:
            lose_redis(world)
        first, gate = rfc3339(start(0, 8 + number)), Barrier(2)

        def book(side: int, first: str = first, gate: Barrier = gate) -> object:
            gate.wait()
            try:
                return make(servers[side], world.caller("desk"), property_id=f"prop-{side + 1}", start=first)
            except Refusal as refusal:
                return refusal

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(book, range(2)))
        refusals = [each for each in answers if isinstance(each, Refusal)]
        made = [each for each in booked(world) if each.start.hour == 8 + number]
        assert len(made) == 4 * (2 - len(refusals))
        assert len({each.series_id for each in made}) == 2 - len(refusals)
        assert refusals
    assert world.double_booked() == []


def test_the_store_prepares_itself_twice_without_harm(world: World) -> None:
    SeriesStore(world.services.db, world.services.booking_life._store).prepare()
