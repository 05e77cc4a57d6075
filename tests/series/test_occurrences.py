"""When the visits of a series begin: by the local clock, on the days that the rule names."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from pydantic_core import PydanticCustomError

from models.errors import Fault
from models.recurrence import MOST_OCCURRENCES, WEEKDAYS, Recurrence
from services.series.named_days import names
from services.series.occurrences import _days, occurrences

BEGIN = datetime(2027, 1, 1, 9)  # noqa: DTZ001  # local times have no zone
COPENHAGEN, NEW_YORK, LORD_HOWE = "Europe/Copenhagen", "America/New_York", "Australia/Lord_Howe"


def visits(rule: str, start: str, zone: str = COPENHAGEN) -> list[str]:
    """The starts in UTC, with a question mark where clocks skip the time."""
    found = occurrences(Recurrence.of(rule), datetime.fromisoformat(start).astimezone(UTC), zone)
    assert isinstance(found, list), found
    return [f"{each.start:%Y-%m-%d %H:%M}{'' if each.exists else '?'}" for each in found]


def fault(rule: str, start: str, zone: str = COPENHAGEN) -> tuple[str, str]:
    found = occurrences(Recurrence.of(rule), datetime.fromisoformat(start).astimezone(UTC), zone)
    assert isinstance(found, Fault), found
    return found.field, found.code


@pytest.mark.parametrize(
    ("rule", "start", "zone", "expected"),
    [
        ("FREQ=WEEKLY;COUNT=3", "2026-03-17T09:00+01:00", COPENHAGEN, ["03-17 08:00", "03-24 08:00", "03-31 07:00"]),
        ("FREQ=WEEKLY;COUNT=3", "2026-10-13T09:00+02:00", COPENHAGEN, ["10-13 07:00", "10-20 07:00", "10-27 08:00"]),
        ("FREQ=WEEKLY;COUNT=3", "2026-03-01T09:00-05:00", NEW_YORK, ["03-01 14:00", "03-08 13:00", "03-15 13:00"]),
        ("FREQ=WEEKLY;COUNT=2", "2026-10-25T09:00-04:00", NEW_YORK, ["10-25 13:00", "11-01 14:00"]),
        ("FREQ=DAILY;COUNT=3", "2026-04-04T09:00+11:00", LORD_HOWE, ["04-03 22:00", "04-04 22:30", "04-05 22:30"]),
    ],
)
def test_a_visit_keeps_its_local_time_across_clock_changes(
    rule: str, start: str, zone: str, expected: list[str]
) -> None:
    assert visits(rule, start, zone) == [f"2026-{each}" for each in expected]


def test_a_time_that_clocks_skip_is_no_visit() -> None:
    found = visits("FREQ=DAILY;COUNT=3", "2026-03-28T02:30+01:00")
    assert found == ["2026-03-28 01:30", "2026-03-29 01:00?", "2026-03-30 00:30"]


def test_of_a_time_that_comes_twice_the_first_one_counts() -> None:
    found = visits("FREQ=DAILY;COUNT=3", "2026-10-24T02:30+02:00")
    assert found == ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]


def test_a_series_may_begin_at_the_second_of_two_such_times() -> None:
    found = visits("FREQ=DAILY;COUNT=2", "2026-10-25T02:30+01:00")
    assert found == ["2026-10-25 01:30", "2026-10-26 01:30"]


@pytest.mark.parametrize(
    ("rule", "start", "days"),
    [
        ("FREQ=MONTHLY;COUNT=4", "2027-01-31", ["2027-01-31", "2027-03-31", "2027-05-31", "2027-07-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "2027-01-31", ["2027-01-31", "2027-02-28", "2027-03-31"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "2027-01-29", ["2027-01-29", "2027-02-26", "2027-03-26"]),
        ("FREQ=MONTHLY;BYDAY=2TU;COUNT=3", "2027-01-12", ["2027-01-12", "2027-02-09", "2027-03-09"]),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2;COUNT=2", "2027-01-12", ["2027-01-12", "2027-02-09"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", "2027-01-29", ["2027-01-29", "2027-02-26"]),
        ("FREQ=YEARLY;COUNT=3", "2028-02-29", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;COUNT=2", "2027-03-28", ["2027-03-28", "2028-03-26"]),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;COUNT=4",
            "2027-01-04",
            ["2027-01-04", "2027-01-07", "2027-01-18", "2027-01-21"],
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU;COUNT=3",
            "2027-01-05",
            ["2027-01-05", "2027-01-17", "2027-01-19"],
        ),
        ("FREQ=DAILY;INTERVAL=10;UNTIL=20270121", "2027-01-01", ["2027-01-01", "2027-01-11", "2027-01-21"]),
        ("FREQ=DAILY;UNTIL=20270103T075959Z", "2027-01-01", ["2027-01-01", "2027-01-02"]),
        ("FREQ=DAILY;UNTIL=20270103T080000Z", "2027-01-01", ["2027-01-01", "2027-01-02", "2027-01-03"]),
        ("FREQ=DAILY;UNTIL=20270102T090000", "2027-01-01", ["2027-01-01", "2027-01-02"]),
        ("FREQ=DAILY;COUNT=1", "2027-01-01", ["2027-01-01"]),
    ],
)
def test_a_rule_names_these_days(rule: str, start: str, days: list[str]) -> None:
    assert [each[:10] for each in visits(rule, f"{start}T09:00+01:00")] == days


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        ("FREQ=WEEKLY;BYDAY=MO;COUNT=3", "2027-01-05", ("start", "not_an_occurrence")),
        ("FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2;COUNT=3", "2027-01-05", ("rrule", "not_an_occurrence")),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6;COUNT=3", "2027-01-04", ("rrule", "not_an_occurrence")),
        ("FREQ=DAILY;UNTIL=20261231", "2027-01-05", ("rrule", "bad_span")),
        ("FREQ=DAILY;UNTIL=20270420", "2027-01-05", ("rrule", "too_long")),
        ("FREQ=YEARLY;COUNT=9", "2028-02-29", ("rrule", "too_long")),
        ("FREQ=DAILY;COUNT=2", "1999-02-28", ("start", "bad_time")),
    ],
)
def test_what_no_series_can_be_is_a_fault(rule: str, start: str, expected: tuple[str, str]) -> None:
    assert fault(rule, f"{start}T09:00+01:00") == expected


def test_the_most_visits_are_two_years_of_weeks() -> None:
    assert len(visits(f"FREQ=WEEKLY;COUNT={MOST_OCCURRENCES}", "2027-01-05T09:00+01:00")) == MOST_OCCURRENCES
    assert len(visits("FREQ=DAILY;UNTIL=20270418", "2027-01-05T09:00+01:00")) == MOST_OCCURRENCES


@pytest.mark.parametrize(
    "rule",
    [
        *(
            "",
            "WEEKLY",
            "FREQ=WEEKLY",
            "FREQ=;COUNT=2",
            "COUNT=2",
            "FREQ=WEEKLY;COUNT=2;COUNT=3",
            "FREQ=WEEKLY;COUNT=2;",
        ),
        *("FREQ=SECONDLY;COUNT=2", "FREQ=MINUTELY;COUNT=2", "FREQ=HOURLY;COUNT=2", "FREQ=WEEKLY;COUNT=0"),
        *("FREQ=WEEKLY;COUNT=105", "FREQ=WEEKLY;COUNT=x", "FREQ=WEEKLY;COUNT=²", "FREQ=WEEKLY;COUNT=2;UNTIL=20270101"),
        *("FREQ=WEEKLY;COUNT=2;INTERVAL=0", "FREQ=WEEKLY;COUNT=2;BYDAY=XX", "FREQ=WEEKLY;COUNT=2;BYDAY=1MO"),
        *("FREQ=MONTHLY;COUNT=2;BYDAY=0MO", "FREQ=MONTHLY;COUNT=2;BYDAY=1MO,TU", "FREQ=MONTHLY;COUNT=2;BYMONTHDAY=0"),
        *("FREQ=MONTHLY;COUNT=2;BYMONTHDAY=32", "FREQ=MONTHLY;COUNT=2;BYMONTH=-1", "FREQ=MONTHLY;COUNT=2;BYSETPOS=1"),
        *("FREQ=WEEKLY;COUNT=2;BYDAY=MO;BYSETPOS=1", "FREQ=WEEKLY;COUNT=2;BYMONTHDAY=1", "FREQ=WEEKLY;COUNT=2;WKST=1"),
        *("FREQ=DAILY;COUNT=2;BYHOUR=9", "FREQ=DAILY;COUNT=2;BYWEEKNO=9", "FREQ=DAILY;COUNT=2;X-NAME=ALICE"),
        *("FREQ=DAILY;UNTIL=2027", "FREQ=DAILY;UNTIL=20270231", "FREQ=DAILY;UNTIL=20270101T090000+01"),
    ],
)
def test_what_is_no_rule_for_visits_is_refused_with_a_sentence(rule: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        Recurrence.of(rule)
    assert refused.value.type == "bad_rule"
    sentence = refused.value.message()
    assert "{field}" in sentence
    assert sentence[0].isupper()
    assert sentence.endswith(".")


def _some_rule(chance: random.Random) -> Recurrence | None:
    freq = chance.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
    parts = [f"FREQ={freq}", "COUNT=3"]
    numbered = freq in ("MONTHLY", "YEARLY") and chance.random() < 0.5
    if chance.random() < 0.6:
        numbers = [str(chance.choice([-5, -2, -1, 1, 2, 4, 5])) if numbered else "" for _ in range(2)]
        parts.append("BYDAY=" + ",".join(number + chance.choice(WEEKDAYS) for number in numbers))
    if freq != "WEEKLY" and chance.random() < 0.3:
        parts.append(f"BYMONTHDAY={chance.choice([-3, -1, 1, 10, 28])},{chance.choice([5, 15, 29, 31])}")
    if chance.random() < 0.3:
        parts.append(f"BYMONTH={chance.randint(1, 6)},{chance.randint(7, 12)}")
    if chance.random() < 0.3:
        parts.append(f"BYSETPOS={chance.choice([-2, -1, 1, 2])}")
    try:
        return Recurrence.of(";".join(parts))
    except PydanticCustomError:
        return None


def test_a_rule_names_the_same_days_as_dateutil() -> None:
    """Each day that dateutil finds behind one that the rule names is named too, and none between them is."""
    seed = random.randrange(10**6)
    chance, seen = random.Random(seed), 0
    while seen < 200:
        rule, day = _some_rule(chance), BEGIN + timedelta(days=chance.randrange(1500))
        if rule is None or not names(rule, day):
            continue
        seen += 1
        found = list(islice(_days(rule, day, day + timedelta(days=500)), 4))
        assert found[0] == day, (seed, rule, day)
        if rule.freq == "DAILY" or rule.byday or rule.bymonthday:
            days = [day + timedelta(days=each) for each in range((found[-1] - day).days + 1)]
            assert [each for each in days if names(rule, each)] == found, (seed, rule, day)
