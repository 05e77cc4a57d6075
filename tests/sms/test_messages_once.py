"""A message is answered once, whatever is sent again and however many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from services.sms import store
from services.sms.store import Conversations
from services.sms.talk import Talk
from tests.sms.conftest import PHONE, Phone
from tests.world import World, tomorrow

DAY = f"{tomorrow():%Y-%m-%d}"
AT_ONCE = 20


def send_at_once(phone: Phone, text: str, sids: list[str]) -> list[str]:
    with ThreadPoolExecutor(len(sids)) as pool:
        return list(pool.map(lambda sid: phone.send(text, sid), sids))


def ready_to_book(phone: Phone) -> None:
    for text in (f"BOOK prop-1 {DAY} 10:00", "YES"):
        phone.send(text)


def test_one_message_twenty_times_at_once_is_one_booking_and_twenty_equal_answers(phone: Phone) -> None:
    ready_to_book(phone)
    answers = send_at_once(phone, "Alice Jensen", ["SM-same"] * AT_ONCE)
    assert len(set(answers)) == 1
    assert answers[0].startswith("Booked: ")
    assert len(phone.world.bookings()) == 1


def test_twenty_messages_at_once_are_answered_one_after_the_other(phone: Phone) -> None:
    ready_to_book(phone)
    answers = send_at_once(phone, "Alice", [f"SM-{each}" for each in range(AT_ONCE)])
    assert sum(each.startswith("Booked: ") for each in answers) == 1
    assert len(phone.world.bookings()) == 1


def test_without_the_lease_of_a_message_each_repeat_is_acted_on(world: World) -> None:
    """The control: with nothing taken, two repeats act both."""
    acted: list[str] = []

    def act(talk: Talk) -> tuple[Talk, str]:
        acted.append("")
        return talk, f"answer {len(acted)}"

    conversations = Conversations(world.services.db)
    assert {conversations.answer(world.org, PHONE, "SM-1", act) for _ in range(2)} == {"answer 1"}
    world.services.db["sms_messages"].delete_many({})
    world.services.db["conversations"].update_many({}, {"$set": {"replies": []}})
    assert conversations.answer(world.org, PHONE, "SM-1", act) == "answer 2"


def test_a_message_that_was_not_answered_can_be_sent_again(world: World) -> None:
    conversations = Conversations(world.services.db)

    def broken(talk: Talk) -> tuple[Talk, str]:
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        conversations.answer(world.org, PHONE, "SM-1", broken)
    assert conversations.answer(world.org, PHONE, "SM-1", lambda talk: (talk, "fine")) == "fine"


def test_a_worker_that_died_before_it_noted_the_answer_leaves_the_same_answer(phone: Phone) -> None:
    ready_to_book(phone)
    first = phone.send("Alice", "SM-died")
    db = phone.world.services.db
    db["sms_messages"].update_one({"_id": f"{phone.world.org}/{PHONE}/SM-died"}, {"$unset": {"reply": ""}})
    assert phone.send("Alice", "SM-died") == first
    assert len(phone.world.bookings()) == 1


def test_a_worker_that_died_after_it_booked_leaves_the_booking_to_the_next(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready_to_book(phone)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Conversations, "_save", dies)
        patch.setattr(store, "TURN_SECONDS", 0)
        with pytest.raises(KeyboardInterrupt):
            phone.send("Alice", "SM-died")
    assert phone.send("Alice", "SM-died").startswith("Booked: ")
    assert len(phone.world.bookings()) == 1


def test_a_person_is_erased_with_the_conversation(phone: Phone) -> None:
    phone.send("BOOK")
    db, org = phone.world.services.db, phone.world.org
    assert phone.world.services.texts.conversations.erase(org, ["phone:4512345678"]) == 1
    assert not list(db["conversations"].find({"org": org}))
    assert not list(db["sms_messages"].find({"talk": f"{org}/{PHONE}"}))
