"""The verdict sees each fault that is planted in swaps, and nothing where there is none."""

from __future__ import annotations

from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Evidence, claims_of
from scripts.load.rules.verdict import judge
from tests.load.planted import GRID_SECONDS, answer, booked, document, evidence, held, slot
from tests.load.planted_acts import AHEAD, begin, step
from tests.load.test_verdict import broken

ONE, TWO = slot(600), slot(600, site="p1", who="t1")


def swapped(booking: dict[str, Any], other: str, to: str, seconds: float = 3.0) -> dict[str, Any]:
    """The booking as MongoDB has it after a swap that made version 2 of both."""
    made = {"booking_id": other, "version": 2, "swap_id": "a swap"}
    entry = step("swap", seconds, technician_id=(booking["technician_id"], to), **{"with": (None, made)})
    after = {**booking, "technician_id": to, "version": 2, "history": [*booking["history"], entry]}
    claims = sorted(claims_of(after, GRID_SECONDS))
    return after | {"claims": [{"resource": resource, "tick": tick} for resource, tick in claims]}


def swap(name: str, *, seconds: float = 3.0, status: int = 200, version: int = 2) -> Exchange:
    asked = {"booking_id": "bk-0", "with": "bk-1"}
    halves = (("bk-0", ONE | {"technician_id": "t1"}), ("bk-1", TWO | {"technician_id": "t0"}))
    both = [{"booking_id": booking_id, "version": version, **visit} for booking_id, visit in halves]
    reply = {"bookings": both} if status == 200 else {"code": "slot_held"}
    return Exchange("swap", name, "desk", asked, seconds, seconds + 0.1, status, reply)


def swapped_run() -> Evidence:
    """Bob swaps bookings 0 and 1, and asks a second time under the same key. Carl is refused."""
    exchanges = [
        booked("0", ONE, by_hold=False),
        booked("1", TWO, by_hold=False),
        swap("5:swap0"),
        swap("5:swap0", seconds=3.5),
        swap("6:swap0", seconds=3.6, status=409),
    ]
    for each in exchanges[:2]:
        each.reply["version"] = 1
    bookings = [
        swapped(begin(document("0", ONE, name="direct")), "bk-1", "t1"),
        swapped(begin(document("1", TWO, name="direct")), "bk-0", "t0"),
    ]
    run = evidence(exchanges, bookings)
    run.calendar_ahead = AHEAD
    return run


def test_a_faultless_run_with_swaps_breaks_no_rule() -> None:
    assert broken(swapped_run()) == set()
    assert "no swap is half" in judge(swapped_run())


def test_where_nothing_is_swapped_the_rules_of_swaps_say_nothing() -> None:
    assert "no swap is half" not in judge(evidence([booked("0", ONE)], [document("0", ONE)]))


def test_half_a_swap_is_found() -> None:
    run = swapped_run()
    run.bookings[1] = begin(document("1", TWO, name="direct"))
    assert {"no swap is half", "swaps are recorded", "one booking per claim"} <= broken(run)


def test_halves_that_did_not_exchange_their_technicians_are_found() -> None:
    run = swapped_run()
    run.bookings[1]["history"][1]["changes"]["technician_id"]["from"] = "t2"
    assert "no swap is half" in broken(run)


def test_an_acknowledged_swap_that_is_in_no_history_is_found() -> None:
    run = swapped_run()
    run.exchanges.append(swap("7:swap0", seconds=5.0, version=3))
    assert "swaps are recorded" in broken(run)


def test_two_requests_that_were_answered_one_swap_are_found() -> None:
    run = swapped_run()
    run.exchanges.append(swap("7:swap0", seconds=5.0))
    assert "swaps are recorded" in broken(run)


def test_a_refused_swap_that_was_made_is_found() -> None:
    run = swapped_run()
    run.exchanges = [each for each in run.exchanges if each.logical != "5:swap0"]
    assert "refused swaps change nothing" in broken(run)


def test_a_repeat_that_is_answered_another_swap_is_found() -> None:
    run = swapped_run()
    run.exchanges[3] = swap("5:swap0", seconds=3.5, version=3)
    assert "repeated swaps agree" in broken(run)


def test_a_swap_over_a_live_hold_is_found() -> None:
    run = swapped_run()
    run.exchanges.append(held("8", slot(600, site="p2", who="t1"), at=1.0))
    for each in run.exchanges[:2]:
        each.sent, each.received = 0.1, 0.2
    assert "holds protect" in broken(run)


def test_a_hold_over_a_swapped_visit_is_found() -> None:
    run = swapped_run()
    run.exchanges.append(held("8", slot(600, site="p2", who="t1"), at=6.0))
    assert "holds protect" in broken(run)


def test_what_a_swap_left_may_be_held() -> None:
    run = swapped_run()
    run.bookings[0] |= {"start": run.bookings[0]["start"]}
    longer = slot(660, site="p2", who="t0")
    run.exchanges.append(answer("9:hold", longer, at=6.0, hold_id="hold-9", ttl_seconds=300, **longer))
    assert broken(run) == set()
