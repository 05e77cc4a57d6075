"""The script place_hold with `replaces`: the own hold is let go if the new one is granted, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.claims.board import ALICE, BOB, Board, granted, record_of, visit

HOLDER = f"{ALICE} digest"


def replace(board: Board, hold_id: str, old: str, *visits: Any, owner: str = HOLDER, **fields: Any) -> list[Any]:
    return board.place(hold_id, *visits, owner=owner, replaces=old, **fields)


def held(board: Board, hold_id: str, *visits: Any, owner: str = HOLDER, **fields: Any) -> None:
    granted(board.place(hold_id, *visits, owner=owner, **fields))


@pytest.mark.parametrize(
    "wanted",
    [visit(2), visit(0, length=6), visit(1, length=2), visit(0, by="tech-2"), visit(20), visit(0, after=2)],
    ids=["half over it", "longer", "within it", "another technician", "elsewhere", "more travel"],
)
def test_the_old_hold_goes_and_the_new_one_has_its_claims_whole(board: Board, wanted: Any) -> None:
    held(board, "old")
    granted(replace(board, "new", "old", wanted))
    assert board.owners(wanted) == {"held new"}
    assert {mark.split("|")[1] for mark in board.all_claims().values()} == {"new"}
    old = board.record("old")
    assert (old["status"], old["released_by"], old["replaced_by"]) == ("released", ALICE, "new")
    assert [(event["kind"], event["id"]) for event in board.events()][-2:] == [("release", "old"), ("hold", "new")]


def test_where_another_hold_stands_in_the_way_nothing_changes(board: Board) -> None:
    held(board, "old")
    held(board, "other", visit(4), owner=BOB)
    before = board.dump()
    word, _cold, *obstacles = replace(board, "new", "old", visit(2))
    assert (word, {mark.split("|")[1] for _, mark, *_ in obstacles}) == ("TAKEN", {"other"})
    assert board.dump() == before


def test_the_old_hold_gives_its_share_back_at_once(board: Board) -> None:
    held(board, "one", quota=2)
    held(board, "two", visit(8), quota=2)
    assert board.place("new", visit(16), owner=HOLDER, quota=2)[0] == "FULL"
    granted(replace(board, "new", "one", visit(16), quota=2))
    assert board.place("more", visit(24), owner=HOLDER, quota=2)[0] == "FULL"


def test_a_hold_that_counts_nowhere_gives_back_no_share(board: Board) -> None:
    """The negative control: only what is counted in a set is taken off its count."""
    held(board, "uncounted", owner=ALICE)
    for number in (1, 2):
        held(board, f"h-{number}", visit(8 * number), owner=ALICE, address="a", limits={"public_holds_per_address": 2})
    shared = {"owner": ALICE, "address": "a", "limits": {"public_holds_per_address": 2}}
    assert replace(board, "new", "uncounted", visit(30), **shared)[0] == "FULL"
    granted(replace(board, "new", "h-1", visit(30), **shared))


@pytest.mark.parametrize("owner", [HOLDER, ALICE], ids=["holder", "no holder"])
def test_a_repeat_gets_the_new_hold(board: Board, owner: str) -> None:
    held(board, "old", owner=owner)
    granted(replace(board, "new", "old", visit(2), owner=owner))
    before = board.dump()
    word, *flat = replace(board, "again", "old", visit(2), owner=owner)
    assert (word, record_of(flat)["hold_id"]) == ("OWN", "new")
    assert board.dump() == before
    assert replace(board, "again", "old", visit(12), owner=owner) == ["KEPT", "RELEASED"]


def test_the_same_slot_again_keeps_the_hold(board: Board) -> None:
    held(board, "old")
    word, *flat = replace(board, "new", "old")
    assert (word, record_of(flat)["hold_id"], board.record("old")["status"]) == ("OWN", "old", "held")


def test_an_own_hold_of_the_wanted_slot_takes_the_place_of_the_old_one(board: Board) -> None:
    held(board, "old")
    held(board, "wanted", visit(8))
    word, *flat = replace(board, "new", "old", visit(8))
    assert (word, record_of(flat)["hold_id"]) == ("OWN", "wanted")
    assert board.owners(visit()) == {None}
    assert board.record("old")["status"] == "released"


@pytest.mark.parametrize("owner", [f"{ALICE} another", ALICE, BOB])
def test_another_owner_replaces_nothing(board: Board, owner: str) -> None:
    held(board, "old")
    before = board.dump()
    assert replace(board, "new", "old", visit(8), owner=owner) == ["KEPT", "FOREIGN"]
    assert board.dump() == before


def test_only_a_live_hold_is_replaced(board: Board) -> None:
    assert replace(board, "new", "unknown") == ["KEPT", "MISSING"]
    held(board, "expired")
    board.lapse("expired")
    held(board, "released", visit(8))
    board.release("released")
    held(board, "confirming", visit(16))
    board.begin("confirming")
    held(board, "booked", visit(24))
    board.begin("booked")
    board.mirror("bk_1", 1, visit(24), hold_id="booked")
    before = board.dump()
    for status in ("expired", "released", "confirming", "booked"):
        assert replace(board, "new", status, visit(40)) == ["KEPT", status.upper()]
    assert board.dump() == before


def test_while_the_mirror_is_not_whole_only_a_caller_that_knows_it_replaces(board: Board) -> None:
    """Such a caller has no epoch, and has asked MongoDB."""
    held(board, "old")
    board.redis.delete(board.names.epoch)
    assert replace(board, "new", "old", visit(2)) == ["KEPT", "COLD"]
    assert board.owners(visit()) == {"held old"}
    word, cold, *_ = replace(board, "new", "old", visit(2), epoch="")
    assert (word, cold, board.record("old")["status"]) == ("HELD", 1, "released")


def test_a_booking_in_the_way_stays(board: Board) -> None:
    held(board, "old")
    board.mirror("bk_1", 1, visit(4))
    assert replace(board, "new", "old", visit(2))[0] == "TAKEN"
    assert board.owners(visit()) == {"held old"}


def test_what_the_spans_show_is_what_the_claims_say(board: Board) -> None:
    held(board, "old")
    granted(replace(board, "new", "old", visit(2, before=1, after=1)))
    shown = {
        member.split("|")[1]
        for resource in ("property:prop-1", "technician:tech-1")
        for member in board.redis.zrange(board.names.spans(resource), 0, -1)
    }
    assert shown == {"new"}
