"""Times without an offset, in the zone that --times-in names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sheets.local_times import LocalTimes
from services.sheets.problems import Fault
from tests.transfer.office import Office, named
from tests.transfer.test_commands import Shell, shell
from tests.world import rfc3339, tomorrow

__all__ = ["shell"]  # a fixture

COPENHAGEN = "Europe/Copenhagen"
SUMMER, WINTER = "2026-07-05", "2026-12-05"


def read(text: Any, zone: str = COPENHAGEN) -> tuple[Any, list[str]]:
    faults: list[Fault] = []
    value = LocalTimes(zone).given(text, "start", faults)
    return value, [f"{fault.field}: {fault.sentence}" for fault in faults]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        (f"{WINTER} 10:00", f"{WINTER}T09:00:00+00:00"),
        (f"{WINTER}T10:00", f"{WINTER}T09:00:00+00:00"),
        (f"{SUMMER} 10:00:00", f"{SUMMER}T08:00:00+00:00"),
        (f"{SUMMER}T10:00:00.5", f"{SUMMER}T08:00:00.500000+00:00"),
        ("2027-03-28 01:59", "2027-03-28T00:59:00+00:00"),
        ("2027-03-28 03:00", "2027-03-28T01:00:00+00:00"),
        ("2027-10-31 01:59", "2027-10-30T23:59:00+00:00"),
        ("2027-10-31 03:00", "2027-10-31T02:00:00+00:00"),
    ],
)
def test_a_local_time_is_read_by_the_clocks_of_the_zone(text: str, utc: str) -> None:
    assert read(text) == (utc, [])


@pytest.mark.parametrize(
    "text",
    [
        f"{WINTER}T10:00:00Z",
        f"{WINTER} 10:00+01:00",
        WINTER,
        "10:00",
        "soon",
        "2026-02-30 10:00",
        "0001-01-01 00:00",
        None,
        7,
    ],
)
def test_what_has_an_offset_or_is_no_time_stays_as_it_is(text: Any) -> None:
    assert read(text) == (text, [])


@pytest.mark.parametrize(
    ("zone", "text", "sentence"),
    [
        (
            COPENHAGEN,
            "2027-03-28 02:30",
            "Give another time, because clocks in Europe/Copenhagen skip 2027-03-28 02:30.",
        ),
        (
            COPENHAGEN,
            "2027-10-31 02:00",
            "Give the offset too, +02:00 or +01:00, because clocks in Europe/Copenhagen show 2027-10-31 02:00 twice.",
        ),
        (
            "Australia/Lord_Howe",
            "2027-04-04T01:45",
            "Give the offset too, +11:00 or +10:30, because clocks in Australia/Lord_Howe show 2027-04-04 01:45 twice.",
        ),
        (
            "Pacific/Apia",
            "2011-12-30 12:00",
            "Give another time, because clocks in Pacific/Apia skip 2011-12-30 12:00.",
        ),
    ],
)
def test_a_time_that_clocks_skip_or_show_twice_is_a_named_fault(zone: str, text: str, sentence: str) -> None:
    assert read(text, zone) == (text, [f"start: {sentence}"])


def test_times_in_lists_are_read_too_and_named_by_their_position() -> None:
    off = [{"start": f"{WINTER} 08:00", "end": "2027-03-28 02:15"}]
    value, faults = read(off)
    assert value[0]["start"] == f"{WINTER}T07:00:00+00:00"
    assert [fault.partition(": ")[0] for fault in faults] == ["start.0.end"]


@given(
    st.integers(0, 60 * 24 * 365 * 45),
    st.sampled_from([COPENHAGEN, "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "Pacific/Apia"]),
)
def test_what_is_read_shows_the_same_time_on_the_clocks_of_the_zone(minutes: int, zone: str) -> None:
    wall = datetime.fromisoformat("1990-01-01") + timedelta(minutes=minutes)
    value, faults = read(f"{wall:%Y-%m-%d %H:%M}", zone)
    if not faults:
        moment = datetime.fromisoformat(value)
        assert moment.utcoffset() == timedelta(0)
        assert moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall


def test_local_times_of_bookings_are_imported(office: Office) -> None:
    rows = [
        office.row(
            start="2027-01-05 10:00", end="2027-01-05 11:00", reserved_until="2027-01-04 12:00", status="pending"
        ),
        office.row(reference="b", start="2027-07-05T10:00:00", technician_id="tech-2"),
        office.row(reference="c", start="2027-07-05T12:00:00Z", technician_id="tech-3"),
    ]
    for row in rows:
        row["reserved_by"] = "Ann"
    assert office.book(*rows, times_in=COPENHAGEN) == []
    starts = sorted(f"{booking['start']:%m-%d %H:%M}" for booking in office.world.bookings())
    assert starts == ["01-05 09:00", "07-05 08:00", "07-05 12:00"]
    assert f"{office.world.bookings(status='pending')[0]['reserved_until']:%m-%d %H:%M}" == "01-04 11:00"
    assert office.book(*rows, times_in=COPENHAGEN) == []
    assert office.output.strip() == "bookings: 0 written, 3 there already"


def test_only_times_are_read_so(office: Office) -> None:
    row = office.row(
        description=f"{WINTER} 10:00", internal_note=f"{WINTER} 10:00", external_reference=f"{WINTER} 10:00"
    )
    row["metadata"] = f'{{"when": "{WINTER} 10:00"}}'
    assert office.book(row, times_in=COPENHAGEN) == []
    (made,) = office.world.bookings()
    assert made["metadata"] == {"when": f"{WINTER} 10:00"}
    assert {made["description"], made["internal_note"], made["external_reference"]} == {f"{WINTER} 10:00"}


def test_faults_of_local_times_come_beside_all_others(office: Office) -> None:
    problems = office.book(
        office.row(start="2027-03-28 02:30", end="2027-10-31 02:00", priority="x", property_id="prop-9"),
        times_in=COPENHAGEN,
    )
    assert named(problems) == {"start", "end", "priority", "property_id"}
    assert sum("skip 2027-03-28 02:30" in problem or "2027-10-31 02:00 twice" in problem for problem in problems) == 2


def test_time_off_of_technicians_is_read_so(office: Office) -> None:
    text = 'id,name,time_off\nkim,Kim,"[{""start"": ""2027-07-01 00:00"", ""end"": ""2027-07-02T00:00:00+02:00""}]"\n'
    assert office.run(technicians=office.text("t.csv", text), times_in=COPENHAGEN) == []
    (off,) = office.world.services.catalogue_desk.get_technician(office.world.org, "kim").time_off
    assert (off.start, off.end) == (datetime(2027, 6, 30, 22, tzinfo=UTC), datetime(2027, 7, 1, 22, tzinfo=UTC))


def test_without_the_option_a_time_needs_its_offset(office: Office) -> None:
    (problem,) = office.book(office.row(start="2027-07-05 10:00"))
    assert "offset" in problem
    assert problem.endswith("or name the zone of the times.")


def test_the_command_takes_the_zone_and_names_a_wrong_one(shell: Shell, office: Office) -> None:
    local = f"{tomorrow():%Y-%m-%d} 10:00"
    path = office.file("b.csv", [office.row(start=local)])
    status, out, err = shell.run(
        "import.py", "--org", office.world.org, "--bookings", path, "--times-in", "Pacific/Honolulu"
    )
    assert (status, out) == (0, "bookings: 1 written, 0 there already\n"), err
    assert rfc3339(office.world.bookings()[0]["start"]) == rfc3339(tomorrow(20))
    status, _, err = shell.run("import.py", "--org", "x", "--bookings", path, "--times-in", "Mars/Base")
    assert (status, "Mars/Base is no IANA name" in err) == (2, True)
