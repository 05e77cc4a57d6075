"""Which messages are planned because of some news."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from models.booking import Booking
from models.catalogue import Policy
from services.messages.source import MessageSource
from services.outbox.entries import News, OfferMade
from tests.messages.lives import ALICE, LATER, MADE, START, cancelled, made, moved, news, reserved, then, waiting

BEGAN = 1_767_225_600 << 32
"""The first of January 2026, as a time of MongoDB's log."""
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def source(channels: Collection[Any] = ("sms", "email"), **policy: Any) -> MessageSource:
    return MessageSource(lambda: dict.fromkeys(channels, BEGAN), lambda _: Policy(**policy), lambda *_: None)


def planned(*changes: News, channels: Collection[Any] = ("email",), **policy: Any) -> list[tuple[str, datetime]]:
    return [(each.kind, each.due) for each in source(channels, **policy).entries(changes)]


def test_a_new_booking_plans_a_confirmation_and_its_reminders() -> None:
    assert planned(news(made()), reminder_hours=[48, 2]) == [
        ("confirmation", MADE + MINUTE),
        ("reminder", START - 2 * DAY),
        ("reminder", START - timedelta(hours=2)),
    ]


def test_each_channel_with_a_sender_and_an_address_gets_its_own() -> None:
    def channels(booking: Booking, *having: Any) -> list[str]:
        return [each.channel for each in source(having, reminder_hours=[]).entries([news(booking)])]

    assert channels(made(), "sms", "email") == ["sms", "email"]
    assert channels(made(), "email") == ["email"]
    assert channels(made(customer={"name": "Alice", "phone": "1204"}), "sms", "email") == []
    odd = {"name": "Alice", "email": '"a b"@example.com', "phone_e164": "+4512345678"}
    assert channels(made(customer=odd), "sms", "email") == ["sms"]


def test_no_sender_wants_no_news() -> None:
    assert source(()).since() is None
    assert source().since() == datetime(2026, 1, 1, tzinfo=UTC)


def test_what_changed_before_a_channel_had_a_sender_is_no_news_there() -> None:
    began = {"sms": BEGAN, "email": BEGAN + 9}
    hearing = MessageSource(lambda: began, lambda _: Policy(reminder_hours=[]), lambda *_: None)

    def channels(logged: int) -> list[str]:
        change = replace(news(made()), logged=logged)
        return [each.channel for each in hearing.entries([change, OfferMade(waiting(), MADE, logged)])]

    assert channels(BEGAN) == []
    assert channels(BEGAN + 9) == ["sms", "sms"]
    assert channels(BEGAN + 10) == ["sms", "email"] * 2


def test_a_move_plans_news_and_other_reminders() -> None:
    booking = moved(made(by="desk:k"), hours=24)
    assert planned(news(booking)) == [("moved", booking.updated_at + MINUTE), ("reminder", START)]


def test_a_cancel_plans_news_alone() -> None:
    booking = cancelled(made())
    assert planned(news(booking)) == [("cancelled", booking.updated_at + MINUTE)]


def test_a_change_of_words_plans_nothing() -> None:
    assert planned(news(then(made(), 60, "edit", description="x"))) == []


def test_an_address_that_comes_later_gets_the_reminders() -> None:
    booking = then(made(customer={"name": "Alice"}), 60, "edit", "desk:k", customer=ALICE)
    assert planned(news(booking)) == [("reminder", START - DAY)]


def test_a_reminder_that_would_come_with_the_confirmation_is_left_out() -> None:
    soon = made().changed(start=MADE + timedelta(hours=3), end=MADE + timedelta(hours=4))
    assert planned(news(soon)) == [("confirmation", MADE + MINUTE)]


def test_the_same_reminder_has_the_same_number_whichever_version_plans_it() -> None:
    first, back = made(), moved(moved(made()), hours=-1)
    numbers = [
        {each.entry_id for each in source().entries([news(booking)]) if each.kind == "reminder"}
        for booking in (first, back)
    ]
    assert numbers[0] == numbers[1]
    assert len(numbers[0]) == 2


def test_the_same_news_gives_the_same_entries() -> None:
    once = source().entries([news(made()), news(moved(made()))])
    assert source().entries([news(made()), news(moved(made()))]) == once
    assert len({each.entry_id for each in once}) == len(once)


def test_an_imported_booking_plans_reminders_alone() -> None:
    assert planned(news(made("import", "system"))) == [("reminder", START - DAY)]


def test_a_reservation_plans_the_notice_of_its_end() -> None:
    booking = reserved(24)
    assert planned(news(booking)) == [("reservation_deadline", MADE + timedelta(hours=22))]
    firm = then(booking, 60, "confirm", "desk:k", status="confirmed")
    assert [kind for kind, _ in planned(news(firm))] == ["confirmation", "reminder"]


def test_an_offer_is_sent_at_once() -> None:
    entry = waiting(customer=ALICE)
    made_at = MADE
    [planned_entry] = source(["sms"]).entries([OfferMade(entry, made_at, LATER)])
    assert (planned_entry.kind, planned_entry.due, planned_entry.booking_id, planned_entry.version) == (
        "waitlist_offer",
        made_at,
        entry.waitlist_id,
        entry.version,
    )


def test_no_personal_data_is_planned() -> None:
    for each in source().entries([news(made()), news(reserved()), news(cancelled(made()))]):
        assert (each.body, each.receiver) == ({"due": each.due.isoformat()}, each.channel)


def test_what_was_begun_about_an_erased_booking_is_forgotten() -> None:
    forgotten: list[tuple[str, str]] = []
    hearing = MessageSource(lambda: {"sms": BEGAN}, lambda _: Policy(), lambda *booking: forgotten.append(booking))
    assert hearing.entries([news(then(made(), 60, "erase", "admin:k"))]) == []
    assert forgotten == [("demo", "bk_alice")]
