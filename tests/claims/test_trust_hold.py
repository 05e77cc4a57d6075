"""trust_hold: a hold that was placed while the mirror was not whole has been checked in MongoDB."""

from __future__ import annotations

from tests.claims.board import Board


def trust(board: Board, hold_id: str, idempotency: str) -> list[str]:
    return board.scripts.run("trust_hold", [board.names.hold(hold_id), board.idempotency(idempotency)], [])


def test_a_hold_placed_without_an_epoch_is_cold_until_it_is_trusted(board: Board) -> None:
    board.redis.delete(board.names.epoch)
    board.place("h1", fingerprint="f", idempotency="i")
    assert board.record("h1")["cold"] == "1"
    assert board.redis.hget(board.idempotency("i"), "cold") == "1"
    assert trust(board, "h1", "i") == ["TRUSTED"]
    assert board.record("h1")["cold"] == "0"
    assert board.redis.hget(board.idempotency("i"), "cold") is None


def test_a_hold_that_is_gone_stays_gone(board: Board) -> None:
    before = board.dump()
    assert trust(board, "h1", "i") == ["TRUSTED"]
    assert board.dump() == before
