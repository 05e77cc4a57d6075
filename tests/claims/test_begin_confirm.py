"""begin_confirm: pins a live, owned hold until the outcome in MongoDB is known."""

from __future__ import annotations

import pytest

from tests.claims.board import (
    ALICE,
    BACKSTOP_MS,
    BOB,
    KEPT_MS,
    LIFETIME_MS,
    REMEMBERED_MS,
    SLACK_MS,
    WINDOW_MS,
    Board,
    granted,
    record_of,
    visit,
)


def test_a_live_hold_is_begun_and_described(board: Board) -> None:
    board.place("h1", owner=f"{ALICE} holder-1")
    held = board.record("h1")
    word, again, now, *flat = board.begin("h1")
    assert (word, again) == ("BEGUN", 0)
    assert abs(now - board.now_ms()) < SLACK_MS
    assert record_of(flat) == held | {"deadline_ms": board.record("h1")["deadline_ms"]}


def test_its_claims_are_pinned_with_their_spans_kept(board: Board) -> None:
    where = visit(before=1, after=2)
    board.place("h1", where)
    held = board.marks(where)
    board.begin("h1")
    assert board.marks(where) == [(mark or "").replace("held|", "confirming|") for mark in held]
    assert all(BACKSTOP_MS - SLACK_MS < ttl <= BACKSTOP_MS for ttl in board.ttls(where))


def test_the_record_says_since_when_and_for_which_booking(board: Board) -> None:
    board.place("h1")
    _, _, now, *_ = board.begin("h1", booking_id="bk_7")
    record = board.record("h1")
    assert (record["status"], record["booking_id"], record["begun_ms"]) == ("confirming", "bk_7", str(now))
    left = board.redis.pttl(board.names.hold("h1")) - REMEMBERED_MS
    assert BACKSTOP_MS - SLACK_MS < left <= BACKSTOP_MS


def test_the_pin_is_registered_with_a_deadline_that_names_this_attempt(board: Board) -> None:
    board.place("h1")
    _, _, now, *flat = board.begin("h1")
    assert record_of(flat)["deadline_ms"] == str(now + WINDOW_MS)
    assert board.record("h1")["deadline_ms"] == str(now + WINDOW_MS)
    assert board.redis.zscore(board.names.pins, "h1") == now + WINDOW_MS


def test_a_second_attempt_finds_the_first_and_renews_the_deadline(board: Board) -> None:
    board.place("h1")
    board.begin("h1")
    board.make_overdue("h1")
    word, again, now, *flat = board.begin("h1")
    assert (word, again) == ("AGAIN", 0)
    assert record_of(flat)["deadline_ms"] == str(now + WINDOW_MS)
    assert board.redis.zscore(board.names.pins, "h1") == now + WINDOW_MS


def test_no_two_attempts_have_the_same_deadline(board: Board) -> None:
    board.place("h1")
    deadlines = [int(record_of(board.begin("h1")[3:])["deadline_ms"]) for _ in range(20)]
    assert deadlines == sorted(set(deadlines))


def test_a_direct_booking_has_begun_already(board: Board) -> None:
    board.place("d1", confirming=True, booking_id="bk_1")
    assert board.begin("d1")[0] == "AGAIN"


def test_an_unknown_hold_is_missing_and_nothing_is_written(board: Board) -> None:
    before = board.dump()
    assert board.begin("h1", fingerprint="f", idempotency="i") == ["MISSING"]
    assert board.dump() == before


def test_another_key_is_refused_and_nothing_is_written(board: Board) -> None:
    board.place("h1", owner=f"{ALICE} holder-1")
    before = board.dump()
    assert board.begin("h1", key=BOB, fingerprint="f", idempotency="i") == ["FOREIGN"]
    assert board.begin("h1", key=f"{ALICE}-2") == ["FOREIGN"]
    assert board.begin("h1", key="key") == ["FOREIGN"]
    assert board.dump() == before


def test_a_hold_that_has_run_out_is_expired_and_nothing_is_written(board: Board) -> None:
    board.place("h1")
    board.lapse("h1")
    before = board.dump()
    assert board.begin("h1", fingerprint="f", idempotency="i")[0] == "EXPIRED"
    assert board.dump() == before


def test_a_hold_that_lost_a_single_claim_is_expired(board: Board) -> None:
    board.place("h1")
    board.redis.delete(board.claim_names(visit())[-1])
    before = board.dump()
    assert board.begin("h1")[0] == "EXPIRED"
    assert board.dump() == before


def test_a_hold_whose_time_is_over_is_expired_though_its_claims_are_still_there(board: Board) -> None:
    board.place("h1")
    board.redis.hset(board.names.hold("h1"), "expires_ms", board.now_ms() - 1)
    assert board.begin("h1")[0] == "EXPIRED"


def test_a_hold_that_a_booking_overwrote_is_blocked_and_nothing_is_written(board: Board) -> None:
    board.place("h1")
    board.mirror("bk_9", 1, visit(2, by="tech-2"))
    before = board.dump()
    word, again, _, *flat = board.begin("h1", fingerprint="f", idempotency="i")
    assert (word, again, record_of(flat)) == ("BLOCKED", 0, board.record("h1"))
    assert board.dump() == before


def test_a_released_hold_says_so(board: Board) -> None:
    board.place("h1")
    board.release("h1")
    before = board.dump()
    assert board.begin("h1")[0] == "RELEASED"
    assert board.dump() == before


def test_a_booked_hold_says_so_and_names_its_booking(board: Board) -> None:
    board.place("h1")
    board.begin("h1")
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    before = board.dump()
    word, _, _, *flat = board.begin("h1")
    assert (word, record_of(flat)["booking_id"]) == ("BOOKED", "bk_1")
    assert board.dump() == before


def test_an_idempotency_key_is_remembered_for_a_day_and_recognised(board: Board) -> None:
    board.place("h1")
    assert board.begin("h1", fingerprint="f", idempotency="i")[:2] == ["BEGUN", 0]
    assert KEPT_MS - SLACK_MS < board.redis.pttl(board.idempotency("i")) <= KEPT_MS
    assert board.begin("h1", fingerprint="f", idempotency="i")[:2] == ["AGAIN", 1]
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    assert board.begin("h1", fingerprint="f", idempotency="i")[:2] == ["BOOKED", 1]


def test_an_idempotency_key_of_another_request_is_refused_before_anything_else(board: Board) -> None:
    board.place("h1")
    board.place("h2", visit(4))
    board.begin("h1", fingerprint="f", idempotency="i")
    before = board.dump()
    assert board.begin("h2", fingerprint="g", idempotency="i") == ["REUSED"]
    assert board.begin("nothing", fingerprint="g", idempotency="i") == ["REUSED"]
    assert board.dump() == before


def test_a_second_attempt_under_another_key_is_not_mistaken_for_a_repeat(board: Board) -> None:
    board.place("h1")
    board.begin("h1", fingerprint="f", idempotency="i")
    assert board.begin("h1", fingerprint="g", idempotency="j")[:2] == ["AGAIN", 0]


@pytest.mark.parametrize("fingerprint", ["", "f"])
def test_beginning_does_not_shorten_the_hold(board: Board, fingerprint: str) -> None:
    record = granted(board.place("h1", lifetime_ms=LIFETIME_MS))
    board.begin("h1", fingerprint=fingerprint, idempotency="i")
    assert board.record("h1")["expires_ms"] == record["expires_ms"]
