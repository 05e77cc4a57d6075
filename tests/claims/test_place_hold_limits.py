"""place_hold: the quota of a holder, and a direct booking, which is placed and begun in one step."""

from __future__ import annotations

from typing import Any

from tests.claims.board import (
    ALICE,
    BACKSTOP_MS,
    BOB,
    LIFETIME_MS,
    REMEMBERED_MS,
    SLACK_MS,
    WINDOW_MS,
    Board,
    granted,
    record_of,
    visit,
)

HOLDER = f"{ALICE} holder-1"


def test_a_holder_has_as_many_holds_as_its_quota(board: Board) -> None:
    for number in (0, 1):
        assert board.place(f"h{number}", visit(4 * number), owner=HOLDER, quota=2)[0] == "HELD"
    before = board.dump()
    assert board.place("h2", visit(8), owner=HOLDER, quota=2, fingerprint="f", idempotency="i")[0] == "FULL"
    assert board.dump() == before


def test_the_refusal_says_when_the_first_hold_ends(board: Board) -> None:
    board.place("h0", visit(0), owner=HOLDER, quota=2, lifetime_ms=200_000)
    board.place("h1", visit(4), owner=HOLDER, quota=2, lifetime_ms=100_000)
    word, _, _, wait = board.place("h2", visit(8), owner=HOLDER, quota=2)
    assert word == "FULL"
    assert 100_000 - SLACK_MS < wait <= 100_000


def test_another_holder_has_its_own_quota(board: Board) -> None:
    board.place("h0", owner=HOLDER, quota=1)
    assert board.place("h1", visit(4), owner=f"{ALICE} holder-2", quota=1)[0] == "HELD"


def test_a_quota_of_zero_means_any_number(board: Board) -> None:
    assert [board.place(f"h{number}", visit(4 * number), owner=HOLDER)[0] for number in range(9)] == ["HELD"] * 9


def test_a_released_hold_counts_no_longer(board: Board) -> None:
    board.place("h0", owner=HOLDER, quota=1)
    board.release("h0")
    assert board.place("h1", visit(4), owner=HOLDER, quota=1)[0] == "HELD"


def test_a_hold_that_has_run_out_counts_no_longer(board: Board) -> None:
    board.place("h0", owner=HOLDER, quota=1)
    board.lapse("h0")
    assert board.place("h1", visit(4), owner=HOLDER, quota=1)[0] == "HELD"


def test_a_booked_hold_counts_no_longer(board: Board) -> None:
    board.place("h0", owner=HOLDER, quota=1)
    board.begin("h0")
    board.mirror("bk_1", 1, visit(), hold_id="h0")
    assert board.place("h1", visit(4), owner=HOLDER, quota=1)[0] == "HELD"


def test_an_extended_hold_counts_for_as_long_as_it_lives(board: Board) -> None:
    board.place("h0", owner=HOLDER, quota=1)
    board.extend("h0", 2 * LIFETIME_MS)
    word, _, _, wait = board.place("h1", visit(4), owner=HOLDER, quota=1)
    assert word == "FULL"
    assert wait > LIFETIME_MS


def test_a_refusal_for_the_quota_comes_before_one_for_the_slot(board: Board) -> None:
    board.place("h0", owner=HOLDER, quota=1)
    assert board.place("h1", visit(1), owner=HOLDER, quota=1)[0] == "FULL"


def direct(board: Board, hold_id: str = "d1", **changed: Any) -> list[Any]:
    return board.place(hold_id, confirming=True, booking_id="bk_1", **changed)


def test_a_direct_booking_is_pinned_at_once(board: Board) -> None:
    record = granted(direct(board))
    assert board.owners(visit()) == {"confirming d1"}
    assert record.items() <= board.record("d1").items()
    assert (record["status"], record["booking_id"], record["direct"]) == ("confirming", "bk_1", "1")
    assert record["begun_ms"] == record["created_ms"]
    deadline = int(record["created_ms"]) + WINDOW_MS
    assert record["deadline_ms"] == str(deadline)
    assert board.redis.zscore(board.names.pins, "d1") == deadline


def test_a_direct_booking_is_not_cold_because_its_insert_is_the_check(board: Board) -> None:
    board.redis.delete(board.names.epoch)
    direct(board)
    assert board.record("d1")["cold"] == "0"


def test_a_pin_does_not_lapse_with_the_lifetime_but_with_its_backstop(board: Board) -> None:
    direct(board, lifetime_ms=1000)
    assert all(BACKSTOP_MS - SLACK_MS < ttl <= BACKSTOP_MS for ttl in board.ttls(visit()))
    left = board.redis.pttl(board.names.hold("d1")) - REMEMBERED_MS
    assert BACKSTOP_MS - SLACK_MS < left <= BACKSTOP_MS


def test_a_hold_is_not_registered_as_a_pin(board: Board) -> None:
    board.place("h1")
    assert board.redis.exists(board.names.pins) == 0


def test_a_direct_booking_does_not_take_a_held_slot(board: Board) -> None:
    board.place("h1")
    before = board.dump()
    assert direct(board, fingerprint="f", idempotency="i", owner=BOB)[0] == "TAKEN"
    assert board.dump() == before


def test_a_direct_booking_never_gets_a_hold_of_its_own_key_back(board: Board) -> None:
    board.place("h1", owner=HOLDER)
    assert direct(board, owner=HOLDER)[0] == "TAKEN"


def test_a_direct_booking_that_comes_again_finds_its_pin(board: Board) -> None:
    direct(board, fingerprint="f", idempotency="i")
    before = board.dump()
    word, *flat = direct(board, fingerprint="f", idempotency="i")
    assert word == "REPLAY"
    assert record_of(flat)["booking_id"] == "bk_1"
    assert direct(board)[0] == "OWN"
    assert board.dump() == before


def test_a_pinned_slot_cannot_be_held(board: Board) -> None:
    direct(board)
    assert board.place("h1", owner=BOB)[0] == "TAKEN"
