"""release_hold: the owner lets a hold go, or staff do."""

from __future__ import annotations

from tests.claims.board import ALICE, BOB, REMEMBERED_MS, SLACK_MS, Board, visit


def test_its_claims_are_free_and_its_record_stays_an_hour(board: Board) -> None:
    board.place("h1", owner=f"{ALICE} holder-1", quota=3)
    assert board.release("h1") == ["RELEASED"]
    assert board.all_claims() == {}
    record = board.record("h1")
    assert (record["status"], record["released_by"]) == ("released", ALICE)
    assert REMEMBERED_MS - SLACK_MS < board.redis.pttl(board.names.hold("h1")) <= REMEMBERED_MS
    assert board.redis.exists(board.names.prefix + "holder:holder-1") == 0


def test_it_is_published_without_personal_data(board: Board) -> None:
    board.place("h1", owner=f"{ALICE} holder-1")
    board.release("h1")
    event = board.events()[-1]
    assert (event["kind"], event["id"], event["state"], event["expires_ms"]) == ("release", "h1", "free", "")
    fields = {"kind", "id", "property_id", "technician_ids", "start", "end", "leaves", "returns", "state"}
    fields |= {"expires_ms", "source"}
    assert set(event) == fields


def test_another_key_is_refused_and_nothing_is_written(board: Board) -> None:
    board.place("h1")
    before = board.dump()
    assert board.release("h1", key=BOB) == ["FOREIGN"]
    assert board.release("h1", key=BOB, forget=True) == ["FOREIGN"]
    assert board.dump() == before


def test_staff_may_release_and_the_record_says_which_key_did(board: Board) -> None:
    board.place("h1")
    assert board.release("h1", key=BOB, staff=True) == ["RELEASED"]
    assert board.record("h1")["released_by"] == BOB
    assert board.all_claims() == {}


def test_a_second_release_changes_nothing(board: Board) -> None:
    board.place("h1")
    board.release("h1")
    before = board.dump()
    assert board.release("h1") == ["RELEASED"]
    assert board.dump() == before


def test_a_late_release_does_not_touch_the_next_hold(board: Board) -> None:
    board.place("h1")
    board.lapse("h1")
    board.place("h2", owner=BOB)
    before = board.dump()
    assert board.release("h1") == ["RELEASED"]
    assert board.dump() == before
    assert board.owners(visit()) == {"held h2"}


def test_a_live_hold_drops_only_its_own_marks(board: Board) -> None:
    board.place("h1")
    board.mirror("bk_9", 1, visit(2, by="tech-2"))
    theirs = board.marks(visit(2, by="tech-2"))
    board.release("h1")
    assert board.marks(visit(2, by="tech-2")) == theirs
    assert board.owners(visit(length=2)) == {None}


def test_an_unknown_hold_is_missing(board: Board) -> None:
    assert board.release("h1") == ["MISSING"]
    assert board.redis.exists(board.names.hold("h1")) == 0


def test_not_even_staff_release_a_hold_that_is_being_booked_or_is_booked(board: Board) -> None:
    board.place("h1")
    board.begin("h1")
    before = board.dump()
    assert board.release("h1") == ["CONFIRMING"]
    assert board.release("h1", key=BOB, staff=True, forget=True) == ["CONFIRMING"]
    assert board.dump() == before
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    before = board.dump()
    assert board.release("h1", staff=True) == ["BOOKED"]
    assert board.dump() == before


def test_a_forgotten_hold_leaves_nothing_but_its_events(board: Board) -> None:
    untouched = board.dump()
    board.place("h1", owner=f"{ALICE} holder-1", quota=3, fingerprint="f", idempotency="i")
    assert board.release("h1", forget=True) == ["RELEASED"]
    left = board.dump()
    events = left.pop(board.names.events)
    assert left == untouched
    assert len(events[0]) == 2
