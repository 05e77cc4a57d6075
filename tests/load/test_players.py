"""Players: how each client behaves, request by request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from scripts.load.client.steps import Exchange, Pause, Play, Send
from scripts.load.players import plays
from scripts.load.players.person import KEY_OF, Person
from tests.load.planted import slot

KEYS = {"checkout": "key-checkout", "desk": "key-desk", "bot": "key-bot"}
SLOT = slot()
HELD = {"status": 201, "hold_id": "h1"}
BOOKED = {"status": 201, "booking_id": "b1"}
DONE = {"status": 200}
TAKEN = {"status": 409, "code": "slot_held"}
OLD = {"status": 412, "code": "version_conflict"}
WAIT = {"status": 409, "code": "request_in_progress"}
BOOKING = {"booking_id": "b1", "version": 1}


def person(play: Callable[[Person], Play], role: str = "desk", **more: Any) -> Person:
    return Person("run", "4", role, play, SLOT, KEYS, **more)


def steps(who: Person, answers: Iterable[dict[str, Any]]) -> list[Send | Pause]:
    """What the person does when its requests are answered like this, in order. 200, 201, …: as `status` says.

    An answer's `shows` is a status inside the reply.
    """
    play, taken, remaining = who.perform(), [], iter(answers)
    step = next(play)
    try:
        while True:
            taken.append(step)
            answer = None
            if isinstance(step, Send):
                given = {} if step.drop else dict(next(remaining))
                status = given.pop("status", 0)
                reply = {"status" if name == "shows" else name: value for name, value in given.items()}
                answer = Exchange(step.operation, step.logical, step.client, step.asked, 0, 0, status, reply)
            step = play.send(answer)
    except StopIteration:
        return taken


def requests(who: Person, *answers: dict[str, Any]) -> list[Send]:
    return [step for step in steps(who, answers) if isinstance(step, Send)]


def test_a_browser_has_a_long_secret_as_its_holder() -> None:
    assert len(Person("st01234567", "0", "web", plays.checkout, SLOT, KEYS).holder) >= 16


@pytest.mark.parametrize("role", ["web", "sms"])
def test_web_and_sms_hold_and_then_book_with_their_own_key(role: str) -> None:
    sent = requests(person(plays.checkout, role), HELD, BOOKED)
    assert [step.path for step in sent] == ["/hold", "/book"]
    assert {step.key for step in sent} == {KEYS[KEY_OF[role]]}
    assert sent[1].body is not None
    assert sent[1].body["hold_id"] == "h1"
    assert len(requests(person(plays.checkout, role), TAKEN)) == 1


def test_the_receptionist_books_directly() -> None:
    [sent] = requests(person(plays.at_the_desk), BOOKED)
    assert (sent.path, sent.key) == ("/book", "key-desk")
    assert sent.body is not None
    assert "hold_id" not in sent.body


@pytest.mark.parametrize(("repeat", "answers"), [("dropped", [BOOKED]), ("again", [BOOKED, BOOKED])])
def test_a_repeat_sends_the_same_bytes(repeat: str, answers: list[dict[str, Any]]) -> None:
    first, again = requests(person(plays.at_the_desk, repeat=repeat), *answers)
    assert (first.drop, again.drop) == (repeat == "dropped", False)
    assert first.encoded() == again.encoded()
    assert b"Idempotency-Key: run-4:direct" in first.encoded()


def test_a_request_in_progress_and_an_absent_store_are_asked_again() -> None:
    sent = requests(person(plays.at_the_desk), WAIT, {"status": 503}, TAKEN)
    assert len({step.encoded() for step in sent}) == 1
    assert len(sent) == 3


def test_an_abandoned_hold_is_booked_after_its_end() -> None:
    hold, pause, book = steps(person(plays.abandons, "web"), [HELD, {"status": 410, "code": "hold_expired"}])
    assert isinstance(hold, Send)
    assert hold.body is not None
    assert isinstance(pause, Pause)
    assert pause.seconds > hold.body["ttl_seconds"]
    assert isinstance(book, Send)


@pytest.mark.parametrize(
    ("who", "answers", "sent"),
    [
        (
            person(plays.calls_off, slots_after=(SLOT, SLOT, SLOT)),
            [BOOKED, DONE, TAKEN, BOOKED],
            ["direct", "cancel", "rebook0", "rebook1"],
        ),
        (person(plays.changes_mind, "web"), [HELD, {"status": 204}, TAKEN], ["hold", "release", "released"]),
        (person(plays.takes_longer, "web"), [HELD, DONE, BOOKED], ["hold", "extend", "book"]),
        (person(plays.holds_and_waits, "web"), [HELD, BOOKED], ["hold", "book"]),
        (person(plays.confirms_and_cancels, subject=BOOKING), [DONE, DONE], ["confirm", "cancel"]),
        (person(plays.reserves_again), [TAKEN, BOOKED], ["reserve0", "reserve1"]),
    ],
)
def test_a_player_does_one_thing_after_the_other(who: Person, answers: list[dict[str, Any]], sent: list[str]) -> None:
    assert [step.logical for step in requests(who, *answers)] == [f"4:{name}" for name in sent]


def test_a_mover_names_the_version_that_it_knows_and_reads_after_it_was_too_late() -> None:
    mover = person(plays.moves, subject=BOOKING, slots_after=(SLOT, SLOT, SLOT))
    newer = {"status": 200, "shows": "confirmed", "version": 5, "booking_id": "b1"}
    sent = requests(mover, {"status": 200, **BOOKING, "version": 2}, OLD, newer, TAKEN)
    assert [(step.method, step.asked.get("version")) for step in sent] == [
        ("PATCH", 1), ("PATCH", 2), ("GET", None), ("PATCH", 5)
    ]  # fmt: skip
    assert b'If-Match: "2"' in sent[1].encoded()
    assert sent[0].body is not None
    assert sent[0].body["description"] == "run/4:move0"


def test_only_what_was_granted_is_repeated_by_a_mover() -> None:
    mover = person(plays.moves, subject=BOOKING, slots_after=(SLOT,), repeat="again")
    assert len(requests(mover, TAKEN)) == 1
    first, again = requests(mover, {"status": 200, **BOOKING}, {"status": 200, **BOOKING})
    assert first.encoded() == again.encoded()


def test_a_move_without_a_version_sends_none() -> None:
    [sent] = requests(person(plays.forgets_the_version, subject=BOOKING, slots_after=(SLOT,)), {"status": 428})
    assert b"If-Match" not in sent.encoded()


def test_a_racer_is_refused_before_the_deadline_and_comes_back_at_that_moment() -> None:
    taken = steps(person(plays.races, "web", moment=7.0), [TAKEN, HELD, BOOKED])
    assert [step.until if isinstance(step, Pause) else step.logical for step in taken] == [
        "4:hold0", 7.0, "4:hold1", "4:book"
    ]  # fmt: skip


WAITING, OFFERED, LAPSED = ({"status": 200, "shows": status} for status in ("waiting", "offered", "lapsed"))
OFFER = {**OFFERED, "hold_id": "h1"}


@pytest.mark.parametrize(
    ("play", "answers", "operations"),
    [
        (plays.waits_and_books, [WAITING, OFFER, BOOKED], ["look", "look", "book"]),
        (plays.waits_and_books, [LAPSED], ["look"]),
        (plays.waits_and_leaves, [OFFER, {"status": 204}], ["look", "leave"]),
        (plays.leaves_early, [{"status": 204}], ["leave"]),
        (plays.waits_and_is_late, [OFFER, OFFER, LAPSED, {"status": 410}], ["look", "look", "look", "book"]),
    ],
)
def test_a_player_on_the_waitlist_does_as_is_its_habit(
    play: Callable[[Person], Play], answers: list[dict[str, Any]], operations: list[str]
) -> None:
    waiter = person(play, "web", subject={"waitlist_id": "w1"})
    late = Person(**{**vars(waiter), "moment": time.monotonic() + 60}) if play is not plays.leaves_early else waiter
    assert [step.operation for step in requests(late, *answers)] == operations


def test_a_player_stops_looking_when_its_time_is_over() -> None:
    assert len(requests(person(plays.waits_and_books, subject={"waitlist_id": "w1"}), WAITING)) == 1


def test_a_pause_until_a_moment_ends_then_however_early_it_was_asked_for() -> None:
    assert 30 < Pause(until=time.monotonic() + 60).left <= 60
    assert Pause(until=time.monotonic() - 1).left == 0
    assert Pause(0.5).left == 0.5
