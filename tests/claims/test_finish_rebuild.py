"""finish_rebuild: the mirror is declared whole only if Redis was not lost meanwhile."""

from __future__ import annotations

from typing import Any

from tests.claims.board import EPOCH, Board


def finish(board: Board, token: str) -> list[Any]:
    keys = [board.names.rebuild, board.names.epoch, board.names.events]
    return board.scripts.run("finish_rebuild", keys, [token, "epoch-2"])


def test_with_its_own_token_it_sets_the_epoch_and_removes_the_token(board: Board) -> None:
    board.redis.delete(board.names.epoch)
    board.redis.set(board.names.rebuild, "token-1", px=60_000)
    assert finish(board, "token-1") == ["READY"]
    assert board.redis.get(board.names.epoch) == "epoch-2"
    assert board.redis.pttl(board.names.epoch) == -1
    assert board.redis.exists(board.names.rebuild) == 0
    assert board.events() == [{"kind": "rebuilt"}]


def test_after_redis_was_lost_it_sets_nothing(board: Board) -> None:
    board.redis.delete(board.names.epoch)
    assert finish(board, "token-1") == ["LOST"]
    assert board.keys() == []


def test_with_the_token_of_another_rebuild_it_sets_nothing(board: Board) -> None:
    board.redis.set(board.names.rebuild, "token-2", px=60_000)
    before = board.dump()
    assert finish(board, "token-1") == ["LOST"]
    assert board.dump() == before


def test_finishing_twice_does_not_work(board: Board) -> None:
    board.redis.set(board.names.rebuild, "token-1")
    finish(board, "token-1")
    assert finish(board, "token-1") == ["LOST"]


def test_a_whole_mirror_gets_a_new_epoch_so_that_every_process_reads_again(board: Board) -> None:
    board.redis.set(board.names.rebuild, "token-1")
    finish(board, "token-1")
    assert board.place("h1", epoch=EPOCH) == ["STALE", "epoch-2"]
