"""The verdict sees each fault that is planted around a reservation's deadline, and nothing where there is none."""

from __future__ import annotations

import pytest

from scripts.load.rules.verdict import judge
from tests.load.planted import answer, booked, document, held, slot
from tests.load.planted_acts import at, begin, reserved_run, step
from tests.load.test_verdict import broken


def test_a_faultless_run_with_reservations_breaks_no_rule() -> None:
    assert broken(reserved_run()) == set()
    assert "one heir" in judge(reserved_run())


def test_a_slot_that_no_client_got_is_found() -> None:
    run = reserved_run()
    del run.bookings[2], run.exchanges[4]
    run.marks = None
    assert "one heir" in broken(run)


def test_a_slot_that_two_got_is_found() -> None:
    run = reserved_run()
    run.bookings.append(begin(document("30", slot(630), name="direct")))
    assert {"one heir", "one booking per claim"} <= broken(run)


def test_a_reservation_that_is_still_pending_is_found() -> None:
    run = reserved_run()
    booking = run.bookings[0]
    booking |= {"status": "pending", "active": True, "version": 2, "history": booking["history"][:2]}
    assert {"deadlines come", "one heir"} <= broken(run)


@pytest.mark.parametrize("wrong", [{"by": "desk:k1"}, {"action": "cancel"}, {"at": at(9.5)}])
def test_an_expiry_that_is_early_or_not_recorded_as_one_is_found(wrong: dict[str, object]) -> None:
    run = reserved_run()
    run.bookings[0]["history"][-1] |= wrong
    assert "expiry is recorded" in broken(run)


def test_a_reservation_that_goes_on_after_it_expired_is_found() -> None:
    run = reserved_run()
    booking = run.bookings[0]
    booking["history"].append(step("cancel", 12.0, status=("expired", "cancelled")))
    booking |= {"status": "cancelled", "version": 4}
    assert "expiry is recorded" in broken(run)


def test_a_confirmation_after_the_deadline_is_found() -> None:
    run = reserved_run()
    late = run.exchanges[-1]
    late.status, late.reply = 200, {"booking_id": "bk-0", "version": 3, **slot(600)}
    assert {"confirmed in time", "acknowledged is kept"} <= broken(run)


def test_a_confirmation_that_is_refused_before_the_deadline_is_found() -> None:
    run = reserved_run()
    run.exchanges.append(answer("3:confirm", {"booking_id": "bk-1"}, at=7.0, status=409, code="invalid_transition"))
    assert broken(run) == {"confirmed in time"}


def test_a_confirmed_reservation_that_expired_is_found() -> None:
    run = reserved_run()
    booking = run.bookings[1]
    booking["history"][-1] = step("expire", 10.0, "system", status=("pending", "expired"))
    booking |= {"status": "expired", "active": False}
    assert {"acknowledged is kept", "one heir"} <= broken(run)


def test_a_hold_on_a_confirmed_reservation_is_found() -> None:
    run = reserved_run()
    run.exchanges.append(held("20", slot(660), at=12.0, ttl_seconds=2))
    assert broken(run) == {"holds protect"}


def test_a_hold_on_a_reservation_before_its_deadline_is_found() -> None:
    run = reserved_run()
    run.exchanges.append(held("20", slot(600), at=6.0, ttl_seconds=1))
    assert broken(run) == {"holds protect"}


def test_a_slot_that_is_refused_after_the_deadline_although_no_client_has_it_is_found() -> None:
    run = reserved_run()
    run.exchanges[4] = booked("7", slot(600), at=12.0, by_hold=False)
    assert broken(run) == {"free at the deadline"}


def test_a_refusal_while_another_client_is_about_to_have_the_slot_is_none() -> None:
    run = reserved_run()
    run.exchanges[4] = booked("7", slot(600), at=10.35, by_hold=False)
    assert broken(run) == set()


def test_a_deadline_that_was_never_brought_near_is_found() -> None:
    run = reserved_run()
    run.bookings[1]["history"][1]["by"] = "desk:k1"
    assert "deadlines were moved" in broken(run)


def test_a_reservation_after_another_that_the_first_ones_deadline_frees_is_found() -> None:
    run = reserved_run()
    again = answer("30:reserve", slot(720), at=6.0, client="desk", booking_id="bk-30", version=1, **slot(720))
    run.exchanges.append(again)
    expired = begin(document("30", slot(720), name="reserve", status="expired"), "reserve", 6.0)
    run.bookings.append({**expired, "active": False, "reserved_until": at(3600)})
    assert "acknowledged is kept" in broken(run)
