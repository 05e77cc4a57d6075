"""What a customer is told of a booking, decided from its history alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.booking import Booking
from services.messages.decisions import deadline_notice, is_by_customer, known_state, news_of
from tests.messages.lives import MADE, cancelled, made, moved, reserved, then

HOUR = timedelta(hours=1)


def told(booking: Booking, version: int, known: int | None = None) -> str | None:
    """What the entry of a version says if it is sent while the booking is as it is."""
    return news_of(known_state(booking, version, known), booking)


def test_a_new_booking_is_confirmed() -> None:
    assert told(made(), 1) == "confirmation"


def test_a_reservation_is_confirmed_once_it_is_firm() -> None:
    firm = then(reserved(), 3600, "confirm", "desk:key_2", status="confirmed")
    assert told(reserved(), 1) is None
    assert told(firm, 2) == "confirmation"


def test_a_move_and_a_cancel_are_told() -> None:
    booking = moved(made())
    assert told(booking, 2) == "moved"
    assert told(cancelled(booking), 3) == "cancelled"


def test_a_move_within_a_minute_goes_into_the_confirmation() -> None:
    booking = moved(made(), seconds=30)
    assert told(booking, 1) == "confirmation"
    assert known_state(booking, 1, None) is None
    # Where the confirmation could not be sent, the entry of the move says the same.
    assert told(booking, 2) == "confirmation"


def test_what_was_undone_within_a_minute_is_not_told() -> None:
    back = moved(moved(made()), seconds=59, hours=-1)
    assert (told(back, 2), told(back, 3)) == (None, None)
    restored = then(cancelled(made()), 10, "restore", "desk:key_2", status="confirmed")
    assert (told(restored, 2), told(restored, 3)) == (None, None)


def test_what_was_undone_after_a_minute_is_told_twice() -> None:
    """The twin: by then the first message has left."""
    back = moved(moved(made()), seconds=60, hours=-1)
    assert told(back, 3) == "moved"
    assert known_state(back, 3, 2) == known_state(back, 3, None)


def test_a_booking_that_was_called_off_within_a_minute_is_not_told() -> None:
    booking = cancelled(made(), seconds=5)
    assert (told(booking, 1), told(booking, 2)) == (None, None)


def test_moves_that_follow_each_other_closely_are_one_news() -> None:
    booking = moved(moved(moved(made()), 40), 40)
    before = known_state(booking, 4, None)
    assert before is not None
    assert (before.version, before.start) == (1, made().start)


def test_what_the_customer_knows_decides() -> None:
    booking = moved(moved(made()), 3600)
    known = known_state(booking, 3, 2)
    assert known is not None
    assert known.start == made().start + HOUR
    assert told(booking, 3, 1) == "moved"


def test_what_does_not_change_time_or_place_is_not_told() -> None:
    edited = then(made(), 3600, "edit", "desk:key_2", description="The tap drips")
    other = then(made(), 3600, "swap", "desk:key_2", technician_id="tech-2")
    done = then(made(), 3600, "complete", "desk:key_2", status="completed")
    ran_out = then(reserved(), 3600 * 24, "expire", "system", status="expired")
    for booking in (edited, other, done, ran_out):
        assert told(booking, 2) is None


def test_a_restored_visit_is_confirmed_again() -> None:
    assert told(then(cancelled(made()), 3600, "restore", "desk:key_2", status="confirmed"), 3, 2) == "confirmation"


def test_of_an_imported_booking_nothing_is_known_before_its_import() -> None:
    imported = made("import", "system", version=7)
    assert known_state(imported, 7, None) is None
    later = moved(imported)
    before = known_state(later, 8, None)
    assert before is not None
    assert (before.version, told(later, 8)) == (7, "moved")


@pytest.mark.parametrize(("hours", "before"), [(1, 0.5), (3, 1.5), (4, 2), (72, 2)])
def test_a_reservation_is_told_two_hours_before_its_end_but_not_in_its_first_half(hours: int, before: float) -> None:
    assert deadline_notice(reserved(hours)) == MADE + timedelta(hours=hours) - timedelta(hours=before)


def test_a_firm_booking_has_no_deadline() -> None:
    assert deadline_notice(then(reserved(), 60, "confirm", "desk:key_2", status="confirmed")) is None


def test_the_office_and_the_clock_are_not_the_customer() -> None:
    assert [is_by_customer(by) for by in ("checkout:k", "customer:t", "bot:sms")] == [True] * 3
    assert [is_by_customer(by) for by in ("desk:k", "admin:k", "system", "desk:user")] == [False] * 4
