"""The verdict sees each fault that is planted in the line of those who wait, and nothing where there is none."""

from __future__ import annotations

import pytest

from scripts.load.rules.evidence import Mark
from scripts.load.rules.verdict import judge
from tests.load.planted import answer, held, slot
from tests.load.planted_acts import at, entry, join, offered, step, waiting_run
from tests.load.test_verdict import broken

PLACE = slot(600)


def test_a_faultless_run_with_a_waitlist_breaks_no_rule() -> None:
    assert broken(waiting_run()) == set()
    assert "first come, first served" in judge(waiting_run())


def test_two_offers_of_one_slot_at_once_are_found() -> None:
    run = waiting_run()
    run.waits[1] = entry("6", PLACE, *offered("6", 11.5), run.waits[1]["history"][-1], status="booked", joined=2.15)
    assert broken(run) == {"one offer at a time"}


def test_an_offer_of_what_was_booked_from_an_offer_is_found() -> None:
    run = waiting_run()
    run.waits[2] = entry("7", PLACE, *offered("7", 16.0), status="offered", joined=2.25)
    run.offers_told.append({"id": "wl-7", "hold_id": "hold-7"})
    assert {"one offer at a time", "offers are free"} <= broken(run)


def test_an_offer_of_what_somebody_else_holds_is_found() -> None:
    run = waiting_run()
    run.exchanges.append(held("20", PLACE, at=10.5, ttl_seconds=1))
    assert broken(run) == {"offers are free"}


def test_a_hold_on_what_is_offered_is_found() -> None:
    run = waiting_run()
    run.exchanges.append(held("20", PLACE, at=11.7, ttl_seconds=1))
    assert broken(run) == {"holds protect"}


def test_an_owner_who_cannot_book_his_offer_is_found() -> None:
    run = waiting_run()
    asked = {**PLACE, "hold_id": "hold-5"}
    run.exchanges.append(answer("5:book", asked, at=11.7, status=409, code="slot_held"))
    assert broken(run) == {"owners are served"}


def test_one_who_is_served_before_another_who_came_first_is_found() -> None:
    run = waiting_run()
    run.waits[2] = entry("7", PLACE, status="waiting", joined=2.1)
    assert broken(run) == {"first come, first served"}


def test_one_who_has_just_come_is_not_passed_over_yet() -> None:
    run = waiting_run()
    run.waits[2] = entry("7", PLACE, status="waiting", joined=2.1)
    run.exchanges[3] = join("7", PLACE, seconds=12.5)
    assert broken(run) == set()


@pytest.mark.parametrize("times", [0, 2])
def test_an_offer_that_was_told_twice_or_not_at_all_is_found(times: int) -> None:
    run = waiting_run()
    run.offers_told = [run.offers_told[0]] + [run.offers_told[1]] * times
    assert broken(run) == {"offers are told"}


def test_of_events_that_were_trimmed_away_none_is_missed() -> None:
    run = waiting_run()
    run.offers_told, run.events_whole = [], False
    assert broken(run) == set()


def test_a_told_offer_that_was_never_made_is_found() -> None:
    run = waiting_run()
    run.offers_told.append({"id": "wl-7", "hold_id": "hold-7"})
    assert broken(run) == {"offers are told"}


def test_a_free_slot_that_is_not_offered_is_found() -> None:
    run = waiting_run()
    run.waits[2] = entry("7", slot(900), status="waiting", joined=2.25)
    assert broken(run) == {"nobody is passed over"}
    assert run.marks is not None
    run.marks["property:p0", first_tick(run.waits[2])] = Mark("held", "hold-6", 1, 2, 0, 5000)
    run.waits[2]["hold_id"] = "hold-6"
    assert "nobody is passed over" not in broken(run)


def first_tick(place: dict[str, object]) -> int:
    begin = place["from"]
    return int(begin.timestamp()) // 900  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "wrong", [{"status": "cancelled"}, {"version": 9}, {"booking_id": "bk-gone"}, {"customer": {"name": "run/99:join"}}]
)
def test_an_entry_that_is_not_what_its_owner_was_told_is_found(wrong: dict[str, object]) -> None:
    run = waiting_run()
    run.waits[1] |= wrong
    assert "places tell the truth" in broken(run)


def test_an_entry_that_is_gone_is_found() -> None:
    run = waiting_run()
    del run.waits[2]
    assert broken(run) == {"places tell the truth"}


def test_two_entries_of_one_request_are_found() -> None:
    run = waiting_run()
    run.waits.append({**run.waits[2], "_id": "wl-again", "created_at": at(2.3)})
    assert broken(run) == {"places tell the truth"}


def test_one_who_left_and_is_still_in_line_is_found() -> None:
    run = waiting_run()
    run.exchanges.append(answer("7:leave", {"waitlist_id": "wl-7"}, at=15.0, status=204))
    assert broken(run) == {"places tell the truth"}


def test_an_offer_that_lapsed_before_its_time_is_found() -> None:
    run = waiting_run()
    run.waits[0]["status"] = "lapsed"
    del run.exchanges[6]
    assert "places tell the truth" in broken(run)


def test_an_offer_that_has_run_out_and_was_not_noted_is_found() -> None:
    run = waiting_run()
    run.waits[2] = entry("7", slot(900), *offered("7", -90.0), status="offered", joined=-100.0)
    run.exchanges[3] = join("7", slot(900), seconds=-100.0)
    run.offers_told.append({"id": "wl-7", "hold_id": "hold-7"})
    assert broken(run) == {"places tell the truth"}


def test_after_an_offer_that_lapsed_the_next_one_is_served() -> None:
    run = waiting_run()
    steps = [*offered("5", 11.0), step("lapse", 71.2, "system")]
    run.waits[0] = entry("5", PLACE, *steps, status="lapsed", joined=2.05)
    booked = step("book", 74.0, booking_id=(None, "bk-6"))
    run.waits[1] = entry("6", PLACE, *offered("6", 71.5), booked, status="booked", joined=2.15)
    run.exchanges = [each for each in run.exchanges if each.operation != "leave"]
    for each in run.exchanges[-3:]:
        each.sent, each.received = each.sent + 60, each.received + 60
    run.exchanges[-3].reply["expires_at"] = at(131.5).isoformat()
    assert broken(run) == set()
