"""open_request: one idempotency key, one request."""

from __future__ import annotations

import secrets
from typing import Any

from tests.claims.board import SLACK_MS, Board

KEY = "i"
RUNNING_MS = 60_000


def opened(board: Board, fingerprint: str = "print", attempt: str = "") -> list[Any]:
    args = [fingerprint, RUNNING_MS, attempt or secrets.token_hex(6)]
    return board.scripts.run("open_request", [board.idempotency(KEY)], args)


def test_the_first_request_is_opened_for_as_long_as_one_may_run(board: Board) -> None:
    assert opened(board, attempt="first") == ["OPENED"]
    assert board.redis.hgetall(board.idempotency(KEY)) == {"fingerprint": "print", "attempt": "first"}
    assert RUNNING_MS - SLACK_MS < board.redis.pttl(board.idempotency(KEY)) <= RUNNING_MS


def test_the_same_call_sent_twice_opens_the_request_once_more(board: Board) -> None:
    opened(board, attempt="first")
    assert opened(board, attempt="first") == ["OPENED"]


def test_a_repeat_while_the_request_runs_learns_how_long_to_wait(board: Board) -> None:
    opened(board)
    before = board.dump()
    word, wait = opened(board)
    assert word == "RUNNING"
    assert RUNNING_MS - SLACK_MS < wait <= RUNNING_MS
    assert board.dump() == before


def test_another_request_under_the_key_is_refused_running_or_done(board: Board) -> None:
    opened(board)
    assert opened(board, "other print") == ["REUSED"]
    board.redis.hset(board.idempotency(KEY), mapping={"status": 201, "body": "{}"})
    before = board.dump()
    assert opened(board, "other print") == ["REUSED"]
    assert board.dump() == before


def test_a_repeat_after_it_was_answered_gets_the_answer(board: Board) -> None:
    opened(board)
    board.redis.hset(board.idempotency(KEY), mapping={"status": 201, "body": '{"id": 1}'})
    before = board.dump()
    assert opened(board) == ["DONE", "201", '{"id": 1}']
    assert board.dump() == before


def test_when_the_worker_counts_as_dead_the_key_is_free(board: Board) -> None:
    opened(board)
    board.redis.delete(board.idempotency(KEY))
    assert opened(board, "other print") == ["OPENED"]
