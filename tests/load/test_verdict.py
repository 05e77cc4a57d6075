"""The verdict sees each fault that is planted, and nothing where there is none."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from scripts.load.rules.evidence import Evidence, Mark
from scripts.load.rules.verdict import RULES, judge, meaning_of
from tests.load.planted import answer, document, evidence, faultless, marks_of, slot


def broken(run: Evidence) -> set[str]:
    """The names of the rules that the verdict finds broken."""
    return {rule for rule, findings in judge(run).items() if findings}


def test_a_faultless_run_breaks_no_rule() -> None:
    assert broken(faultless()) == set()


def test_two_active_bookings_of_one_slot_are_found_by_claims_and_by_time() -> None:
    run = faultless()
    run.bookings.append(document("9", slot(630)))
    assert {"one booking per claim", "one visit at a time"} <= broken(run)


def test_a_double_booking_whose_claims_are_missing_is_found_by_time() -> None:
    run = faultless()
    run.bookings.append({**document("9", slot(630)), "claims": []})
    assert {"one visit at a time", "claims complete"} <= broken(run)
    assert "one booking per claim" not in broken(run)


def test_a_long_visit_that_swallows_two_short_ones_is_found_twice() -> None:
    long, short, later = slot(600, duration=240), slot(615, duration=15), slot(720, duration=15)
    run = evidence([], [document("0", long), document("1", short), document("2", later)])
    doubled = [finding for finding in judge(run)["one visit at a time"] if "property" in finding.sentence]
    assert [{one["_id"] for one in finding.documents} for finding in doubled] == [{"bk-0", "bk-1"}, {"bk-0", "bk-2"}]


def test_visits_that_touch_are_no_double_booking() -> None:
    run = evidence([], [document("0", slot(600)), document("1", slot(660))])
    assert not judge(run)["one visit at a time"]


@pytest.mark.parametrize(("minutes", "clash"), [(570, True), (615, True), (630, True), (540, False), (660, False)])
def test_travel_of_the_same_technician_counts(minutes: int, clash: bool) -> None:
    first = document("0", slot(600, duration=30, travel=15))
    second = document("1", slot(minutes, site="p1", duration=30, travel=15))
    assert bool(judge(evidence([], [first, second]))["one visit at a time"]) == clash


def test_travel_does_not_occupy_the_property() -> None:
    first = document("0", slot(600, duration=30, travel=15))
    second = document("1", slot(630, who="t1", duration=30, travel=15))
    assert not judge(evidence([], [first, second]))["one visit at a time"]


def test_a_cancelled_booking_blocks_nothing() -> None:
    run = evidence([], [document("0", slot(), status="cancelled"), document("1", slot())])
    assert not judge(run)["one visit at a time"]
    assert not judge(run)["one booking per claim"]


def test_a_booking_at_another_property_with_the_same_technician_counts() -> None:
    run = faultless()
    run.bookings.append(document("elsewhere", slot(615, site="somewhere")))
    assert {"one booking per claim", "one visit at a time"} <= broken(run)


@pytest.mark.parametrize("lost", ["property:p0", "technician:t0"])
def test_a_missing_claim_is_found(lost: str) -> None:
    run = faultless()
    claims = run.bookings[0]["claims"]
    claims.remove(next(claim for claim in claims if claim["resource"] == lost))
    assert "claims complete" in broken(run)


def test_a_claim_too_many_is_found() -> None:
    run = faultless()
    run.bookings[0]["claims"].append({"resource": "property:p7", "tick": 1})
    assert "claims complete" in broken(run)


def test_an_acknowledged_booking_that_is_gone_is_found() -> None:
    run = faultless()
    del run.bookings[0]
    assert "acknowledged is kept" in broken(run)


def test_an_acknowledged_booking_that_was_moved_is_found() -> None:
    run = faultless()
    run.bookings[0] = document("0", slot(900))
    assert {"acknowledged is kept", "nothing unasked"} <= broken(run)


def test_a_cancelled_booking_that_is_still_active_is_found() -> None:
    run = faultless()
    run.exchanges.append(answer("0:cancel", {"booking_id": "bk-0"}, at=5, status=200))
    assert "acknowledged is kept" in broken(run)


def test_a_booking_that_ended_without_being_cancelled_is_found() -> None:
    run = faultless()
    run.bookings[0] = document("0", slot(), status="expired")
    assert "acknowledged is kept" in broken(run)


def test_a_booking_that_no_request_asked_for_is_found() -> None:
    run = faultless()
    run.bookings.append(document("77", slot(900)))
    assert "nothing unasked" in broken(run)


def test_a_booking_whose_request_was_refused_is_found() -> None:
    run = faultless()
    run.bookings.append(document("2", slot(900), name="direct"))
    assert "nothing unasked" in broken(run)


def test_a_booking_whose_reply_was_lost_may_exist_once() -> None:
    asked = slot(900)
    run = evidence([answer("5:direct", asked, status=503)], [document("5", asked, name="direct")])
    assert broken(run) == set()
    run.bookings.append({**document("5", slot(1000), name="direct"), "_id": "bk-5-again"})
    assert "one request, one booking" in broken(run)


def test_a_later_start_is_allowed_only_with_fallback() -> None:
    asked, given = slot(600), slot(660)
    answered = answer("0:direct", asked, booking_id="bk-0", **given)
    assert "nothing unasked" in broken(evidence([answered], [document("0", given, name="direct")]))
    answered.asked = {**asked, "fallback": "next_available"}
    assert broken(evidence([answered], [document("0", given, name="direct")])) == set()


def test_two_answers_to_one_request_must_be_the_same() -> None:
    run = faultless()
    run.exchanges.append(replace(run.exchanges[2], reply={**run.exchanges[2].reply, "booking_id": "bk-other"}))
    assert "repeats agree" in broken(run)


def test_a_repeat_that_is_refused_after_success_is_found() -> None:
    run = faultless()
    run.exchanges.append(answer("0:book", run.exchanges[2].asked, at=6, status=409, code="slot_booked"))
    assert {"repeats agree", "owners are served"} <= broken(run)


def test_a_repeat_that_is_asked_to_wait_or_is_lost_does_not_disagree() -> None:
    run = faultless()
    asked = run.exchanges[2].asked
    run.exchanges.append(answer("0:book", asked, at=2.01, status=409, code="request_in_progress"))
    run.exchanges.append(answer("0:book", asked, at=2.02, status=0))
    run.exchanges[-1].dropped = True
    assert broken(run) == set()


@pytest.mark.parametrize("bookings", [0, 2])
def test_one_contested_slot_has_one_winner(bookings: int) -> None:
    documents = [document(str(number), slot(site=f"p{number}", who=f"t{number}")) for number in range(bookings)]
    assert "one winner" in broken(evidence([], documents, one_winner=True))


def test_a_missing_mark_and_a_mark_of_an_old_version_are_found() -> None:
    run = faultless()
    assert run.marks is not None
    claim = next(iter(run.marks))
    run.marks[claim] = replace(run.marks[claim], version=0)
    assert "mirror is true" in broken(run)
    del run.marks[claim]
    assert "mirror is true" in broken(run)


@pytest.mark.parametrize(
    "mark",
    [
        Mark("booked", "bk-gone", 1, 5000),
        Mark("confirming", "hold-0", 0, 5000),
        Mark("held", "hold-unknown", 0, 5000),
        Mark("held", "hold-0", 0, -1),
    ],
)
def test_a_mark_that_should_not_be_there_is_found(mark: Mark) -> None:
    run = faultless()
    assert run.marks is not None
    run.marks["property:p0", 1] = mark
    assert "mirror is true" in broken(run)


def test_marks_of_a_live_hold_are_no_fault() -> None:
    run = faultless()
    assert run.marks is not None
    run.marks["property:p0", 1] = Mark("held", "hold-0", 0, 5000)
    assert broken(run) == set()


def test_marks_of_a_cancelled_booking_are_found() -> None:
    run = evidence([], [document("0", slot(), status="cancelled")])
    run.marks = marks_of(document("0", slot()))
    assert "mirror is true" in broken(run)


@pytest.mark.parametrize("status", [500, 404, 400, 599])
def test_a_status_outside_the_contract_is_found(status: int) -> None:
    run = faultless()
    run.exchanges.append(answer("8:hold", slot(), at=0.1, status=status))
    assert broken(run) == {"answers are known"}


def test_a_request_without_an_answer_is_found_unless_its_client_hung_up() -> None:
    run = faultless()
    run.exchanges.append(answer("8:hold", slot(), at=0.1, status=0))
    assert broken(run) == {"answers come"}
    run.exchanges[-1].dropped = True
    assert broken(run) == set()


def test_an_offer_that_could_not_be_held_is_found() -> None:
    run = faultless()
    run.offers_refused.append({"status": 409, "code": "slot_booked"})
    assert broken(run) == {"offers are true"}


def test_what_is_printed_holds_no_personal_data() -> None:
    run = faultless()
    run.bookings.append({**document("9", slot(630)), "manage_token": "hfm_secret"})
    run.exchanges.append(
        answer(
            "9:book",
            {**slot(630), "hold_id": "hold-9"},
            status=500,
            manage_token="hfm_secret",
            customer={"name": "Alice"},
        )
    )
    printed = json.dumps([finding.documents for found in judge(run).values() for finding in found], default=str)
    assert "bk-9" in printed
    for personal in ("run/9", "+15550100", "4711", "hfm_secret", "Alice"):
        assert personal not in printed


def test_every_rule_says_what_it_means_in_one_row() -> None:
    assert all(0 < len(meaning_of(rule)) < 90 for rule in RULES.values())
    assert {"one request, one booking", "first come, first served"} <= RULES.keys()
