"""abort_confirm: takes a confirmation back of which MongoDB definitely has no booking."""

from __future__ import annotations

from tests.claims.board import ALICE, BOB, LIFETIME_MS, REMEMBERED_MS, SLACK_MS, Board, granted, visit

HOLDER = f"{ALICE} holder-1"


def begun(board: Board, hold_id: str = "h1") -> None:
    board.place(hold_id, owner=HOLDER, quota=3)
    board.begin(hold_id, fingerprint="f", idempotency="i")


def test_a_live_hold_is_restored_with_the_rest_of_its_time(board: Board) -> None:
    begun(board)
    expires = board.now_ms() + 100_000
    board.redis.hset(board.names.hold("h1"), "expires_ms", expires)
    assert board.abort("h1") == ["HELD"]
    assert board.owners(visit()) == {"held h1"}
    assert all(100_000 - SLACK_MS < ttl <= 100_000 for ttl in board.ttls(visit()))
    assert 100_000 - SLACK_MS < board.redis.pttl(board.names.hold("h1")) - REMEMBERED_MS <= 100_000
    record = board.record("h1")
    assert (record["status"], record["begun_ms"], record["expires_ms"]) == ("held", "0", str(expires))


def test_a_restored_hold_waits_for_no_outcome_and_counts_for_its_holder(board: Board) -> None:
    begun(board)
    board.abort("h1")
    assert board.redis.zscore(board.names.pins, "h1") is None
    assert board.redis.zscore(board.names.prefix + "holder:holder-1", "h1") is not None


def test_a_restored_hold_can_be_begun_again(board: Board) -> None:
    begun(board)
    board.abort("h1")
    assert board.begin("h1")[0] == "BEGUN"


def test_the_refused_confirmation_keeps_no_idempotency_key(board: Board) -> None:
    begun(board)
    board.abort("h1")
    assert board.redis.exists(board.idempotency("i")) == 0
    assert board.begin("h1", fingerprint="another request", idempotency="i")[:2] == ["BEGUN", 0]


def test_a_hold_whose_time_is_over_frees_its_slot_and_has_expired(board: Board) -> None:
    begun(board)
    board.redis.hset(board.names.hold("h1"), "expires_ms", board.now_ms() - 1)
    assert board.abort("h1") == ["RELEASED"]
    assert board.all_claims() == {}
    record = board.record("h1")
    assert (record["status"], int(record["expires_ms"]) < board.now_ms()) == ("held", True)


def test_a_hold_that_lost_a_claim_is_released_and_the_new_owner_keeps_its_mark(board: Board) -> None:
    begun(board)
    board.mirror("bk_9", 1, visit(2, by="tech-2"))
    theirs = board.marks(visit(2, by="tech-2"))
    assert board.abort("h1") == ["RELEASED"]
    assert board.marks(visit(2, by="tech-2")) == theirs
    assert board.owners(visit(length=2)) == {None}


def test_without_restore_a_live_hold_is_released(board: Board) -> None:
    begun(board)
    assert board.abort("h1", restore=False) == ["RELEASED"]
    assert board.all_claims() == {}
    assert board.redis.zscore(board.names.prefix + "holder:holder-1", "h1") is None
    assert board.redis.zscore(board.names.pins, "h1") is None
    assert REMEMBERED_MS - SLACK_MS < board.redis.pttl(board.names.hold("h1")) <= REMEMBERED_MS


def test_a_release_is_published_and_a_restored_hold_is_not(board: Board) -> None:
    begun(board)
    board.abort("h1")
    assert [event["kind"] for event in board.events()] == ["hold"]
    board.begin("h1")
    board.abort("h1", restore=False)
    event = board.events()[-1]
    assert (event["kind"], event["id"], event["state"]) == ("release", "h1", "free")
    fields = {"kind", "id", "property_id", "technician_ids", "start", "end", "leaves", "returns", "state"}
    fields |= {"expires_ms", "source"}
    assert set(event) == fields


def test_a_direct_booking_is_released_because_no_hold_was_before_it(board: Board) -> None:
    board.place("d1", confirming=True, booking_id="bk_1", fingerprint="f", idempotency="i")
    assert board.abort("d1") == ["RELEASED"]
    assert board.all_claims() == {}
    assert board.redis.exists(board.idempotency("i"), board.names.pins) == 0
    assert [event["kind"] for event in board.events()] == ["unpin"], (
        "no client saw a hold, and the waitlist hears of it"
    )


def test_the_deadline_of_an_earlier_attempt_does_not_take_a_later_one_back(board: Board) -> None:
    begun(board)
    earlier = int(board.record("h1")["deadline_ms"])
    assert board.begin("h1")[0] == "AGAIN"
    before = board.dump()
    assert board.abort("h1", deadline_ms=earlier) == ["UNTOUCHED"]
    assert board.dump() == before
    assert board.abort("h1", deadline_ms=int(board.record("h1")["deadline_ms"])) == ["HELD"]


def test_an_id_without_a_pin_is_untouched(board: Board) -> None:
    board.place("h1")
    before = board.dump()
    assert board.abort("h1", deadline_ms=board.now_ms() - 1) == ["UNTOUCHED"]
    assert board.dump() == before


def test_an_overdue_pin_is_taken_back_by_the_deadline_that_overdue_pins_names(board: Board) -> None:
    begun(board)
    board.make_overdue("h1")
    _, hold_id, deadline = board.overdue()
    assert board.abort(hold_id, deadline_ms=int(deadline)) == ["HELD"]
    assert board.owners(visit()) == {"held h1"}


def test_an_attempt_that_began_after_the_relay_looked_is_untouched(board: Board) -> None:
    begun(board)
    board.make_overdue("h1")
    _, hold_id, deadline = board.overdue()
    board.begin("h1")
    assert board.abort(hold_id, deadline_ms=int(deadline)) == ["UNTOUCHED"]
    assert board.owners(visit()) == {"confirming h1"}


def test_a_direct_booking_is_taken_back_by_the_deadline_in_its_record(board: Board) -> None:
    deadline = int(granted(board.place("d1", confirming=True, booking_id="bk_1"))["deadline_ms"])
    assert board.abort("d1", deadline_ms=deadline - 1) == ["UNTOUCHED"]
    assert board.abort("d1", deadline_ms=deadline) == ["RELEASED"]


def test_a_hold_that_is_not_being_confirmed_is_untouched(board: Board) -> None:
    board.place("h1")
    before = board.dump()
    assert board.abort("h1", restore=False) == ["UNTOUCHED"]
    assert board.dump() == before


def test_a_booked_hold_is_untouched(board: Board) -> None:
    begun(board)
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    before = board.dump()
    assert board.abort("h1", restore=False) == ["UNTOUCHED"]
    assert board.dump() == before


def test_a_pin_without_a_record_is_forgotten(board: Board) -> None:
    board.make_overdue("h1")
    assert board.abort("h1") == ["UNTOUCHED"]
    assert board.redis.exists(board.names.pins) == 0


def test_a_second_run_changes_nothing(board: Board) -> None:
    begun(board)
    board.abort("h1", restore=False)
    before = board.dump()
    assert board.abort("h1", restore=False) == ["UNTOUCHED"]
    assert board.dump() == before


def test_the_slot_is_free_for_others_after_a_release(board: Board) -> None:
    begun(board)
    board.abort("h1", restore=False)
    expires = int(granted(board.place("h2", owner=BOB))["expires_ms"])
    assert expires > board.now_ms() + LIFETIME_MS - SLACK_MS
