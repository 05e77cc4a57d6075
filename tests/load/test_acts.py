"""Scenarios in several acts: who plays in which, what they carry over from one to the next, and how they behave."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import mongomock
import pytest

from scripts.load.client.barrier import release
from scripts.load.client.steps import Exchange, Pause, Send
from scripts.load.client.target import Target
from scripts.load.naive import GRID_MINUTES
from scripts.load.players.clients import Person
from scripts.load.players.plays import perform
from scripts.load.rules.evidence import Deadline, Evidence, Mark
from scripts.load.rules.reading import parse_mark, read_bookings
from scripts.load.rules.verdict import judge
from scripts.load.scenarios import acts
from scripts.load.scenarios.races import SCENARIOS
from scripts.load.scenarios.stage import World
from tests.load.planted import slot
from tests.load.test_naive import naive_on
from tests.load.test_scenarios import BOOKED, KEYS, TAKEN, requests, steps, world_for

BOOKING = {"booking_id": "b1", "version": 1}
OLD = {"status": 412, "code": "version_conflict"}
PLACE = slot()


def granted(person: Person, **reply: Any) -> Exchange:
    """What a person's first request is answered when it is granted."""
    sent = next(step for step in steps(person, [{"status": 201}] * 9) if isinstance(step, Send) and not step.drop)
    told = {**sent.asked, **{name: f"{name}-{person.tag}" for name in ("booking_id", "hold_id", "waitlist_id")}}
    return Exchange(
        sent.operation, sent.logical, sent.client, sent.asked, 1, 2, 201, told | {"version": 1} | reply,
        token=f"token-{person.tag}",
    )  # fmt: skip


def last_act(name: str, count: int = 100) -> tuple[World, list[Person]]:
    """The world before the last act when everything before was granted, and the people of that act."""
    scenario, world, rng = SCENARIOS[name], world_for(name), random.Random(3)
    for act in scenario.prologue:
        world = replace(world, past=(*world.past, *map(granted, act(world, count, rng))))
    soon = Deadline(datetime.now(UTC), 100.0)
    world = replace(world, deadlines={each.reply["booking_id"]: soon for each in world.made("reserve")})
    return world, scenario.people(world, count, rng)


def person(how: str, role: str = "desk", **more: Any) -> Person:
    return Person("run", "4", role, how, PLACE, more.pop("keys", KEYS), **more)


@pytest.mark.parametrize("name", ["reschedule", "reserve-deadline", "waitlist"])
@pytest.mark.parametrize("count", [2, 100, 5000])
def test_the_last_act_has_as_many_people_as_asked_for_and_none_shares_a_tag(name: str, count: int) -> None:
    _, people = last_act(name, count)
    assert len({each.tag for each in people}) == len(people) == count


@pytest.mark.parametrize("name", ["reschedule", "reserve-deadline", "waitlist"])
def test_one_seed_gives_one_run_of_all_acts(name: str) -> None:
    assert last_act(name)[1] == last_act(name)[1]


def test_many_move_the_same_version_and_a_customer_moves_with_the_token_of_the_booking_alone() -> None:
    world, people = last_act("reschedule")
    movers = [each for each in people if each.how == "moves"]
    assert len({each.subject["booking_id"] for each in movers}) < len(movers)
    customers = [each for each in movers if each.role == "web"]
    tokens = {each.reply["booking_id"]: each.token for each in world.past}
    assert customers
    for each in customers:
        assert each.keys["checkout"] == tokens[each.subject["booking_id"]]
        assert all(place.keys() <= {"start", "duration_minutes", "technician_id"} for place in each.slots_after)


def test_a_mover_names_the_version_that_it_knows_and_looks_after_it_was_too_late() -> None:
    newer = {"status": "confirmed", "version": 5, "booking_id": "b1"}
    mover = person("moves", subject=BOOKING, slots_after=(PLACE, PLACE, PLACE))
    answers = [(200, {**BOOKING, "version": 2}), (412, OLD), (200, newer), (409, TAKEN)]
    sent = steps_with(mover, answers)
    assert [(step.method, step.asked.get("version")) for step in sent] == [
        ("PATCH", 1), ("PATCH", 2), ("GET", None), ("PATCH", 5)
    ]  # fmt: skip
    assert b'If-Match: "2"' in sent[1].encoded()
    assert sent[0].body is not None
    assert sent[0].body["description"] == "run/4:move0"


def steps_with(one: Person, answers: list[tuple[int, dict[str, Any]]]) -> list[Send]:
    """The requests of a person who is answered like this; a reply may carry a status of its own."""
    play, taken, remaining = perform(one), [], iter(answers)
    step = next(play)
    try:
        while True:
            answer = None
            if isinstance(step, Send):
                taken.append(step)
                status, reply = (0, {}) if step.drop else next(remaining)
                answer = Exchange(step.operation, step.logical, step.client, step.asked, 0, 0, status, reply)
            step = play.send(answer)
    except StopIteration:
        return taken


def test_only_what_was_granted_is_repeated_by_a_mover() -> None:
    mover = person("moves", subject=BOOKING, slots_after=(PLACE,), repeat="again")
    assert len(steps_with(mover, [(409, TAKEN)])) == 1
    first, again = steps_with(mover, [(200, BOOKING), (200, BOOKING)])
    assert first.encoded() == again.encoded()


def test_who_forgets_the_version_sends_none() -> None:
    [sent] = steps_with(person("forgets_the_version", subject=BOOKING, slots_after=(PLACE,)), [(428, {})])
    assert b"If-Match" not in sent.encoded()


def test_reservations_are_confirmed_around_the_deadline_and_before_and_given_up_for_another_desk() -> None:
    _, people = last_act("reserve-deadline")
    plays = {each.how for each in people}
    assert plays == {"confirms", "gives_up", "reserves_again", "races"}
    moments = [each.subject["moment"] - 100.0 for each in people if each.how == "confirms"]
    assert min(moments) < -1 < -0.5 < sorted(moments)[2] < max(moments) < 0.5


def test_who_races_is_refused_before_the_deadline_and_comes_back_at_that_moment() -> None:
    taken = steps(person("races", "web", subject={"moment": 7.0}), [TAKEN, {"status": 201, "hold_id": "h1"}, BOOKED])
    assert [step.until if isinstance(step, Pause) else step.logical for step in taken] == [
        "4:hold0", 7.0, "4:hold1", "4:book1"
    ]  # fmt: skip


def test_who_gives_up_may_confirm_before() -> None:
    subject = {**BOOKING, "moment": 0.0, "confirmed_first": True}
    assert [each.operation for each in requests(person("gives_up", subject=subject), BOOKED, BOOKED)] == [
        "confirm", "cancel"
    ]  # fmt: skip


def test_another_desk_reserves_again_until_it_is_free() -> None:
    sent = requests(person("reserves_again", subject={"moment": 0.0}), TAKEN, BOOKED)
    assert [each.logical for each in sent] == ["4:reserve0", "4:reserve1"]


def test_who_waits_and_who_had_the_slot_play_on_under_their_own_names() -> None:
    world, people = last_act("waitlist")
    before = {each.logical.partition(":")[0]: each.client for each in world.past}
    carried = [each for each in people if each.how in ("waits", "frees", "lets_run_out")]
    assert len(carried) == len(before) == 70
    assert all(before[each.tag] == each.role for each in carried)
    assert {each.how for each in people} > {"checkout", "at_the_desk", "abandons"}


def waiter(habit: str, *, early_seconds: float = 9.0) -> Person:
    subject = {"waitlist_id": "w1", "habit": habit, "seconds": 9.0, "early_seconds": early_seconds}
    return person("waits", "web", subject=subject)


def offer(over: timedelta = timedelta(seconds=60)) -> dict[str, Any]:
    until = (datetime.now(UTC) + over).isoformat()
    return {"waitlist_id": "w1", "status": "offered", "hold_id": "h1", "expires_at": until}


@pytest.mark.parametrize(
    ("habit", "answers", "operations"),
    [
        ("books", [(200, {"status": "waiting"}), (200, offer()), (201, {})], ["look", "look", "book"]),
        ("leaves", [(200, offer()), (204, {})], ["look", "leave"]),
        ("leaves early", [(204, {})], ["leave"]),
        ("lapses", [(200, offer()), (410, {}), (200, {"status": "lapsed"})], ["look", "book", "look"]),
        ("books", [(200, {"status": "lapsed"})], ["look"]),
    ],
)
def test_who_waits_does_as_is_its_habit(habit: str, answers: list[Any], operations: list[str]) -> None:
    assert [each.operation for each in steps_with(waiter(habit), answers)] == operations


def test_a_late_offer_is_booked_by_one_who_would_have_let_an_early_one_lapse() -> None:
    sent = steps_with(waiter("lapses", early_seconds=0.0), [(200, offer()), (201, {})])
    assert [each.logical for each in sent] == ["4:look", "4:book"]


def test_a_pause_until_a_moment_ends_then_however_early_it_was_asked_for() -> None:
    pause = Pause(until=time.monotonic() + 60)
    assert 59 < pause.left <= 60
    assert Pause(until=time.monotonic() - 1).left == 0
    assert Pause(0.5).left == 0.5


def test_nobody_is_released_before_the_curtain_rises() -> None:
    curtain = time.monotonic() + 1.0
    with naive_on(mongomock.MongoClient(tz_aware=True).scratch, window_seconds=0.0) as server:
        address = ("127.0.0.1", int(server.server_address[1]))
        outcome = release(address, [person("at_the_desk")], processes=1, not_before=curtain)
    assert outcome.exchanges[0].sent >= curtain


def test_the_mark_of_a_reservation_is_read_like_any_other() -> None:
    assert parse_mark("booked|bk-1|8|12|3|pending", 5000) == Mark("booked", "bk-1", 8, 12, 3, 5000)


def _all_to_one_place(world: World, _requests: int, _rng: random.Random) -> list[Person]:
    """Two desks for each booking, who want to move its first version: one to the same place as all, one elsewhere."""
    place, elsewhere = world.numbered_slot(159), {"start": world.numbered_slot(19)["start"]}
    return [
        replace(person("moves", subject=booked.reply, slots_after=(where,), keys=world.keys), tag=str(100 + number))
        for number, (booked, where) in enumerate(
            (booked, where) for booked in world.made("direct") for where in (place, elsewhere)
        )
    ]


def test_the_naive_server_moves_bookings_onto_each_other_and_the_verdict_sees_it() -> None:
    scenario, world, rng = SCENARIOS["reschedule"], world_for("reschedule"), random.Random(5)
    scenario = replace(scenario, people=_all_to_one_place)
    world = replace(world, keys=dict.fromkeys(("checkout", "desk", "bot", "admin"), "naive"))
    database: Any = mongomock.MongoClient(tz_aware=True).scratch
    with naive_on(database, window_seconds=0.2) as server:
        target = Target(server.url, "naive", world.keys, "", "")
        world = acts.prologue(target, scenario, world, 40, rng, processes=2)
        how: dict[str, Any] = {"processes": 2, "progress": lambda _: None}
        outcome = acts.last_act(target, scenario, world, 40, rng, **how)
    bookings, neighbours = read_bookings(database, "naive", world)
    findings = judge(Evidence("run", GRID_MINUTES * 60, False, outcome.exchanges, bookings, neighbours))
    for rule in ("one visit at a time", "one booking per claim", "one winner a version", "moves are recorded"):
        assert findings[rule], rule
