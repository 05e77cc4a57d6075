"""keep_reservation: a reservation's marks stand while it is being changed, unless its deadline is over."""

from __future__ import annotations

import pytest

from tests.claim_keys import end_claims
from tests.claims.board import BACKSTOP_MS, REMEMBERED_MS, SLACK_MS, TICK_MS, Board, visit

LONG_MS = 60_000


def reserve(board: Board, left_ms: int, booking_id: str = "bk_1") -> int:
    """A reservation whose deadline is so near. Returns the deadline, epoch ms."""
    deadline_ms = board.now_ms() + left_ms
    assert board.mirror(booking_id, 1, visit(before=1, after=2), ends_ms=deadline_ms, pending=True) == ["MIRRORED"]
    return deadline_ms


def test_marks_that_would_end_too_soon_stand_as_long_as_a_request_takes(board: Board) -> None:
    where = visit(before=1, after=2)
    deadline_ms = reserve(board, 8_000)
    marks = board.marks(where)
    assert board.keep("bk_1", deadline_ms=deadline_ms, needed_ms=LONG_MS) == ["KEPT"]
    assert board.marks(where) == marks
    assert all(LONG_MS - SLACK_MS < left <= LONG_MS for left in board.ttls(where))


def test_marks_that_stand_long_enough_keep_their_expiry(board: Board) -> None:
    deadline_ms = reserve(board, LONG_MS)
    before = board.dump()
    assert board.keep("bk_1", deadline_ms=deadline_ms) == ["KEPT"]
    assert board.dump() == before


def test_a_second_run_changes_nothing(board: Board) -> None:
    where = visit(before=1, after=2)
    deadline_ms = reserve(board, 8_000)
    for _ in range(2):
        assert board.keep("bk_1", deadline_ms=deadline_ms, needed_ms=LONG_MS) == ["KEPT"]
    assert max(board.ttls(where)) <= LONG_MS


@pytest.mark.parametrize("late_ms", [0, 1, LONG_MS])
def test_after_the_deadline_nothing_is_kept(board: Board, late_ms: int) -> None:
    reserve(board, LONG_MS)
    before = board.dump()
    assert board.keep("bk_1", deadline_ms=board.now_ms() - late_ms, needed_ms=2 * LONG_MS) == ["OVER"]
    assert board.dump() == before


@pytest.mark.parametrize("who", ["held", "confirming", "moving", "booked", "reserved"])
def test_marks_of_a_new_owner_keep_their_expiry(board: Board, who: str) -> None:
    where = visit()
    reserve(board, 8_000)
    end_claims(board.redis, board.names, "bk_1")
    if who in ("booked", "reserved"):
        board.mirror("bk_2", 1, where, ends_ms=board.now_ms() + 8_000, pending=who == "reserved")
    else:
        board.place(
            "h1", where, confirming=who == "confirming", moving=who == "moving", booking_id="bk_3", lifetime_ms=8_000
        )
    before = board.dump()
    assert board.keep("bk_1", deadline_ms=board.now_ms() + LONG_MS, needed_ms=2 * BACKSTOP_MS) == ["KEPT"]
    assert board.dump() == before


def test_if_some_marks_have_a_new_owner_the_others_are_kept(board: Board) -> None:
    own = visit()
    deadline_ms = board.now_ms() + 8_000
    board.mirror("bk_1", 1, own, ends_ms=deadline_ms, pending=True)
    board.redis.delete(*board.claim_names(own)[:4])
    board.redis.delete(board.names.spans("property:prop-1"))
    board.place("h1", visit(by="tech-2"), lifetime_ms=8_000)
    assert board.keep("bk_1", deadline_ms=deadline_ms, needed_ms=LONG_MS) == ["KEPT"]
    assert max(board.ttls(own)[:4]) <= 8_000 < min(board.ttls(own)[4:])


def test_marks_that_are_gone_stay_gone(board: Board) -> None:
    before = board.dump()
    assert board.keep("bk_1", deadline_ms=board.now_ms() + LONG_MS) == ["KEPT"]
    assert board.dump() == before


def test_kept_marks_end_with_the_next_version(board: Board) -> None:
    where = visit(before=1, after=2)
    deadline_ms = reserve(board, 8_000)
    board.keep("bk_1", deadline_ms=deadline_ms, needed_ms=LONG_MS)
    assert board.mirror("bk_1", 2, where, ends_ms=deadline_ms, pending=True, kind="move") == ["MIRRORED"]
    assert {board.redis.pexpiretime(key) for key in board.all_claims()} == {deadline_ms}
    board.keep("bk_1", deadline_ms=deadline_ms, needed_ms=LONG_MS)
    assert board.mirror("bk_1", 3, where) == ["MIRRORED"]
    over_ms = (where.end + where.after) * TICK_MS
    assert {board.redis.pexpiretime(key) for key in board.all_claims()} == {over_ms}
    assert board.redis.pexpiretime(board.names.booking("bk_1")) == over_ms + REMEMBERED_MS


def test_another_org_keeps_none_of_its_marks(board: Board, other_board: Board) -> None:
    deadline_ms = reserve(board, 8_000)
    before = board.dump()
    assert other_board.keep("bk_1", deadline_ms=deadline_ms, needed_ms=LONG_MS) == ["KEPT"]
    assert board.dump() == before
