"""The verdict sees each fault that is planted in a run with strangers, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Evidence
from scripts.load.rules.verdict import judge
from scripts.load.scenarios.strangers import BOOKER, HOARDERS, POLICY, WAITER
from tests.load.planted import answer, booked, document, evidence, held, slot
from tests.load.planted_acts import AHEAD, entry, offered
from tests.load.test_verdict import broken

MOST, ALL, A_DAY = POLICY.values()
FIGURES = {
    "search:keys": 1990.0, "search:redis_ms": 12.0, "overload_share": 0.97, "overload_p99_ms": 300.0,
    "usual_ms": 2.0, "afterwards_ms": 3.0,
}  # fmt: skip


def hours(count: int, who: str) -> list[dict[str, Any]]:
    """So many slots of one pair that do not touch."""
    return [slot(60 * number, site=f"p-{who}", who=f"t-{who}") for number in range(count)]


def hoards(count: int, address: str, who: str, at: float = 1.0) -> list[Exchange]:
    """The holds that one address is granted at one moment, each with another holder."""
    return [
        replace(held(f"{who}{number}", each, at=at), address=address) for number, each in enumerate(hours(count, who))
    ]


def wish(tag: str, asked: dict[str, Any], status: int = 201, **reply: Any) -> Exchange:
    return replace(answer(f"{tag}:wish", asked, at=0.5, status=status, **reply), address=WAITER)


def run() -> Evidence:
    """Two addresses have their share of holds; one waits, has its share of offers, and books what it may on a day."""
    free = slot(600, site="p9", who="t9")
    named = {"code": "slot_available", "next_available": [{"start": free["start"], "technician_id": "t9"}]}
    visits = {f"b{number}": each for number, each in enumerate(hours(A_DAY, "b"))}
    made = evidence(
        [
            *hoards(MOST, HOARDERS[0], "h"),
            replace(answer("x:hold", slot(), status=429, code="too_many_holds"), address=HOARDERS[0]),
            *(replace(held(tag, each), address=BOOKER) for tag, each in visits.items()),
            *(replace(booked(tag, each), address=BOOKER) for tag, each in visits.items()),
            wish("90", {**free, "free": True}, 409, **named),
            replace(answer("y:overreach", slot(), status=400, code="invalid_request"), address=HOARDERS[1]),
            booked("d", slot(600, site="p8", who="t8"), by_hold=False),
        ],
        [
            *(document(tag, each) for tag, each in visits.items()),
            document("d", slot(600, site="p8", who="t8"), name="direct"),
        ],
    )
    made.policy, made.figures, made.calendar_ahead = POLICY, FIGURES, AHEAD
    return made


def offers(count: int) -> Evidence:
    """The run with so many live offers to the entries of one address."""
    made = run()
    for number, each in enumerate(hours(count, "w")):
        made.exchanges.append(wish(str(number), each, waitlist_id=f"wl-{number}", **each))
        made.entries.append(entry(str(number), each, *offered(str(number), 5.0), status="offered", joined=0.6))
    return made


@pytest.mark.parametrize("count", [0, MOST - 1])
def test_a_faultless_run_with_strangers_breaks_no_rule(count: int) -> None:
    assert broken(offers(count)) == set()
    assert "shares are kept" in judge(run())


def test_a_hold_above_the_share_of_an_address_is_found() -> None:
    made = run()
    made.exchanges += hoards(MOST + 1, HOARDERS[1], "i", at=400.0)
    assert broken(made) == {"shares are kept"}


def test_holds_one_after_the_other_are_no_fault() -> None:
    made = run()
    made.exchanges += hoards(MOST, HOARDERS[0], "i", at=400.0)
    assert broken(made) == set()


def test_an_offer_above_the_share_of_an_address_is_found() -> None:
    assert broken(offers(MOST + 1)) == {"shares are kept"}


def test_many_addresses_that_together_have_more_than_the_org_allows_are_found() -> None:
    made = run()
    made.exchanges += hoards(MOST, HOARDERS[1], "i", at=400.0) + hoards(MOST, HOARDERS[2], "j", at=400.0)
    made.exchanges += hoards(ALL + 1 - 2 * MOST, HOARDERS[3], "k", at=400.0)
    assert broken(made) == {"the calendar stays open"}


def test_a_booking_above_the_share_of_a_day_is_found() -> None:
    made = run()
    more = hours(A_DAY + 1, "b")[-1]
    made.exchanges += [replace(held("c", more), address=BOOKER), replace(booked("c", more), address=BOOKER)]
    made.bookings.append(document("c", more))
    made.marks = evidence([], made.bookings).marks
    assert broken(made) == {"bookings of a day are few"}


@pytest.mark.parametrize("reply", [{"waitlist_id": "wl-90"}, {"code": "slot_available", "next_available": []}])
def test_a_stranger_that_may_wait_for_what_is_free_is_found(reply: dict[str, Any]) -> None:
    made = run()
    at = next(number for number, each in enumerate(made.exchanges) if each.operation == "wish")
    made.exchanges[at] = wish("90", made.exchanges[at].asked, 409 if "code" in reply else 201, **reply)
    assert broken(made) == {"what is free is not waited for"}


@pytest.mark.parametrize("status", [201, 409])
def test_a_stranger_that_chooses_travel_length_or_priority_is_found(status: int) -> None:
    made = run()
    made.exchanges.append(replace(answer("z:overreach", slot(), status=status), address=HOARDERS[1]))
    assert "strangers choose little" in broken(made)


@pytest.mark.parametrize("code", ["too_many_holds", "rate_limited", "no_slot_available"])
def test_staff_that_is_refused_because_of_strangers_is_found(code: str) -> None:
    made = run()
    status = 409 if code == "no_slot_available" else 429
    made.exchanges.append(answer("s:direct", slot(900), status=status, client="desk", code=code))
    assert broken(made) == {"the staff is served"}


def test_staff_that_is_refused_because_of_staff_is_no_fault() -> None:
    made = run()
    asked = slot(600, site="p8", who="t8")
    made.exchanges.append(answer("s:direct", asked, at=3.0, status=409, client="desk", code="slot_booked"))
    assert broken(made) == set()


def test_staff_that_waits_is_found() -> None:
    made = run()
    made.exchanges[-1].received += 2.0
    made.exchanges[-1].reply["history"] = [
        {"at": "2030-05-06T10:00:00Z", "by": "desk:k1", "action": "book", "changes": {}}
    ]
    assert broken(made) == {"the staff is not delayed"}


@pytest.mark.parametrize(
    ("figure", "value", "rule"),
    [
        ("search:keys", 2001.0, "requests cost little"), ("search:redis_ms", 20.5, "requests cost little"),
        ("overload_share", 0.79, "overload is shed"), ("overload_p99_ms", 1501.0, "overload is shed"),
        ("afterwards_ms", 4.1, "it recovers at once"),
    ],
)  # fmt: skip
def test_a_figure_that_is_worse_than_it_may_be_is_found(figure: str, value: float, rule: str) -> None:
    made = run()
    made.figures = {**FIGURES, figure: value}
    assert broken(made) == {rule}
