"""mirror_booking: what Redis shows of a booking, version by version."""

from __future__ import annotations

import json

import pytest

from scripts.dev_server.child import wait_until
from services.claims.keys import spans_text
from tests.claims.board import BASE, REMEMBERED_MS, SLACK_MS, TICK_MS, Board, visit


def test_every_claim_is_marked_as_booked(board: Board) -> None:
    where = visit(before=1, after=2)
    assert board.mirror("bk_1", 3, where) == ["MIRRORED"]
    assert board.marks(where) == ["booked|bk_1"] * 11


def test_marks_last_until_the_visit_is_over_and_the_record_an_hour_longer(board: Board) -> None:
    where = visit(before=1, after=2)
    board.mirror("bk_1", 1, where)
    over = (BASE + 6) * TICK_MS
    assert {board.redis.pexpiretime(key) for key in board.all_claims()} == {over}
    assert board.redis.pexpiretime(board.names.booking("bk_1")) == over + REMEMBERED_MS


def test_the_record_says_what_was_mirrored_last(board: Board) -> None:
    board.mirror("bk_1", 1, visit(), holder="holder-1")
    assert board.redis.hgetall(board.names.booking("bk_1")) == {
        "holder": "holder-1",
        "version": "1",
        "active": "1",
        "spans": f"p:prop-1 {BASE} {BASE + 4} t:tech-1 {BASE} {BASE + 4}",
    }


def test_the_same_version_again_changes_nothing(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    before = board.dump()
    assert board.mirror("bk_1", 1, visit()) == ["SAME"]
    assert board.dump() == before


def test_an_older_version_changes_nothing(board: Board) -> None:
    board.mirror("bk_1", 2, visit(8), kind="move")
    before = board.dump()
    assert board.mirror("bk_1", 1, visit()) == ["SAME"]
    assert board.dump() == before
    assert board.owners(visit()) == {None}


def test_versions_are_compared_as_numbers(board: Board) -> None:
    board.mirror("bk_1", 9, visit())
    assert board.mirror("bk_1", 10, visit(8)) == ["MIRRORED"]


def test_a_cancelled_booking_leaves_its_slot_free(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    assert board.mirror("bk_1", 2, visit(), active=False, kind="cancel") == ["MIRRORED"]
    assert board.all_claims() == {}
    record = board.redis.hgetall(board.names.booking("bk_1"))
    assert (record["version"], record["active"], record["spans"]) == ("2", "0", "")


def test_a_late_version_does_not_bring_a_cancelled_booking_back(board: Board) -> None:
    board.mirror("bk_1", 2, visit(), active=False, kind="cancel")
    before = board.dump()
    assert board.mirror("bk_1", 1, visit()) == ["SAME"]
    assert board.dump() == before
    assert board.all_claims() == {}


def test_a_move_takes_the_earlier_marks_away(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    board.mirror("bk_1", 2, visit(2, by="tech-2"), kind="move")
    assert sorted(board.all_claims()) == sorted(board.claim_names(visit(2, by="tech-2")))
    assert board.owners(visit(2, by="tech-2")) == {"booked bk_1"}


def test_a_move_does_not_touch_marks_of_a_new_owner(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    board.redis.delete(*board.claim_names(visit()))
    board.place("h1")
    board.mirror("bk_1", 2, visit(8), kind="move")
    assert board.owners(visit()) == {"held h1"}


def test_another_bookings_mark_is_a_clash_and_nothing_is_written(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    board.mirror("bk_2", 1, visit(8, by="tech-2"))
    board.place("h1", visit(12))
    before = board.dump()
    assert board.mirror("bk_2", 2, visit(3, by="tech-2"), hold_id="h1", kind="move") == ["CLASH", "bk_1"]
    assert board.mirror("bk_3", 1, visit(3, at="prop-2")) == ["CLASH", "bk_1"]
    assert board.dump() == before


def test_a_clash_is_settled_by_mirroring_the_inactive_one_first(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    assert board.mirror("bk_2", 1, visit())[0] == "CLASH"
    board.mirror("bk_1", 2, visit(), active=False, kind="cancel")
    assert board.mirror("bk_2", 1, visit()) == ["MIRRORED"]
    assert board.owners(visit()) == {"booked bk_2"}


def test_an_inactive_booking_never_clashes(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    marks = board.marks(visit())
    assert board.mirror("bk_2", 2, visit(), active=False, kind="cancel") == ["MIRRORED"]
    assert board.marks(visit()) == marks


def test_a_visit_that_is_over_leaves_no_mark(board: Board) -> None:
    assert board.mirror("bk_1", 1, visit(-200)) == ["MIRRORED"]
    assert board.all_claims() == {}


def test_the_event_says_what_happened_without_personal_data(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    board.mirror("bk_1", 2, visit(8), kind="move")
    board.mirror("bk_1", 3, visit(8), active=False, kind="cancel")
    seen = [(event["kind"], event["state"], event["start"]) for event in board.events()]
    assert seen == [
        ("book", "booked", str(BASE)),
        ("move", "booked", str(BASE + 8)),
        ("cancel", "free", str(BASE + 8)),
    ]
    fields = {"kind", "id", "property_id", "technician_ids", "start", "end", "leaves", "returns", "state"}
    fields |= {"expires_ms", "source"}
    fields |= {"version", "status", "from", "replaces"}
    assert {frozenset(event) for event in board.events()} == {frozenset(fields)}


def test_the_event_of_a_move_says_where_the_visit_was_before(board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    board.mirror("bk_1", 2, visit(8), kind="change")
    board.mirror("bk_1", 3, visit(8), kind="change")
    seen = [(event["kind"], event["from"], event["version"]) for event in board.events()]
    assert seen == [("book", "", "1"), ("move", spans_text(visit().spans()), "2"), ("change", "", "3")]


def test_the_event_of_a_booking_names_the_hold_that_it_was_made_from(board: Board) -> None:
    board.place("h1")
    board.begin("h1")
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    assert [(event["kind"], event["id"], event.get("replaces")) for event in board.events()] == [
        ("hold", "h1", None),
        ("book", "bk_1", "h1"),
    ]


def test_a_rebuild_publishes_nothing_for_each_booking(board: Board) -> None:
    keys, ask = board.names.mirror([("bk_1", "")]), board.mirrored("bk_1", 1, visit())
    whole = {"prefix": board.names.prefix, "remembered_ms": 1000, "key_kept_ms": 1000, "quiet": True, "bookings": [ask]}
    assert board.scripts.run("mirror_booking", keys, [json.dumps(whole)]) == ["MIRRORED"]
    assert board.events() == []


def test_orgs_do_not_see_each_others_bookings(board: Board, other_board: Board) -> None:
    board.mirror("bk_1", 1, visit())
    assert other_board.mirror("bk_2", 1, visit()) == ["MIRRORED"]


def test_a_reservation_is_marked_as_pending_until_its_deadline(board: Board) -> None:
    deadline_ms = board.now_ms() + 60_000
    assert board.mirror("bk_1", 1, visit(), ends_ms=deadline_ms, pending=True) == ["MIRRORED"]
    assert board.marks(visit()) == ["booked|bk_1|pending"] * 8
    assert {board.redis.pexpiretime(key) for key in board.all_claims()} == {deadline_ms}
    assert board.redis.pexpiretime(board.names.booking("bk_1")) == (BASE + 4) * TICK_MS + REMEMBERED_MS


def test_a_confirmed_reservation_is_marked_until_the_visit_is_over(board: Board) -> None:
    board.mirror("bk_1", 1, visit(), ends_ms=board.now_ms() + 60_000, pending=True)
    assert board.mirror("bk_1", 2, visit()) == ["MIRRORED"]
    assert board.marks(visit()) == ["booked|bk_1"] * 8
    assert {board.redis.pexpiretime(key) for key in board.all_claims()} == {(BASE + 4) * TICK_MS}


def test_the_slot_of_a_reservation_is_free_at_its_deadline(board: Board) -> None:
    board.mirror("bk_1", 1, visit(), ends_ms=board.now_ms() + 60_000, pending=True)
    assert board.place("h1")[0] == "TAKEN"
    deadline_ms = board.now_ms() + 200
    board.mirror("bk_1", 2, visit(), ends_ms=deadline_ms, pending=True)
    assert wait_until(lambda: board.place("h1")[0] == "HELD", seconds=30)
    assert board.now_ms() >= deadline_ms
    assert board.owners(visit()) == {"held h1"}


@pytest.mark.parametrize("version", [1, 2])
def test_an_overdue_reservation_leaves_no_mark_and_touches_no_other(board: Board, version: int) -> None:
    if version == 2:
        board.mirror("bk_1", 1, visit(), ends_ms=board.now_ms() + 60_000, pending=True)
        board.redis.delete(*board.claim_names(visit()))
    board.place("h1")
    marks, ttls = board.all_claims(), board.ttls(visit())
    assert board.mirror("bk_1", version, visit(), ends_ms=board.now_ms(), pending=True) == ["MIRRORED"]
    assert board.mirror("bk_1", version, visit(), ends_ms=board.now_ms() - 1, pending=True) == ["SAME"]
    assert board.mirror("bk_1", version + 1, visit(), active=False, kind="release") == ["MIRRORED"]
    assert board.all_claims() == marks
    assert min(board.ttls(visit())) >= min(ttls) - SLACK_MS
    assert board.mirror("bk_1", version, visit(), ends_ms=board.now_ms() + 60_000, pending=True) == ["SAME"]
    assert board.all_claims() == marks


def test_an_overdue_reservation_never_clashes(board: Board) -> None:
    board.mirror("bk_2", 1, visit())
    marks = board.all_claims()
    assert board.mirror("bk_1", 1, visit(), ends_ms=board.now_ms(), pending=True) == ["MIRRORED"]
    assert board.all_claims() == marks
