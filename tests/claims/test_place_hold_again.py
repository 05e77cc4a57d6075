"""place_hold: a repeat finds its own hold, and no other request does."""

from __future__ import annotations

import pytest

from models.slot import Visit
from tests.claims.board import ALICE, BASE, BOB, KEPT_MS, SLACK_MS, Board, granted, record_of, visit

AT_THE_DESK = f"{ALICE} holder-1"


def test_the_same_call_sent_twice_is_answered_with_the_first_one_and_changes_nothing(board: Board) -> None:
    first = granted(board.place("h1"))
    before = board.dump()
    word, *flat = board.place("h1")
    assert word == "OWN"
    now_ms = record_of(flat)["now_ms"]
    assert record_of(flat) == board.record("h1") | {"hold_id": "h1", "now_ms": now_ms}
    assert (record_of(flat)["created_ms"], record_of(flat)["expires_ms"]) == (first["created_ms"], first["expires_ms"])
    assert board.dump() == before


def test_the_same_call_sent_twice_does_not_count_twice_for_the_quota(board: Board) -> None:
    for _ in range(3):
        board.place("h1", owner=AT_THE_DESK, quota=3)
    assert board.redis.zcard(board.names.prefix + "holder:holder-1") == 1


def test_a_hold_id_that_was_released_or_has_run_out_may_be_used_again(board: Board) -> None:
    board.place("h1")
    board.release("h1")
    assert board.place("h1")[0] == "HELD"
    assert "released_by" not in board.record("h1")
    board.lapse("h1")
    assert board.place("h1")[0] == "HELD"


def test_the_same_holder_gets_its_hold_of_the_same_slot_back(board: Board) -> None:
    board.place("h1", owner=AT_THE_DESK)
    before = board.dump()
    word, *flat = board.place("h2", owner=AT_THE_DESK)
    assert word == "OWN"
    assert record_of(flat)["hold_id"] == "h1"
    assert board.dump() == before


def test_its_own_hold_comes_back_even_at_the_limit_of_the_quota(board: Board) -> None:
    board.place("h1", owner=AT_THE_DESK, quota=1)
    assert board.place("h2", owner=AT_THE_DESK, quota=1)[0] == "OWN"


def test_its_own_hold_comes_back_with_the_technician_that_it_has(board: Board) -> None:
    board.place("h0", visit(at="prop-2", by="tech-1"))
    anyone = [visit(by="tech-1"), visit(by="tech-2")]
    board.place("h1", *anyone, owner=AT_THE_DESK)
    board.release("h0")
    word, *flat = board.place("h2", *anyone, owner=AT_THE_DESK)
    assert (word, record_of(flat)["technician_id"]) == ("OWN", "tech-2")


def test_its_own_hold_comes_back_from_a_search_that_moved_it(board: Board) -> None:
    board.place("h0", visit(by="tech-9"), owner=BOB)
    search = [visit(start) for start in range(8)]
    board.place("h1", *search, owner=AT_THE_DESK)
    board.release("h0", key=BOB)
    word, *flat = board.place("h2", *search, owner=AT_THE_DESK)
    assert (word, record_of(flat)["hold_id"], record_of(flat)["start"]) == ("OWN", "h1", str(BASE + 4))


OTHERS = {
    "another holder of the same key": (f"{ALICE} holder-2", visit()),
    "the same holder under another key": (f"{BOB} holder-1", visit()),
    "the key without a holder": (ALICE, visit()),
    "another length": (AT_THE_DESK, visit(length=3)),
    "another start": (AT_THE_DESK, visit(1)),
    "another technician": (AT_THE_DESK, visit(by="tech-2")),
    "more travel before": (AT_THE_DESK, visit(before=1)),
    "more travel after": (AT_THE_DESK, visit(after=1)),
}


@pytest.mark.parametrize(("owner", "where"), OTHERS.values(), ids=OTHERS.keys())
def test_it_comes_back_only_for_the_same_holder_and_slot(board: Board, owner: str, where: Visit) -> None:
    board.place("h1", owner=AT_THE_DESK)
    before = board.dump()
    assert board.place("h2", where, owner=owner)[0] == "TAKEN"
    assert board.dump() == before


def test_without_a_holder_no_hold_comes_back(board: Board) -> None:
    board.place("h1", owner=ALICE)
    assert board.place("h2", owner=ALICE)[0] == "TAKEN"


def test_an_idempotency_key_gives_the_first_answer_and_changes_nothing(board: Board) -> None:
    first = granted(board.place("h1", fingerprint="print", idempotency="i", quota=1, owner=AT_THE_DESK))
    before = board.dump()
    word, *flat = board.place("h2", fingerprint="print", idempotency="i", quota=1, owner=AT_THE_DESK)
    assert word == "REPLAY"
    assert {name: record_of(flat)[name] for name in first} == first
    assert board.dump() == before


def test_the_first_answer_stays_when_the_hold_has_ended(board: Board) -> None:
    first = granted(board.place("h1", fingerprint="print", idempotency="i"))
    board.extend("h1", 600_000)
    board.release("h1")
    answer = record_of(board.place("h2", fingerprint="print", idempotency="i")[1:])
    assert (answer["hold_id"], answer["status"], answer["expires_ms"]) == ("h1", "held", first["expires_ms"])
    assert board.all_claims() == {}


def test_an_idempotency_key_is_kept_for_a_day(board: Board) -> None:
    board.place("h1", fingerprint="print", idempotency="i")
    assert KEPT_MS - SLACK_MS < board.redis.pttl(board.idempotency("i")) <= KEPT_MS


def test_an_idempotency_key_of_another_request_is_refused_and_nothing_is_written(board: Board) -> None:
    board.place("h1", fingerprint="print", idempotency="i")
    before = board.dump()
    assert board.place("h2", visit(8), fingerprint="other print", idempotency="i") == ["REUSED"]
    assert board.dump() == before


def test_a_refused_request_keeps_no_idempotency_key(board: Board) -> None:
    board.place("h1")
    assert board.place("h2", fingerprint="print", idempotency="i")[0] == "TAKEN"
    board.release("h1")
    assert board.place("h2", fingerprint="print", idempotency="i")[0] == "HELD"
