"""The verdict sees each fault that is planted in a waitlist, and nothing where there is none."""

from __future__ import annotations

import pytest

from scripts.load.rules.evidence import BACKSTAGE, Evidence, Mark
from scripts.load.rules.verdict import judge
from tests.load.planted import answer, held, slot
from tests.load.planted_acts import at, entry, join, offered, step, waiting_run
from tests.load.test_verdict import broken

WISH = slot(600)


def test_a_faultless_run_with_a_waitlist_breaks_no_rule() -> None:
    assert broken(waiting_run()) == set()
    assert "first come, first served" in judge(waiting_run())


def test_two_offers_of_one_slot_at_once_are_found() -> None:
    run = waiting_run()
    run.entries[1] = entry("6", WISH, *offered("6", 11.5), run.entries[1]["history"][-1], status="booked", joined=2.15)
    assert broken(run) == {"one offer at a time"}


def test_an_offer_of_what_was_booked_from_an_offer_is_found() -> None:
    run = waiting_run()
    run.entries[2] = entry("7", WISH, *offered("7", 16.0), status="offered", joined=2.25)
    run.offer_events.append({"id": "wl-7", "hold_id": "hold-7"})
    assert {"one offer at a time", "offers are free"} <= broken(run)


def test_an_offer_of_what_another_client_holds_is_found() -> None:
    run = waiting_run()
    run.exchanges.append(held("20", WISH, at=10.5, ttl_seconds=1))
    assert broken(run) == {"offers are free"}


def test_a_hold_on_what_is_offered_is_found() -> None:
    run = waiting_run()
    run.exchanges.append(held("20", WISH, at=11.7, ttl_seconds=1))
    assert broken(run) == {"holds protect"}


def test_an_owner_that_cannot_book_its_offer_is_found() -> None:
    run = waiting_run()
    asked = {**WISH, "hold_id": "hold-5"}
    run.exchanges.append(answer("5:book", asked, at=11.7, status=409, code="slot_held"))
    assert broken(run) == {"owners are served"}


def test_an_entry_that_is_served_before_an_older_one_is_found() -> None:
    run = waiting_run()
    run.entries[2] = entry("7", WISH, status="waiting", joined=2.1)
    assert broken(run) == {"first come, first served"}


def test_an_entry_that_has_just_come_is_not_passed_over_yet() -> None:
    run = waiting_run()
    run.entries[2] = entry("7", WISH, status="waiting", joined=2.1)
    run.exchanges[3] = join("7", WISH, seconds=12.5)
    assert broken(run) == set()


@pytest.mark.parametrize("times", [0, 2])
def test_an_offer_that_was_published_twice_or_not_at_all_is_found(times: int) -> None:
    run = waiting_run()
    run.offer_events = [run.offer_events[0]] + [run.offer_events[1]] * times
    assert broken(run) == {"offers are published"}


def test_of_events_that_were_trimmed_away_none_is_missed() -> None:
    run = waiting_run()
    run.offer_events, run.events_whole = [], False
    assert broken(run) == set()


def test_a_published_offer_that_was_never_made_is_found() -> None:
    run = waiting_run()
    run.offer_events.append({"id": "wl-7", "hold_id": "hold-7"})
    assert broken(run) == {"offers are published"}


def test_a_free_slot_that_is_not_offered_is_found() -> None:
    run = waiting_run()
    run.entries[2] = entry("7", slot(900), status="waiting", joined=2.25)
    assert broken(run) == {"no entry is passed over"}
    assert run.marks is not None
    run.marks["property:p0", first_tick(run.entries[2])] = Mark("held", "hold-6", 0, 5000)
    run.entries[2]["hold_id"] = "hold-6"
    assert "no entry is passed over" not in broken(run)


def first_tick(entry: dict[str, object]) -> int:
    begin = entry["from"]
    return int(begin.timestamp()) // 900  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "wrong", [{"status": "cancelled"}, {"version": 9}, {"booking_id": "bk-gone"}, {"customer": {"name": "run/99:join"}}]
)
def test_an_entry_that_is_not_what_its_owner_knows_is_found(wrong: dict[str, object]) -> None:
    run = waiting_run()
    run.entries[1] |= wrong
    assert "entries tell the truth" in broken(run)


def test_an_entry_that_is_gone_is_found() -> None:
    run = waiting_run()
    del run.entries[2]
    assert broken(run) == {"entries tell the truth"}


def test_two_entries_of_one_request_are_found() -> None:
    run = waiting_run()
    run.entries.append({**run.entries[2], "_id": "wl-again", "created_at": at(2.3)})
    assert broken(run) == {"entries tell the truth"}


def test_an_entry_that_left_and_still_waits_is_found() -> None:
    run = waiting_run()
    run.exchanges.append(answer("7:leave", {"waitlist_id": "wl-7"}, at=15.0, status=204))
    assert broken(run) == {"entries tell the truth"}


def test_an_offer_that_lapsed_before_its_time_is_found() -> None:
    run = waiting_run()
    run.entries[0]["status"] = "lapsed"
    del run.exchanges[6]
    assert "entries tell the truth" in broken(run)


def test_an_offer_that_has_run_out_and_was_not_recorded_is_found() -> None:
    run = waiting_run()
    run.entries[2] = entry("7", slot(900), *offered("7", -90.0), status="offered", joined=-100.0)
    run.exchanges[3] = join("7", slot(900), seconds=-100.0)
    run.offer_events.append({"id": "wl-7", "hold_id": "hold-7"})
    assert broken(run) == {"entries tell the truth"}


def test_after_an_offer_that_lapsed_the_next_one_is_served() -> None:
    run = waiting_run()
    steps = [*offered("5", 11.0), step("lapse", 71.2, "system")]
    run.entries[0] = entry("5", WISH, *steps, status="lapsed", joined=2.05)
    booked = step("book", 74.0, booking_id=(None, "bk-6"))
    run.entries[1] = entry("6", WISH, *offered("6", 71.5), booked, status="booked", joined=2.15)
    run.exchanges = [each for each in run.exchanges if each.operation != "leave"]
    for each in run.exchanges[-3:]:
        each.sent, each.received = each.sent + 60, each.received + 60
    run.exchanges[-3].reply["expires_at"] = at(131.5).isoformat()
    assert broken(run) == set()


def run_with_a_shortened_offer() -> Evidence:
    """Bob's offer would stand until second 71; the run brings its end to second 13, and it lapses."""
    run = waiting_run()
    moved = step("edit", 11.2, BACKSTAGE, offered_until=(at(71.0), at(13.0)))
    run.entries[0] = entry("5", WISH, *offered("5", 11.0), moved, step("lapse", 13.2), status="lapsed", joined=2.05)
    run.entries[1] = entry(
        "6", WISH, *offered("6", 13.5), step("book", 15.0, booking_id=(None, "bk-6")), status="booked", joined=2.15
    )
    run.exchanges = [each for each in run.exchanges if each.operation != "leave"]
    run.exchanges[6].sent, run.exchanges[6].received = 13.7, 13.8
    run.deadlines = {"hold-5": 13.0}
    return run


def test_an_offer_whose_end_was_brought_near_lapses_and_the_next_entry_is_served() -> None:
    assert broken(run_with_a_shortened_offer()) == set()


def test_an_offer_that_stands_after_the_end_that_was_brought_near_is_found() -> None:
    run = run_with_a_shortened_offer()
    run.entries[0]["status"] = "offered"
    assert "offers run out" in broken(run)
    run = run_with_a_shortened_offer()
    run.deadlines = {}
    assert "offers run out" in broken(run)


def test_a_slot_that_is_offered_again_before_the_end_that_was_brought_near_is_found() -> None:
    run = run_with_a_shortened_offer()
    run.entries[1] = entry(
        "6", WISH, *offered("6", 12.5), step("book", 15.0, booking_id=(None, "bk-6")), status="booked", joined=2.15
    )
    assert broken(run) == {"offers are free", "one offer at a time"}
