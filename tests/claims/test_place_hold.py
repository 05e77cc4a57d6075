"""place_hold: claims the first candidate that is wholly free, all of it or nothing."""

from __future__ import annotations

import pytest

from models.slot import Visit
from tests.claims.board import (
    ALICE,
    BASE,
    BOB,
    EPOCH,
    LIFETIME_MS,
    REMEMBERED_MS,
    SLACK_MS,
    Board,
    granted,
    record_of,
    visit,
)


def test_a_free_slot_is_held(board: Board) -> None:
    before = board.now_ms()
    word, cold, *flat = board.place("h1")
    record = record_of(flat)
    assert (word, cold, record["deadline_ms"]) == ("HELD", 0, "0")
    created = int(record["created_ms"])
    assert before <= created <= board.now_ms()
    assert record["expires_ms"] == str(created + LIFETIME_MS)


def test_the_answer_is_the_whole_record(board: Board) -> None:
    record = granted(board.place("h1", owner=f"{ALICE} holder-1", quota=3, fingerprint="print", idempotency="i"))
    assert record == board.record("h1")


def test_every_claim_names_its_owner(board: Board) -> None:
    where = visit(before=1, after=2)
    board.place("h1", where)
    assert board.marks(where) == ["held|h1"] * 11
    assert sorted(board.all_claims()) == sorted(board.claim_names(where))


def test_claims_expire_with_the_hold_and_its_record_an_hour_later(board: Board) -> None:
    board.place("h1")
    assert all(LIFETIME_MS - SLACK_MS < ttl <= LIFETIME_MS for ttl in board.ttls(visit()))
    left = board.redis.pttl(board.names.hold("h1")) - REMEMBERED_MS
    assert LIFETIME_MS - SLACK_MS < left <= LIFETIME_MS


def test_the_record_says_all_about_the_hold(board: Board) -> None:
    where, owner = visit(before=1, after=2), f"{ALICE} holder-1"
    record = granted(board.place("h1", where, owner=owner, requested=BASE, attempt="first"))
    assert board.record("h1") == {
        "status": "held",
        "owner": f"{ALICE} holder-1",
        "property_id": "prop-1",
        "technician_id": "tech-1",
        "start": str(BASE),
        "end": str(BASE + 4),
        "before": "1",
        "after": "2",
        "requested": str(BASE),
        "lifetime_ms": str(LIFETIME_MS),
        "created_ms": record["created_ms"],
        "expires_ms": str(int(record["created_ms"]) + LIFETIME_MS),
        "booking_id": "",
        "remembered_ms": str(REMEMBERED_MS),
        "address": "",
        "counter": "",
        "begun_ms": "0",
        "idempotency_key": "",
        "confirm_key": "",
        "attempt": "first",
        "direct": "0",
        "moves": "0",
        "deadline_ms": "0",
        "cold": "0",
        "source": "api",
    }


def test_the_event_of_a_hold_says_where_and_when_without_personal_data(board: Board) -> None:
    owner = f"{ALICE} digest-of-a-phone"
    where = visit(before=1, after=2)
    record = granted(board.place("h1", where, owner=owner, quota=3, fingerprint="print", idempotency="i"))
    assert board.events() == [
        {
            "kind": "hold",
            "id": "h1",
            "property_id": "prop-1",
            "technician_ids": "tech-1",
            "start": str(BASE),
            "end": str(BASE + 4),
            "leaves": str(BASE - 1),
            "returns": str(BASE + 6),
            "state": "held",
            "expires_ms": record["expires_ms"],
            "source": record["source"],
        }
    ]


def test_the_pin_of_a_direct_booking_is_not_published_as_a_hold(board: Board) -> None:
    board.place("d1", confirming=True, booking_id="bk_1")
    assert board.events() == []


OVERLAPS = {
    "the same slot": (visit(), visit()),
    "the same property with another technician": (visit(), visit(by="tech-2")),
    "the same technician at another property": (visit(), visit(at="prop-2")),
    "a start in the middle of it": (visit(), visit(3)),
    "an end in the middle of it": (visit(), visit(-3)),
    "one that lies around it": (visit(), visit(-4, length=12)),
    "one that lies within it": (visit(), visit(1, length=1)),
    "travel to the next visit that runs into it": (visit(), visit(4, at="prop-2", before=1)),
    "travel from the visit before that runs into it": (visit(), visit(-4, at="prop-2", after=1)),
    "travel that meets travel": (visit(before=1, after=1), visit(5, at="prop-2", before=1)),
    "a visit within its travel": (visit(after=4), visit(4, at="prop-2")),
}


@pytest.mark.parametrize(("first", "second"), OVERLAPS.values(), ids=OVERLAPS.keys())
def test_an_overlap_on_a_resource_is_refused_and_nothing_is_written(board: Board, first: Visit, second: Visit) -> None:
    board.place("h1", first, owner=f"{ALICE} a")
    before = board.dump()
    reply = board.place("h2", second, owner=f"{BOB} b", quota=3, fingerprint="print", idempotency="i")
    assert reply[0] == "TAKEN"
    assert len(reply) > 2
    assert board.dump() == before


APART = {
    "right after it": (visit(), visit(4)),
    "right before it": (visit(), visit(-4)),
    "elsewhere by another technician": (visit(), visit(at="prop-2", by="tech-2")),
    "another technician there during the first one's travel": (visit(after=4), visit(4, by="tech-2")),
    "after both travels": (visit(before=1, after=1), visit(6, at="prop-2", before=1, after=1)),
}


@pytest.mark.parametrize(("first", "second"), APART.values(), ids=APART.keys())
def test_visits_that_only_touch_are_both_held(board: Board, first: Visit, second: Visit) -> None:
    assert board.place("h1", first)[0] == "HELD"
    assert board.place("h2", second)[0] == "HELD"


def test_orgs_do_not_see_each_other(board: Board, other_board: Board) -> None:
    assert board.place("h1")[0] == "HELD"
    assert other_board.place("h1")[0] == "HELD"


def test_a_refusal_names_every_taken_resource_its_owner_with_its_span_and_the_time_left(board: Board) -> None:
    board.place("h1", visit(by="tech-2"))
    board.mirror("bk_1", 1, visit(2, at="prop-2", before=1), holder="holder-1")
    word, _cold, *obstacles = board.place("h2", visit())
    assert word == "TAKEN"
    (*of_property, hold, start, end, ttl), of_technician = obstacles
    assert [*of_property, start, end] == ["p:prop-1", "h|h1", BASE, BASE + 4]
    assert record_of(hold) == board.record("h1")
    assert 0 < ttl <= LIFETIME_MS
    assert of_technician[:-1] == ["t:tech-1", "b|bk_1", "holder-1", BASE + 1, BASE + 6]


def test_a_mark_whose_owner_has_no_record_is_named_with_its_tick_alone(board: Board) -> None:
    board.place("h1", visit(2, by="tech-2"))
    board.redis.delete(board.names.hold("h1"))
    _word, _cold, (*row, _ttl) = board.place("h2", visit())
    assert row == ["p:prop-1", "h|h1", [], BASE + 2, BASE + 3]


def test_two_visits_in_the_way_on_one_resource_are_each_named_once(board: Board) -> None:
    board.place("h1", visit(0, length=2, by="tech-2"))
    board.place("h2", visit(2, length=2, by="tech-3"))
    word, _cold, *obstacles = board.place("h3", visit())
    assert word == "TAKEN"
    assert [mark.split("|")[1] for _, mark, *_ in obstacles] == ["h1", "h2"]


def test_a_refusal_after_a_search_names_only_marks_at_the_requested_start(board: Board) -> None:
    board.place("h1", visit(0, by="tech-2"))
    board.place("h2", visit(4, by="tech-2"))
    word, _cold, *obstacles = board.place("h3", visit(0), visit(4), requested=BASE)
    assert word == "TAKEN"
    assert [mark.split("|")[1] for _, mark, *_ in obstacles] == ["h1"]


def test_the_first_free_candidate_wins_in_the_order_given(board: Board) -> None:
    board.place("h1", visit(at="prop-2", by="tech-1"))
    choices = [visit(start, by=by) for start in (0, 1) for by in ("tech-1", "tech-2", "tech-3")]
    record = granted(board.place("h2", *choices))
    assert (record["start"], record["technician_id"]) == (str(BASE), "tech-2")
    assert board.owners(visit(by="tech-2")) == {"held h2"}
    assert board.record("h2")["technician_id"] == "tech-2"


def test_only_the_winner_is_claimed(board: Board) -> None:
    board.place("h1", visit(0, by="tech-3"))
    choices = [visit(start, by=by) for start in range(6) for by in ("tech-1", "tech-2")]
    record, winner = granted(board.place("h2", *choices)), visit(4)
    assert (record["start"], record["technician_id"]) == (str(winner.start), winner.technician_id)
    own = {key for key, mark in board.all_claims().items() if mark.split("|")[1] == "h2"}
    assert own == set(board.claim_names(winner))
    assert board.record("h2")["start"] == str(BASE + 4)
    assert board.record("h2")["requested"] == str(BASE)


def test_a_long_day_of_candidates_fits_one_call(board: Board) -> None:
    board.place("h1", visit(0, length=88, by="tech-4"))
    choices = [visit(start, by=by) for start in range(92) for by in ("tech-1", "tech-2", "tech-3")]
    record = granted(board.place("h2", *choices))
    assert (record["start"], record["technician_id"]) == (str(BASE + 88), "tech-1")


def test_a_visit_of_thousands_of_ticks_is_read_and_claimed_whole(board: Board) -> None:
    where = visit(length=1500, before=300, after=300)
    assert board.place("h1", where)[0] == "HELD"
    assert board.owners(where) == {"held h1"}
    assert board.place("h2", visit(1499, by="tech-2"))[0] == "TAKEN"


def test_a_catalogue_read_under_another_epoch_is_stale_and_nothing_is_written(board: Board) -> None:
    before = board.dump()
    assert board.place("h1", epoch="an older one", quota=1, fingerprint="f", idempotency="i") == ["STALE", EPOCH]
    assert board.place("h1", epoch="") == ["STALE", EPOCH]
    assert board.dump() == before


@pytest.mark.parametrize("remembered", ["", EPOCH])
def test_without_an_epoch_the_hold_is_granted_and_called_cold(board: Board, remembered: str) -> None:
    board.redis.delete(board.names.epoch)
    assert board.place("h1", epoch=remembered)[:2] == ["HELD", 1]
    assert board.record("h1")["cold"] == "1"


def test_a_slot_is_free_again_when_the_hold_has_run_out(board: Board) -> None:
    board.place("h1")
    board.lapse("h1")
    assert board.place("h2", owner=BOB)[0] == "HELD"
