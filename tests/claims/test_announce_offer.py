"""announce_offer: an offer is published once for each hold, and only while the hold lives."""

from __future__ import annotations

from typing import Any

from tests.claims.board import Board, record_of, visit


def announce(board: Board, hold_id: str = "h1", waitlist_id: str = "wl_1") -> list[Any]:
    keys = [board.names.hold(hold_id), board.names.events]
    return board.scripts.run("announce_offer", keys, [waitlist_id, hold_id])


def test_the_offer_of_a_live_hold_is_published_without_personal_data(board: Board) -> None:
    board.place("h1", owner="key-alice holder-1")
    hold = board.record("h1")
    word, *flat = announce(board)
    assert (word, record_of(flat)) == ("ANNOUNCED", hold)
    assert board.events()[-1] == {
        "kind": "waitlist.offered",
        "id": "wl_1",
        "hold_id": "h1",
        "property_id": "prop-1",
        "technician_ids": "tech-1",
        "start": hold["start"],
        "end": hold["end"],
        "leaves": hold["start"],
        "returns": hold["end"],
        "state": "held",
        "expires_ms": hold["expires_ms"],
    }


def test_it_is_published_once_for_each_hold(board: Board) -> None:
    board.place("h1")
    board.place("h2", visit(8))
    assert [announce(board)[0], announce(board, "h2")[0]] == ["ANNOUNCED", "ANNOUNCED"]
    before = board.dump()
    assert [announce(board)[0], announce(board, "h2")[0]] == ["AGAIN", "AGAIN"]
    assert board.dump() == before


def test_it_changes_neither_the_hold_nor_its_time(board: Board) -> None:
    board.place("h1")
    before = board.dump()
    announce(board)
    after = board.dump()
    name = board.names.hold("h1")
    fields, expiry = after.pop(name)
    assert (fields.pop("announced"), (fields, expiry)) == ("1", before.pop(name))
    del after[board.names.events], before[board.names.events]
    assert after == before


def test_a_hold_that_has_ended_is_named_and_not_published(board: Board) -> None:
    for number in range(4):
        board.place(f"h{number}", visit(8 * number))
    board.begin("h0")
    board.release("h1")
    board.lapse("h2")
    board.begin("h3", booking_id="bk_3")
    board.mirror("bk_3", 1, visit(24), hold_id="h3")
    before = board.dump()
    words = [announce(board, f"h{number}") for number in range(4)]
    assert [word for word, *_ in words] == ["CONFIRMING", "RELEASED", "EXPIRED", "BOOKED"]
    assert record_of(words[3][1:])["booking_id"] == "bk_3"
    assert board.dump() == before


def test_a_hold_that_is_unchecked_after_a_loss_is_not_published(board: Board) -> None:
    board.redis.delete(board.names.epoch)
    board.place("h1")
    before = board.dump()
    assert announce(board)[0] == "COLD"
    assert board.dump() == before
    board.trust("h1")
    assert announce(board)[0] == "ANNOUNCED"


def test_an_unknown_hold_is_missing(board: Board) -> None:
    before = board.dump()
    assert announce(board) == ["MISSING"]
    assert board.dump() == before
