"""The scripts count a hold in each of its quotas, and the bookings that an address makes in a day."""

from __future__ import annotations

import pytest

from services.claims.quotas import _SENTENCES, refusal
from tests.claims.board import ALICE, LIFETIME_MS, SLACK_MS, Board, visit

pytestmark = pytest.mark.usefixtures("within_a_day")

DAY_MS = 86_400_000
ADDRESS, STRANGERS = "public_holds_per_address", "public_holds_most"


def counted(board: Board) -> list[int]:
    """How many holds the address `a` has, and all strangers together."""
    return [board.redis.zcard(board.names.prefix + name) for name in ("address:a", "strangers")]


def bookings(board: Board, address: str = "a") -> str | None:
    found: str | None = board.redis.get(f"{board.names.prefix}booked:{address}:{board.now_ms() // DAY_MS}")
    return found


def test_a_hold_counts_for_its_holder_its_address_and_all_strangers(board: Board) -> None:
    board.place("h1", owner=f"{ALICE} holder-1", address="a")
    assert counted(board) == [1, 1]
    assert board.redis.zcard(board.names.prefix + "holder:holder-1") == 1


@pytest.mark.parametrize("full", [ADDRESS, STRANGERS])
def test_the_refusal_names_the_quota_that_is_full_and_changes_nothing(board: Board, full: str) -> None:
    board.place("h1", address="a")
    before = board.dump()
    limits = {ADDRESS: 9, STRANGERS: 9} | {full: 1}
    word, name, most, wait = board.place("h2", visit(4), address="a", limits=limits, fingerprint="f", idempotency="i")
    assert (word, name, most) == ("FULL", full, 1)
    assert LIFETIME_MS - SLACK_MS < wait <= LIFETIME_MS
    assert board.dump() == before


@pytest.mark.parametrize("end", ["release", "lapse", "book", "abort"])
def test_every_end_of_a_hold_gives_its_shares_back(board: Board, end: str) -> None:
    board.place("h1", address="a")
    if end in ("book", "abort"):
        board.begin("h1")
    if end == "release":
        board.release("h1")
    elif end == "lapse":
        board.lapse("h1")
    elif end == "book":
        board.mirror("bk_1", 1, visit(), hold_id="h1")
    else:
        board.abort("h1", restore=False)
    assert board.place("h2", visit(8), address="a", limits={ADDRESS: 1, STRANGERS: 1})[0] == "HELD"
    assert counted(board) == [1, 1]


def test_an_extended_hold_counts_for_as_long_as_it_lives(board: Board) -> None:
    board.place("h1", address="a")
    board.extend("h1", 2 * LIFETIME_MS)
    until = float(board.record("h1")["expires_ms"])
    assert [board.redis.zscore(board.names.prefix + name, "h1") for name in ("address:a", "strangers")] == [
        until,
        until,
    ]


def test_a_booking_counts_for_the_address_of_its_hold_on_this_day(board: Board) -> None:
    board.place("h1", address="a")
    assert board.begin("h1", daily=2)[0] == "BEGUN"
    assert bookings(board) == "1"
    left = board.redis.pttl(f"{board.names.prefix}booked:a:{board.now_ms() // DAY_MS}")
    assert 2 * DAY_MS - SLACK_MS < left <= 2 * DAY_MS


def test_a_hold_without_an_address_counts_for_none(board: Board) -> None:
    board.place("h1")
    board.begin("h1", daily=1)
    assert bookings(board, "") is None
    assert board.record("h1")["counter"] == ""


def test_one_booking_more_than_a_days_is_refused_until_the_day_is_over_and_the_hold_lives_on(board: Board) -> None:
    for name, start in (("h1", 0), ("h2", 4)):
        board.place(name, visit(start), address="a")
    board.begin("h1", daily=1)
    before = board.dump()
    word, most, wait = board.begin("h2", daily=1, fingerprint="f", idempotency="i")
    assert (word, most) == ("FULL", 1)
    assert abs(board.now_ms() + wait - (board.now_ms() // DAY_MS + 1) * DAY_MS) < SLACK_MS
    assert board.dump() == before
    assert board.begin("h2", daily=0)[0] == "BEGUN"


def test_a_repeat_counts_nothing(board: Board) -> None:
    board.place("h1", address="a")
    assert board.begin("h1", daily=1, attempt="one")[0] == "BEGUN"
    assert board.begin("h1", daily=1, attempt="one")[0] == "BEGUN"
    assert board.begin("h1", daily=1, attempt="two")[0] == "AGAIN"
    board.mirror("bk_1", 1, visit(), hold_id="h1")
    assert board.begin("h1", daily=1)[0] == "BOOKED"
    assert bookings(board) == "1"


@pytest.mark.parametrize("restore", [True, False])
def test_a_confirmation_that_is_taken_back_is_not_counted(board: Board, restore: bool) -> None:
    board.place("h1", address="a")
    board.begin("h1", daily=1)
    board.abort("h1", restore=restore)
    assert bookings(board) == "0"
    board.place("h2", visit(8), address="a")
    assert board.begin("h2", daily=1)[0] == "BEGUN"


def test_a_direct_booking_of_an_address_counts_as_well(board: Board) -> None:
    assert board.place("d1", confirming=True, address="a", daily=1)[0] == "HELD"
    before = board.dump()
    word, name, most, _wait = board.place("d2", visit(4), confirming=True, address="a", daily=1)
    assert (word, name, most) == ("FULL", "public_bookings_per_address_per_day", 1)
    assert board.dump() == before
    board.abort("d1", restore=False)
    assert bookings(board) == "0"


@pytest.mark.parametrize("word", list(_SENTENCES))
def test_each_refusal_says_which_figure_it_was(word: str) -> None:
    refused = refusal(word, 7, 1500)
    assert word in refused.detail
    assert "7" in refused.detail
    assert refused.retry_after_seconds == 2
    assert refused.code == ("rate_limited" if "bookings" in word else "too_many_holds")
