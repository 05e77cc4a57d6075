"""mirror_booking and holds: MongoDB has decided, so a booking goes over holds, and closes its own hold."""

from __future__ import annotations

import pytest

from tests.claims.board import ALICE, BOB, REMEMBERED_MS, SLACK_MS, Board, visit

HOLDER = f"{ALICE} holder-1"


def test_its_own_hold_is_closed_as_booked(board: Board) -> None:
    board.place("h1", owner=HOLDER, quota=3)
    board.begin("h1")
    assert board.mirror("bk_1", 1, visit(), hold_id="h1") == ["MIRRORED"]
    assert board.owners(visit()) == {"booked bk_1"}
    record = board.record("h1")
    assert (record["status"], record["booking_id"]) == ("booked", "bk_1")
    assert REMEMBERED_MS - SLACK_MS < board.redis.pttl(board.names.hold("h1")) <= REMEMBERED_MS
    assert board.redis.exists(board.names.pins, board.names.prefix + "holder:holder-1") == 0


def test_claims_of_its_hold_that_the_booking_does_not_have_are_dropped(board: Board) -> None:
    board.place("h1", visit(before=2, after=2))
    board.begin("h1")
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    assert sorted(board.all_claims()) == sorted(board.claim_names(visit()))


def test_a_repeat_closes_its_hold_too(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    board.place("h1", visit(8), owner=HOLDER, quota=3)
    board.begin("h1")
    assert board.mirror("bk_1", 1, visit(), hold_id="h1") == ["SAME"]
    assert board.record("h1")["status"] == "booked"
    assert board.owners(visit(8)) == {None}
    assert board.redis.exists(board.names.pins) == 0


def test_a_repeat_after_the_hold_was_closed_changes_nothing(board: Board) -> None:
    board.place("h1")
    board.begin("h1")
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    before = board.dump()
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    assert board.dump() == before


def test_an_unknown_hold_gets_no_record(board: Board) -> None:
    assert board.mirror("bk_1", 1, visit(), hold_id="h1") == ["MIRRORED"]
    assert board.redis.exists(board.names.hold("h1")) == 0


def test_a_pin_whose_record_is_gone_is_dropped(board: Board) -> None:
    board.redis.zadd(board.names.pins, {"h1": 1})
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    assert board.redis.exists(board.names.pins) == 0


def test_the_cancelling_version_closes_the_hold_as_well(board: Board) -> None:
    board.place("h1")
    board.begin("h1")
    board.mirror("bk_1", 2, visit(), active=False, hold_id="h1", kind="cancel")
    assert board.all_claims() == {}
    assert board.record("h1")["status"] == "booked"


@pytest.mark.parametrize("confirming", [False, True])
def test_a_booking_goes_over_the_holds_and_pins_of_others(board: Board, confirming: bool) -> None:
    board.place("h1", owner=BOB)
    if confirming:
        board.begin("h1", key=BOB)
    assert board.mirror("bk_1", 1, visit(2, by="tech-2")) == ["MIRRORED"]
    assert board.owners(visit(2, by="tech-2")) == {"booked bk_1"}
    assert board.record("h1")["status"] == ("confirming" if confirming else "held")


def test_the_end_of_a_hold_under_a_booking_takes_no_mark_of_the_booking(board: Board) -> None:
    board.place("h1", owner=BOB)
    board.mirror("bk_1", 1, visit())
    board.release("h1", key=BOB)
    assert board.owners(visit()) == {"booked bk_1"}


def test_a_booked_slot_can_not_be_held(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    before = board.dump()
    assert board.place("h1", visit(3))[0] == "TAKEN"
    assert board.dump() == before


def test_a_cancelled_slot_can_be_held_again(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    board.mirror("bk_1", 2, visit(), active=False, kind="cancel")
    assert board.place("h1")[0] == "HELD"


def test_a_direct_booking_closes_its_pin(board: Board) -> None:
    board.place("d1", confirming=True, booking_id="bk_1")
    board.mirror("bk_1", 1, visit(), hold_id="d1")
    assert board.record("d1")["status"] == "booked"
    assert board.redis.exists(board.names.pins) == 0
    assert board.owners(visit()) == {"booked bk_1"}
