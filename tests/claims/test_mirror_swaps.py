"""mirror_booking for several bookings in one call: what swapped comes together, and no clash lasts for ever."""

from __future__ import annotations

from tests.claims.board import Board, visit

ONE, TWO = visit(), visit(at="prop-2", by="tech-2")
ONE_AFTER, TWO_AFTER = visit(by="tech-2"), visit(at="prop-2", by="tech-1")
TO_TWO, TO_ONE = ((2, "bk_2", 2),), ((2, "bk_1", 2),)


def booked(board: Board) -> None:
    board.mirror("bk_1", 1, ONE)
    board.mirror("bk_2", 1, TWO)


def test_two_that_took_each_others_slot_clash_one_by_one_and_not_together(board: Board) -> None:
    booked(board)
    assert board.mirror("bk_1", 2, ONE_AFTER) == ["CLASH", "bk_2"]
    assert board.mirror("bk_2", 2, TWO_AFTER) == ["CLASH", "bk_1"]
    both = board.mirrored("bk_1", 2, ONE_AFTER), board.mirrored("bk_2", 2, TWO_AFTER)
    assert board.mirror_all(*both) == ["MIRRORED"]
    assert (board.owners(ONE_AFTER), board.owners(TWO_AFTER)) == ({"booked bk_1"}, {"booked bk_2"})
    assert board.mirror_all(*both) == ["SAME"]


def test_half_a_swap_is_not_mirrored(board: Board) -> None:
    booked(board)
    before = board.dump()
    elsewhere = visit(8, by="tech-2")
    assert board.mirror("bk_1", 2, elsewhere, swaps=TO_TWO) == ["CLASH", "bk_2"]
    assert board.mirror("bk_1", 3, ONE, active=False, swaps=TO_TWO) == ["CLASH", "bk_2"]
    stale = board.mirrored("bk_2", 1, TWO)
    assert board.mirror_all(board.mirrored("bk_1", 2, elsewhere, swaps=TO_TWO), stale) == ["CLASH", "bk_2"]
    assert board.dump() == before


def test_once_the_other_half_is_mirrored_each_goes_on_alone(board: Board) -> None:
    booked(board)
    board.mirror_all(
        board.mirrored("bk_1", 2, ONE_AFTER, swaps=TO_TWO), board.mirrored("bk_2", 2, TWO_AFTER, swaps=TO_ONE)
    )
    assert board.mirror("bk_1", 3, visit(8, by="tech-2"), swaps=TO_TWO) == ["MIRRORED"]
    assert board.mirror("bk_2", 3, TWO_AFTER, active=False, swaps=TO_ONE) == ["MIRRORED"]
    assert board.owners(visit(8, by="tech-2")) == {"booked bk_1"}
    assert board.owners(ONE) == {None}


def test_a_cancellation_after_a_swap_comes_with_the_other_visit(board: Board) -> None:
    booked(board)
    cancelled = board.mirrored("bk_2", 3, TWO_AFTER, active=False, kind="cancel", swaps=TO_ONE)
    assert board.mirror_all(cancelled, board.mirrored("bk_1", 2, ONE_AFTER, swaps=TO_TWO)) == ["MIRRORED"]
    assert board.owners(ONE_AFTER) == {"booked bk_1"}


def test_of_two_that_want_one_slot_neither_is_mirrored(board: Board) -> None:
    """One of the two documents is an old one."""
    booked(board)
    before = board.dump()
    both = board.mirrored("bk_1", 2, ONE_AFTER), board.mirrored("bk_2", 2, visit(1, at="prop-2", by="tech-2"))
    assert board.mirror_all(*both) == ["CLASH", "bk_1"]
    assert board.dump() == before


def test_a_booking_that_stays_where_it_is_is_in_the_way_of_one_in_the_same_call(board: Board) -> None:
    booked(board)
    before = board.dump()
    assert board.mirror_all(board.mirrored("bk_1", 2, ONE_AFTER), board.mirrored("bk_2", 1, TWO)) == ["CLASH", "bk_2"]
    assert board.dump() == before


def test_a_third_booking_in_the_way_leaves_both_as_they_were(board: Board) -> None:
    booked(board)
    board.mirror("bk_3", 1, visit(4, at="prop-3", by="tech-1"))
    before = board.dump()
    longer = board.mirrored("bk_2", 2, visit(at="prop-2", by="tech-1", length=6))
    assert board.mirror_all(board.mirrored("bk_1", 2, ONE_AFTER), longer) == ["CLASH", "bk_3"]
    assert board.dump() == before


def test_the_pins_of_a_swap_give_way_to_both(board: Board) -> None:
    booked(board)
    later = visit(8, at="prop-2", by="tech-2")
    board.mirror("bk_2", 2, later)
    for name, where, booking, other in (("m1", ONE_AFTER, "bk_1", "bk_2"), ("m2", later, "bk_2", "bk_1")):
        board.place(name, where, moving=True, booking_id=booking, swaps_with=other)
    both = board.mirrored("bk_1", 2, ONE_AFTER), board.mirrored("bk_2", 3, visit(8, at="prop-2", by="tech-1"))
    assert board.mirror_all(*both) == ["MIRRORED"]
    assert board.owners(ONE_AFTER) == {"booked bk_1"}
