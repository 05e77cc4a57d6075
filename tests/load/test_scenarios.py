"""Scenarios and players: who asks for what, and how each client behaves."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from scripts.load.client.steps import Exchange, Pause, Send
from scripts.load.players.clients import KEY_OF, Person
from scripts.load.players.plays import perform
from scripts.load.scenarios.races import SCENARIOS
from scripts.load.scenarios.stage import World

KEYS = {"checkout": "key-checkout", "desk": "key-desk", "bot": "key-bot"}
SLOT = {"property_id": "p0", "technician_id": "t0", "start": "2031-03-04T10:00:00Z"}


def world_for(name: str) -> World:
    scenario = SCENARIOS[name]
    places = tuple(f"p{number}" for number in range(scenario.properties))
    technicians = tuple(f"t{number}" for number in range(scenario.technicians))
    return World("run", places, technicians, datetime(2031, 3, 4, tzinfo=UTC), KEYS)


def people_of(name: str, requests: int = 100, seed: int = 1) -> list[Person]:
    return SCENARIOS[name].people(world_for(name), requests, random.Random(seed))


def steps(person: Person, answers: Iterable[dict[str, Any]]) -> list[Send | Pause]:
    """What the person does when its requests are answered like this, in order."""
    play, taken = perform(person), []
    remaining = iter(answers)
    step = next(play)
    try:
        while True:
            taken.append(step)
            answer = None
            if isinstance(step, Send):
                given = {} if step.drop else next(remaining)
                reply = {name: value for name, value in given.items() if name != "status"}
                answer = Exchange(
                    step.operation, step.logical, step.client, step.asked, 0, 0, given.get("status", 0), reply
                )
            step = play.send(answer)
    except StopIteration:
        return taken


def requests(person: Person, *answers: dict[str, Any]) -> list[Send]:
    return [step for step in steps(person, answers) if isinstance(step, Send)]


HELD = {"status": 201, "hold_id": "h1"}
BOOKED = {"status": 201, "booking_id": "b1"}
TAKEN = {"status": 409, "code": "slot_held"}
WAIT = {"status": 409, "code": "request_in_progress"}


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("count", [2, 100, 5000])
def test_a_scenario_has_as_many_requests_as_asked_for(name: str, count: int) -> None:
    assert len({person.tag for person in people_of(name, count)}) == (count // 2 if name == "retries" else count)


@pytest.mark.parametrize("name", SCENARIOS)
def test_one_seed_gives_one_run(name: str) -> None:
    assert people_of(name, seed=5) == people_of(name, seed=5)


@pytest.mark.parametrize("name", ["overlaps", "mixed", "retries"])
def test_another_seed_gives_another_run(name: str) -> None:
    assert people_of(name, seed=5) != people_of(name, seed=6)


@pytest.mark.parametrize("name", SCENARIOS)
def test_all_three_clients_play(name: str) -> None:
    assert {person.role for person in people_of(name)} == {"web", "desk", "sms"}


@pytest.mark.parametrize(
    ("name", "contested"), [("same-slot", None), ("same-property", "property_id"), ("same-technician", "technician_id")]
)
def test_one_resource_at_one_time_is_contested(name: str, contested: str | None) -> None:
    people = people_of(name)
    assert len({person.slot["start"] for person in people}) == 1
    for resource in ("property_id", "technician_id"):
        assert (len({person.slot[resource] for person in people}) == 1) == (contested in (None, resource))


def test_no_two_people_of_a_run_share_a_holder_unless_they_are_twins() -> None:
    holders: dict[str, str] = {}
    for person in people_of("mixed", 5000):
        assert holders.setdefault(person.holder, person.tag) == person.tag


def test_a_browser_has_a_long_secret_as_its_holder() -> None:
    assert len(Person("st01234567", "0", "web", "checkout", SLOT, KEYS).holder) >= 16


@pytest.mark.parametrize("role", ["web", "sms"])
def test_web_and_sms_hold_and_then_book_with_their_own_key(role: str) -> None:
    sent = requests(Person("run", "4", role, "checkout", SLOT, KEYS), HELD, BOOKED)
    assert [step.path for step in sent] == ["/hold", "/book"]
    assert {step.key for step in sent} == {KEYS[KEY_OF[role]]}
    assert sent[1].body is not None
    assert sent[1].body["hold_id"] == "h1"


def test_a_refused_hold_is_not_booked() -> None:
    assert len(requests(Person("run", "4", "web", "checkout", SLOT, KEYS), TAKEN)) == 1


def test_the_receptionist_books_directly() -> None:
    [sent] = requests(Person("run", "4", "desk", "at_the_desk", SLOT, KEYS), BOOKED)
    assert (sent.path, sent.key) == ("/book", "key-desk")
    assert sent.body is not None
    assert "hold_id" not in sent.body


def test_a_dropped_request_is_sent_again_as_it_was() -> None:
    first, again = requests(Person("run", "4", "desk", "at_the_desk", SLOT, KEYS, repeat="dropped"), BOOKED)
    assert first.drop
    assert not again.drop
    assert first.encoded() == again.encoded()
    assert b"Idempotency-Key: run-4:direct" in first.encoded()


def test_a_repeat_after_the_answer_uses_the_same_bytes() -> None:
    first, again = requests(Person("run", "4", "desk", "at_the_desk", SLOT, KEYS, repeat="again"), BOOKED, BOOKED)
    assert first.encoded() == again.encoded()


def test_a_request_in_progress_and_an_absent_store_are_asked_again() -> None:
    sent = requests(Person("run", "4", "desk", "at_the_desk", SLOT, KEYS), WAIT, {"status": 503}, TAKEN)
    assert len({step.encoded() for step in sent}) == 1
    assert len(sent) == 3


def test_who_abandons_a_hold_comes_back_after_its_end() -> None:
    taken = steps(Person("run", "4", "web", "abandons", SLOT, KEYS), [HELD, {"status": 410, "code": "hold_expired"}])
    hold, pause, book = taken
    assert isinstance(hold, Send)
    assert hold.body is not None
    assert isinstance(pause, Pause)
    assert pause.seconds > hold.body["ttl_seconds"]
    assert isinstance(book, Send)


def test_who_calls_off_books_something_else_until_it_works() -> None:
    person = Person("run", "4", "desk", "calls_off", SLOT, KEYS, slots_after=(SLOT, SLOT, SLOT))
    sent = requests(person, BOOKED, {"status": 200}, TAKEN, BOOKED)
    assert [step.logical for step in sent] == ["4:direct", "4:cancel", "4:rebook0", "4:rebook1"]
    assert sent[1].path == "/bookings/b1/cancel"
