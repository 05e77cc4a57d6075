"""extend_hold: more time for a live hold, never less, never past the longest total."""

from __future__ import annotations

from tests.claims.board import ALICE, BOB, LIFETIME_MS, REMEMBERED_MS, SLACK_MS, Board, granted, record_of, visit


def test_claims_record_and_quota_all_get_the_new_time(board: Board) -> None:
    board.place("h1", owner=f"{ALICE} holder-1", quota=3)
    word, now, *flat = board.extend("h1", 600_000)
    assert word == "EXTENDED"
    assert record_of(flat) == board.record("h1")
    assert record_of(flat)["expires_ms"] == str(now + 600_000)
    assert all(600_000 - SLACK_MS < ttl <= 600_000 for ttl in board.ttls(visit()))
    assert 600_000 - SLACK_MS < board.redis.pttl(board.names.hold("h1")) - REMEMBERED_MS <= 600_000
    assert board.redis.zscore(board.names.prefix + "holder:holder-1", "h1") == now + 600_000


def test_the_lifetime_counts_from_the_creation(board: Board) -> None:
    created = int(granted(board.place("h1"))["created_ms"])
    _, now, *flat = board.extend("h1", 600_000)
    assert record_of(flat)["lifetime_ms"] == str(now + 600_000 - created)


def test_less_time_than_is_left_changes_nothing(board: Board) -> None:
    first = granted(board.place("h1", owner=f"{ALICE} holder-1", quota=3))
    before = board.dump()
    word, _, *flat = board.extend("h1", LIFETIME_MS // 2)
    assert (word, record_of(flat)["expires_ms"]) == ("EXTENDED", first["expires_ms"])
    assert board.dump() == before


def test_past_the_longest_total_it_is_refused_and_the_reply_says_what_is_left(board: Board) -> None:
    board.place("h1")
    before = board.dump()
    word, left = board.extend("h1", 901_000, longest_ms=900_000)
    assert word == "LIMIT"
    assert 900_000 - SLACK_MS < left <= 900_000
    assert board.dump() == before


def test_the_longest_total_counts_from_the_creation(board: Board) -> None:
    board.place("h1")
    board.redis.hincrby(board.names.hold("h1"), "created_ms", -800_000)
    word, left = board.extend("h1", 200_000, longest_ms=900_000)
    assert word == "LIMIT"
    assert left <= 100_000
    board.redis.hincrby(board.names.hold("h1"), "created_ms", -800_000)
    assert board.extend("h1", 200_000, longest_ms=900_000) == ["LIMIT", 0]


def test_an_extension_is_published_and_one_without_effect_is_not(board: Board) -> None:
    board.place("h1")
    board.extend("h1", 1000)
    assert len(board.events()) == 1
    _, now, *_ = board.extend("h1", 600_000)
    assert len(board.events()) == 2
    event = board.events()[-1]
    assert (event["kind"], event["state"], event["expires_ms"]) == ("hold", "held", str(now + 600_000))


def test_an_unknown_hold_is_missing(board: Board) -> None:
    assert board.extend("h1", 600_000) == ["MISSING"]
    assert board.redis.exists(board.names.hold("h1")) == 0


def test_another_key_is_refused_and_nothing_is_written(board: Board) -> None:
    board.place("h1")
    before = board.dump()
    assert board.extend("h1", 600_000, key=BOB) == ["FOREIGN"]
    assert board.dump() == before


def test_a_hold_that_has_run_out_is_not_revived(board: Board) -> None:
    board.place("h1")
    board.lapse("h1")
    before = board.dump()
    assert board.extend("h1", 600_000)[0] == "EXPIRED"
    assert board.dump() == before


def test_a_hold_that_a_booking_overwrote_is_not_extended(board: Board) -> None:
    board.place("h1")
    board.mirror("bk_9", 1, visit(2, by="tech-2"))
    before = board.dump()
    assert board.extend("h1", 600_000)[0] == "EXPIRED"
    assert board.dump() == before


def test_a_hold_being_confirmed_is_left_alone(board: Board) -> None:
    board.place("h1")
    board.begin("h1")
    before = board.dump()
    word, _, *flat = board.extend("h1", 600_000)
    assert (word, record_of(flat)["status"]) == ("CONFIRMING", "confirming")
    assert board.dump() == before


def test_a_booked_or_released_hold_says_so(board: Board) -> None:
    board.place("h1")
    board.begin("h1")
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    board.place("h2", visit(4))
    board.release("h2")
    before = board.dump()
    assert board.extend("h1", 600_000)[0] == "BOOKED"
    assert board.extend("h2", 600_000)[0] == "RELEASED"
    assert board.dump() == before
