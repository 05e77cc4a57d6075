"""The verdict sees each fault that is planted in the changes of bookings, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scripts.load.rules.verdict import judge
from tests.load.planted import booked, document, evidence, held, slot
from tests.load.planted_acts import move, moved_run
from tests.load.test_verdict import broken


def test_a_faultless_run_with_moves_breaks_no_rule() -> None:
    assert broken(moved_run()) == set()
    assert "moves are recorded" in judge(moved_run())


def test_where_nothing_is_moved_the_rules_of_moves_say_nothing() -> None:
    run = evidence([booked("0", slot())], [document("0", slot())])
    assert "moves are recorded" not in judge(run)


def test_a_version_without_an_entry_is_found() -> None:
    run = moved_run()
    run.bookings[0]["version"] += 1
    assert "histories are whole" in broken(run)


def test_an_entry_that_does_not_go_on_from_the_one_before_is_found() -> None:
    run = moved_run()
    run.bookings[0]["history"][1]["changes"]["start"]["to"] = run.bookings[1]["start"]
    assert "histories are whole" in broken(run)


def test_a_history_that_goes_back_in_time_is_found() -> None:
    run = moved_run()
    history = run.bookings[0]["history"]
    history[1]["at"], history[2]["at"] = history[2]["at"], history[1]["at"]
    assert broken(run) == {"histories are whole"}


def test_an_acknowledged_move_that_is_in_no_history_is_found() -> None:
    run = moved_run()
    run.exchanges.append(move("9:move0", "bk-1", 1, slot(900), seconds=6.0))
    assert {"moves are recorded"} <= broken(run)


def test_a_move_that_was_made_twice_is_found() -> None:
    run = moved_run()
    run.bookings[0]["history"][2]["changes"]["description"]["to"] = "run/5:move0"
    assert "moves are recorded" in broken(run)


def test_a_move_that_is_answered_with_another_visit_than_it_made_is_found() -> None:
    run = moved_run()
    last = run.exchanges[-1]
    last.reply = {**last.reply, "start": slot(840)["start"]}
    assert "moves are recorded" in broken(run)


def test_two_winners_of_one_version_are_found() -> None:
    run = moved_run()
    run.exchanges[3] = move("6:move0", "bk-0", 1, slot(840), seconds=3.1)
    assert "one winner a version" in broken(run)


def test_a_move_of_a_version_that_it_did_not_name_is_found() -> None:
    run = moved_run()
    run.exchanges[-1].reply["version"] = 4
    assert "one winner a version" in broken(run)


def test_a_refused_move_that_was_made_is_found() -> None:
    run = moved_run()
    run.exchanges[-1] = move("5:move1", "bk-0", 2, slot(780), seconds=4.0, status=409, code="slot_held")
    assert broken(run) == {"refused moves change nothing"}


@pytest.mark.parametrize("status", [0, 503])
def test_a_move_whose_answer_was_lost_may_have_been_made(status: int) -> None:
    run = moved_run()
    run.exchanges[-1] = move("5:move1", "bk-0", 2, slot(780), seconds=4.0, status=status)
    run.exchanges[-1].dropped = True
    assert broken(run) == set()


def test_a_move_that_no_request_asked_for_is_found() -> None:
    run = moved_run()
    del run.exchanges[-1]
    assert "refused moves change nothing" in broken(run)


def test_a_move_to_another_slot_than_was_asked_for_is_found() -> None:
    run = moved_run()
    run.exchanges[-1].asked["visit"] = slot(840)
    assert "refused moves change nothing" in broken(run)


def test_a_version_that_is_called_old_and_is_the_newest_is_found() -> None:
    run = moved_run()
    run.exchanges.append(move("9:move0", "bk-0", 3, slot(900), seconds=6.0, status=412, code="version_conflict"))
    assert broken(run) == {"stale is stale"}


def test_a_repeat_may_answer_the_same_version_or_that_there_is_a_newer_one() -> None:
    run = moved_run()
    run.exchanges.append(replace(run.exchanges[2], sent=3.15, received=3.3))
    run.exchanges.append(move("5:move0", "bk-0", 1, slot(720), seconds=6.0, status=412, code="version_conflict"))
    assert broken(run) == set()


def test_a_repeat_that_answers_another_version_is_found() -> None:
    run = moved_run()
    again = replace(run.exchanges[2], sent=3.15, received=3.3, reply={**run.exchanges[2].reply, "version": 3})
    run.exchanges.append(again)
    assert "repeated moves agree" in broken(run)


@pytest.mark.parametrize(("code", "status"), [("slot_booked", 409), ("version_conflict", 412)])
def test_a_repeat_of_the_last_change_that_is_refused_is_found(code: str, status: int) -> None:
    run = moved_run()
    run.exchanges.append(move("5:move1", "bk-0", 2, slot(780), seconds=6.0, status=status, code=code))
    assert "repeated moves agree" in broken(run)


def test_a_repeat_that_is_refused_after_the_first_answer_was_lost_is_found() -> None:
    run = moved_run()
    lost = move("5:move1", "bk-0", 2, slot(780), seconds=4.0, status=0)
    lost.dropped = True
    run.exchanges[-1] = lost
    run.exchanges.append(move("5:move1", "bk-0", 2, slot(780), seconds=3.9, status=409, code="request_in_progress"))
    assert broken(run) == set()
    run.exchanges.append(move("5:move1", "bk-0", 2, slot(780), seconds=4.5, status=409, code="slot_booked"))
    assert "repeated moves agree" in broken(run)


def test_a_move_onto_a_live_hold_is_found() -> None:
    run = moved_run()
    run.exchanges.append(held("20", slot(780), at=2.5))
    assert broken(run) == {"holds protect"}


def test_a_move_onto_a_hold_that_had_run_out_is_none() -> None:
    run = moved_run()
    run.exchanges.append(held("20", slot(780), at=1.0, ttl_seconds=2))
    assert broken(run) == set()


def test_a_booking_in_a_slot_that_was_left_is_no_double_booking_and_one_in_the_new_slot_is() -> None:
    run = moved_run()
    run.exchanges.append(booked("30", slot(600), at=5.0, by_hold=False))
    run.bookings.append(document("30", slot(600), name="direct"))
    run.marks = None
    assert broken(run) == set()
    run.exchanges.append(booked("31", slot(780), at=5.0, by_hold=False))
    run.bookings.append(document("31", slot(780), name="direct"))
    assert {"one booking per claim", "one visit at a time", "holds protect"} <= broken(run)


def test_a_moved_booking_that_is_gone_is_found() -> None:
    run = moved_run()
    del run.bookings[0]
    assert "acknowledged is kept" in broken(run)


def test_a_booking_that_was_moved_without_an_entry_is_found() -> None:
    run = moved_run()
    run.bookings[1] = {**document("1", slot(900), name="direct"), "history": run.bookings[1]["history"]}
    assert {"acknowledged is kept", "nothing unasked"} <= broken(run)


@pytest.mark.parametrize(("version", "status"), [(None, 200), (None, 409), (1, 428)])
def test_only_a_move_without_a_version_is_refused_for_that(version: int | None, status: int) -> None:
    run = moved_run()
    run.exchanges.append(move("9:move", "bk-1", None, slot(900), seconds=6.0, status=428))
    assert broken(run) == set()
    run.exchanges[-1] = move("9:move", "bk-1", version, slot(900), seconds=6.0, status=status, code="slot_booked")
    assert "answers are known" in broken(run)
