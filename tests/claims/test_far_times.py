"""Staff may book beyond the horizon: times in ms may have 15 digits, and no text of Lua's may round them."""

from __future__ import annotations

from models.slot import Visit
from services.claims.keys import live_marks
from tests.claims.board import TICK_MS, Board

YEAR_9000 = 221_845_392_000_000 // TICK_MS
WHERE = Visit("prop-1", "tech-1", YEAR_9000, YEAR_9000 + 4, 1, 2)


def shown(board: Board) -> list[tuple[str, str, int, int]]:
    members = board.redis.zrange(board.names.spans("technician:tech-1"), 0, -1)
    return [mark[:4] for mark in live_marks(members, board.now_ms())]


def test_a_visit_in_a_far_year_is_mirrored_and_shown(board: Board) -> None:
    assert board.mirror("bk_1", 1, WHERE) == ["MIRRORED"]
    assert shown(board) == [("booked", "bk_1", YEAR_9000 - 1, YEAR_9000 + 6)]
    assert {board.redis.pexpiretime(key) for key in board.all_claims()} == {(YEAR_9000 + 6) * TICK_MS}


def test_a_visit_in_a_far_year_can_be_cancelled(board: Board) -> None:
    board.mirror("bk_1", 1, WHERE)
    assert board.mirror("bk_1", 2, WHERE, active=False, kind="cancel") == ["MIRRORED"]
    assert shown(board) == []
    assert board.all_claims() == {}
