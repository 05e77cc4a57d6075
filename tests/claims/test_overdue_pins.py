"""overdue_pins: the pins that have no outcome after their deadline, by Redis' clock."""

from __future__ import annotations

from tests.claims.board import Board, visit


def test_a_pin_within_its_window_is_not_overdue(board: Board) -> None:
    board.place("h1")
    board.begin("h1")
    assert board.overdue() == ["OVERDUE"]


def test_the_pins_that_are_overdue_longest_come_first_and_no_more_than_asked_for(board: Board) -> None:
    now = board.now_ms()
    board.redis.zadd(board.names.pins, {"h1": now - 1, "h2": now - 50, "h3": now - 20, "h4": now + 60_000})
    overdue = ["OVERDUE", "h2", str(now - 50), "h3", str(now - 20), "h1", str(now - 1)]
    assert board.overdue() == overdue
    assert board.overdue(most=2) == overdue[:5]


def test_asking_changes_nothing(board: Board) -> None:
    board.place("h1", visit(), confirming=True)
    board.make_overdue("h1")
    before = board.dump()
    board.overdue()
    assert board.dump() == before


def test_an_org_without_pins_has_none_overdue(board: Board) -> None:
    assert board.overdue() == ["OVERDUE"]
