"""place_hold for a booking that moves: its own marks stay, all others are in the way; and how a pin ends."""

from __future__ import annotations

import pytest

from models.slot import Visit
from tests.claim_keys import STATES
from tests.claims.board import (
    ALICE,
    BACKSTOP_MS,
    BASE,
    BOB,
    REMEMBERED_MS,
    SLACK_MS,
    WINDOW_MS,
    Board,
    granted,
    record_of,
    visit,
)

PIN = "m_bk_1.1.abc"


def booked(board: Board, where: Visit | None = None, booking_id: str = "bk_1") -> Visit:
    """A booking that is mirrored."""
    where = where or visit()
    assert board.mirror(booking_id, 1, where) == ["MIRRORED"]
    return where


def moving(board: Board, where: Visit, name: str = PIN, *, attempt: str = "", owner: str = ALICE) -> list[object]:
    return board.place(name, where, moving=True, booking_id="bk_1", attempt=attempt, owner=owner)


TARGETS = {
    "elsewhere": visit(20, at="prop-2", by="tech-2"),
    "half over itself": visit(2),
    "half over itself, earlier": visit(-2),
    "around itself": visit(-2, length=8),
    "another technician at its time": visit(by="tech-2"),
    "another property at its time": visit(at="prop-2"),
    "with travel": visit(before=2, after=3),
    "right after itself": visit(4),
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_its_own_marks_stay_and_the_rest_is_pinned(board: Board, target: Visit) -> None:
    old = booked(board)
    own = dict(zip(board.claim_names(old), board.marks(old), strict=True))
    assert moving(board, target)[0] == "HELD"
    claims, wanted = board.all_claims(), set(board.claim_names(target))
    assert {key: claims[key] for key in own} == own
    pinned = {key for key, mark in claims.items() if mark.split("|")[:2] == ["moving", PIN]}
    assert pinned == wanted - set(own)
    assert set(claims) == wanted | set(own)


def test_a_visit_within_the_old_one_pins_nothing_but_is_registered(board: Board) -> None:
    old = booked(board)
    before = board.all_claims()
    assert moving(board, visit(1, length=2))[0] == "HELD"
    assert board.all_claims() == before
    assert board.redis.zscore(board.names.pins, PIN) is not None
    assert board.owners(old) == {"booked bk_1"}


def test_own_marks_keep_their_expiry(board: Board) -> None:
    old = booked(board)
    before = [board.redis.pexpiretime(key) for key in board.claim_names(old)]
    moving(board, visit(2))
    assert [board.redis.pexpiretime(key) for key in board.claim_names(old)] == before


def test_a_pin_has_a_deadline_and_a_long_expiry_as_backstop(board: Board) -> None:
    booked(board)
    word, cold, *flat = moving(board, visit(8))
    record = record_of(flat)
    deadline = int(record["created_ms"]) + WINDOW_MS
    assert (word, cold, record["deadline_ms"]) == ("HELD", 0, str(deadline))
    assert board.redis.zscore(board.names.pins, PIN) == deadline
    assert all(BACKSTOP_MS - SLACK_MS < ttl <= BACKSTOP_MS for ttl in board.ttls(visit(8)))
    left = board.redis.pttl(board.names.hold(PIN))
    assert BACKSTOP_MS - SLACK_MS < left - REMEMBERED_MS <= BACKSTOP_MS


def test_its_record_says_that_it_is_a_move(board: Board) -> None:
    booked(board)
    moving(board, visit(2), attempt="first")
    record = board.record(PIN)
    fields = ("status", "moves", "direct", "booking_id", "start", "end", "attempt", "cold", "confirm_key")
    assert [record[name] for name in fields] == [
        *("confirming", "1", "1", "bk_1", str(BASE + 2), str(BASE + 6), "first", "0", "")
    ]


def test_neither_a_pin_nor_its_end_is_published(board: Board) -> None:
    booked(board)
    before = board.events()
    moving(board, visit(2))
    board.abort(PIN)
    assert board.events() == before


OTHERS = ("held", "confirming", "moving", "booked")


@pytest.mark.parametrize("state", OTHERS)
@pytest.mark.parametrize(
    "target",
    [visit(2), visit(5), visit(length=5), visit(6, at="prop-2", before=2)],
    ids=["half", "apart", "grow", "travel"],
)
def test_any_other_mark_in_the_way_refuses_the_whole_move(board: Board, state: str, target: Visit) -> None:
    booked(board)
    theirs = visit(4)
    if state == "booked":
        booked(board, theirs, "bk_2")
    elif state == "moving":
        board.place("m_bk_2.1.abc", theirs, moving=True, booking_id="bk_2", owner=BOB)
    else:
        board.place("h1", theirs, owner=BOB, confirming=state == "confirming")
    before = board.dump()
    word, _cold, *obstacles = moving(board, target)
    assert word == "TAKEN"
    assert {STATES[mark[0]] for _, mark, *_ in obstacles} == {state}
    assert board.dump() == before


def test_another_move_of_the_same_booking_is_in_the_way(board: Board) -> None:
    booked(board)
    moving(board, visit(8))
    before = board.dump()
    word, _cold, *obstacles = moving(board, visit(10), "m_bk_1.1.def")
    assert (word, len(obstacles)) == ("TAKEN", 2)
    assert board.dump() == before


def test_a_hold_that_names_a_booking_does_not_go_over_its_marks(board: Board) -> None:
    booked(board)
    assert board.place("h1", visit(2), booking_id="bk_1")[0] == "TAKEN"
    assert board.place("d1", visit(2), booking_id="bk_1", confirming=True)[0] == "TAKEN"


def test_a_pin_blocks_holds_and_bookings_until_it_ends(board: Board) -> None:
    booked(board)
    moving(board, visit(8))
    assert board.place("h1", visit(10), owner=BOB)[0] == "TAKEN"
    assert board.place("d1", visit(6), owner=BOB, confirming=True)[0] == "TAKEN"
    assert board.place("h2", visit(12), owner=BOB)[0] == "HELD"
    assert board.place("h3", visit(4), owner=BOB)[0] == "HELD"
    board.abort(PIN)
    assert board.place("h4", visit(8), owner=BOB)[0] == "HELD"


def test_the_same_name_again_finds_its_pin_and_changes_nothing(board: Board) -> None:
    booked(board)
    moving(board, visit(2), attempt="first")
    before = board.dump()
    for attempt in ("first", "second"):
        word, *flat = moving(board, visit(2), attempt=attempt)
        assert word == "OWN"
        assert flat[flat.index("attempt") + 1] == "first"
    assert board.dump() == before


def test_a_later_attempt_that_takes_the_pin_over_gives_it_a_new_deadline(board: Board) -> None:
    booked(board)
    deadline = int(granted(moving(board, visit(8)))["deadline_ms"])
    assert board.begin(PIN, attempt="second")[0] == "AGAIN"
    assert board.abort(PIN, deadline_ms=deadline) == ["UNTOUCHED"]
    assert board.owners(visit(8)) == {f"moving {PIN}"}
    assert board.abort(PIN) == ["RELEASED"]
    assert board.owners(visit(8)) == {None}


def test_without_an_epoch_the_answer_is_cold_but_the_record_is_not(board: Board) -> None:
    """The change itself asks MongoDB, so a repeat does not have to."""
    board.redis.delete(board.names.epoch)
    assert moving(board, visit(2))[:2] == ["HELD", 1]
    assert board.record(PIN)["cold"] == "0"


def test_a_catalogue_that_changed_is_read_again_first(board: Board) -> None:
    booked(board)
    before = board.dump()
    assert board.place(PIN, visit(2), moving=True, booking_id="bk_1", epoch="older")[0] == "STALE"
    assert board.dump() == before


@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_after_it_is_given_back_all_marks_are_as_before(board: Board, target: Visit, restore: bool) -> None:
    booked(board)
    before = board.all_claims()
    moving(board, target)
    assert board.abort(PIN, restore=restore) == ["RELEASED"]
    assert board.all_claims() == before
    assert board.redis.exists(board.names.pins) == 0
    assert board.record(PIN)["status"] == "released"


def test_giving_it_back_twice_changes_nothing(board: Board) -> None:
    booked(board)
    deadline = int(granted(moving(board, visit(8)))["deadline_ms"])
    board.abort(PIN)
    before = board.dump()
    assert board.abort(PIN, deadline_ms=deadline) == ["UNTOUCHED"]
    assert board.dump() == before


def test_after_it_was_given_back_the_same_name_may_claim_again(board: Board) -> None:
    booked(board)
    moving(board, visit(8))
    board.abort(PIN)
    assert moving(board, visit(8))[0] == "HELD"
    assert board.owners(visit(8)) == {f"moving {PIN}"}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_the_new_version_goes_over_its_pin_and_frees_the_old_slot(board: Board, target: Visit) -> None:
    booked(board)
    moving(board, target)
    assert board.mirror("bk_1", 2, target, kind="move") == ["MIRRORED"]
    assert set(board.all_claims()) == set(board.claim_names(target))
    assert board.owners(target) == {"booked bk_1"}
    assert board.abort(PIN) == ["RELEASED"]
    assert board.owners(target) == {"booked bk_1"}
    assert [event["kind"] for event in board.events()] == ["book", "move"]


def test_another_booking_is_mirrored_over_a_pin_and_keeps_its_marks(board: Board) -> None:
    """MongoDB gave the slot to another booking: the rest of the pin goes, the booking's marks stay."""
    booked(board)
    moving(board, visit(8))
    theirs = booked(board, visit(10), "bk_2")
    assert board.owners(theirs) == {"booked bk_2"}
    board.abort(PIN)
    assert board.owners(theirs) == {"booked bk_2"}
    assert board.owners(visit(8, length=2)) == {None}


def test_a_booking_that_was_cancelled_during_its_move_leaves_only_the_pin(board: Board) -> None:
    old = booked(board)
    moving(board, visit(2))
    assert board.mirror("bk_1", 2, old, active=False, kind="cancel") == ["MIRRORED"]
    assert (board.owners(old), board.owners(visit(4, length=2))) == ({None}, {f"moving {PIN}"})
    board.abort(PIN)
    assert board.all_claims() == {}


def test_an_overdue_pin_is_named_with_its_deadline(board: Board) -> None:
    booked(board)
    moving(board, visit(8))
    assert board.overdue() == ["OVERDUE"]
    board.make_overdue(PIN)
    assert board.overdue()[1] == PIN
