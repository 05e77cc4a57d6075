"""Every wrong line is reported with all its problems, and then nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue import PropertyCreate
from services.sheets.sheet import LONGEST_LINE, Unreadable
from tests.transfer.office import SIMPLE, Office, named
from tests.world import rfc3339, tomorrow

BAD_FIELDS: list[tuple[dict[str, Any], str, str]] = [
    ({"property_id": "prop-9"}, "property_id", "there is no property prop-9"),
    ({"technician_id": "tech-9"}, "technician_id", "there is no technician tech-9"),
    ({"service_id": "none"}, "service_id", "there is no service none"),
    ({"property_id": "a b"}, "property_id", "64 letters"),
    ({"property_id": ""}, "property_id", "is required"),
    ({"start": "tomorrow"}, "start", "RFC 3339"),
    ({"start": "2026-12-05T10:00:00"}, "start", "offset"),
    ({"start": "2026-02-30T10:00:00Z"}, "start", "no such time"),
    ({"start": "2026-12-05T10:07:00Z"}, "start", "grid of 15 minutes"),
    ({"start": "0001-01-01T00:00:00Z"}, "start", "between the years"),
    ({"start": ""}, "start", "is required"),
    ({"duration_minutes": 50}, "duration_minutes", "multiple of 15"),
    ({"duration_minutes": "an hour"}, "duration_minutes", "whole number"),
    ({"duration_minutes": 0}, "duration_minutes", "1 or more"),
    ({"duration_minutes": 1455}, "duration_minutes", "1440 or less"),
    ({"duration_minutes": ""}, "duration_minutes", "where there is no end"),
    ({"end": rfc3339(tomorrow(9))}, "end", "after start"),
    ({"end": rfc3339(tomorrow(12))}, "end", "start and duration_minutes"),
    ({"duration_minutes": "", "end": "2999-01-01T00:00:00Z"}, "end", "within a day"),
    ({"duration_minutes": "", "end": rfc3339(tomorrow(10, 50))}, "end", "grid"),
    ({"buffer_before_minutes": 7}, "buffer_before_minutes", "multiple of 15"),
    ({"buffer_after_minutes": -15}, "buffer_after_minutes", "0 or more"),
    ({"status": "maybe"}, "status", "Give status as"),
    ({"priority": "urgent"}, "priority", "Give priority as"),
    ({"source": "fax"}, "source", "Give source as"),
    ({"customer_name": ""}, "customer_name", "is required"),
    ({"customer_name": "x" * 201}, "customer_name", "200 or fewer characters"),
    ({"customer_phone": "call me"}, "customer_phone", "digits"),
    ({"customer_email": "nowhere"}, "customer_email", "one @"),
    ({"description": "nul \0"}, "description", "characters that control"),
    ({"status": "pending", "reserved_until": rfc3339(tomorrow())}, "reserved_by", "pending"),
    ({"status": "pending", "reserved_by": "Ann"}, "reserved_until", "pending"),
    ({"version": 0}, "version", "1 or more"),
    ({"fallback_used": "perhaps"}, "fallback_used", "true or false"),
    ({"reference": "", "booking_id": "bk_1"}, "booking_id", "as it was exported"),
    ({"booking_id": "bk_" + "a" * 26}, "reference", "either"),
    ({"hold_id": "h_another"}, "hold_id", "Leave hold_id out"),
    ({"reference": "", "hold_id": "h_another"}, "hold_id", "Leave hold_id out"),
    ({"reference": "", "booking_id": "bk_" + "a" * 26, "hold_id": "h_another"}, "hold_id", "Leave hold_id out"),
]


@pytest.mark.parametrize(("changed", "field", "sentence"), BAD_FIELDS)
def test_a_bad_field_is_reported_by_line(office: Office, changed: dict[str, Any], field: str, sentence: str) -> None:
    good = office.row(reference="good", property_id="prop-2", technician_id="tech-2")
    problems = office.book(good, office.row(**changed))
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"bookings.csv:3: {field}: ")
    assert sentence in problems[0]
    assert office.status == 1
    assert office.world.bookings() == []


def test_all_problems_are_reported_in_the_order_of_the_lines(office: Office) -> None:
    problems = office.book(*(office.row(**changed) for changed, _, _ in BAD_FIELDS))
    reported = [tuple(problem.split(": ")[:2]) for problem in problems]
    wanted = [(f"bookings.csv:{line}", field) for line, (_, field, _) in enumerate(BAD_FIELDS, start=2)]
    assert set(wanted) <= set(reported)
    lines = [int(problem.split(":")[1]) for problem in problems]
    assert lines == sorted(lines)
    assert f"{len(problems)} problems; nothing was written." in office.output


def test_a_line_may_have_several_problems(office: Office) -> None:
    problems = office.book(office.row(property_id="prop-9", start="now", duration_minutes=7, customer_email="x"))
    assert named(problems) == {"property_id", "start", "duration_minutes", "customer_email"}


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        (
            {"customer_email": "x", "start": "2026-12-05T10:07:00Z", "duration_minutes": 50, "status": "pending"},
            {"customer_email", "start", "duration_minutes", "reserved_by", "reserved_until"},
        ),
        (
            {"start": "0001-01-01T00:00:00Z", "duration_minutes": 50, "end": "2026-12-05T10:07:00Z"},
            {"start", "duration_minutes", "end"},
        ),
        ({"start": "now", "duration_minutes": "", "end": "2026-12-05T10:07:00Z"}, {"start", "end"}),
        ({"start": "", "duration_minutes": "", "customer_name": ""}, {"start", "duration_minutes", "customer_name"}),
        ({"priority": "x", "duration_minutes": "", "end": rfc3339(tomorrow(9, 50))}, {"priority", "end"}),
        ({"booking_id": "bk_1", "buffer_after_minutes": 7}, {"booking_id", "reference", "buffer_after_minutes"}),
        ({"version": 0, "hold_id": "h_another"}, {"version", "hold_id"}),
        (
            {"status": "pending", "reserved_by": "x" * 201, "reserved_until": "soon"},
            {"reserved_by", "reserved_until"},
        ),
        ({"duration_minutes": "an hour", "end": "late"}, {"duration_minutes", "end"}),
    ],
)
def test_an_unreadable_field_does_not_hide_others(office: Office, changed: dict[str, Any], fields: set[str]) -> None:
    problems = office.book(office.row(property_id="prop-9", **changed))
    assert named(problems) == fields | {"property_id"}


def test_an_end_can_be_wrong_in_two_ways(office: Office) -> None:
    problems = office.book(office.row(duration_minutes="", end=rfc3339(tomorrow(9, 50))))
    assert [problem.split(": ")[1] for problem in problems] == ["end", "end"]


def test_no_problem_repeats_data_of_a_customer(office: Office) -> None:
    secret = "Secret-Person"
    office.book(office.row(customer_name=secret * 50, customer_phone=secret, customer_email=secret, description="\0"))
    assert office.status == 1
    assert secret not in office.output


@pytest.mark.parametrize("cells", [["a"], ["x"] * 9])
def test_too_few_or_too_many_cells(office: Office, cells: list[str]) -> None:
    text = ",".join(SIMPLE) + "\n" + ",".join(cells) + "\n"
    problems = office.run(bookings=office.text("b.csv", text))
    sentence = f"Give {len(SIMPLE)} cells, as many as the header has; this line has {len(cells)}."
    assert problems == [f"b.csv:2: {sentence}"]


def test_bytes_that_are_not_utf8_are_reported_and_the_next_line_is_read(office: Office) -> None:
    start = rfc3339(tomorrow()).encode()
    rows = [
        b"a,prop-1,tech-1," + start + b",60,J\xf8rgen",
        b"b,prop-9,tech-1," + start + b",60,J\xc3\xb8rgen",
    ]
    problems = office.run(bookings=office.text("b.csv", ",".join(SIMPLE).encode() + b"\n" + b"\n".join(rows)))
    assert problems == [
        "b.csv:2: customer_name: Give this cell in UTF-8.",
        "b.csv:3: property_id: Give a property that exists; there is no property prop-9.",
    ]


def test_a_byte_order_mark_returns_and_empty_lines_are_no_problem(office: Office) -> None:
    row = office.row(customer_name="Jørgen").values()
    text = "\ufeff" + ",".join(SIMPLE) + "\r\n\r\n" + ",".join(map(str, row)) + "\r\n"
    assert office.run(bookings=office.text("b.csv", text)) == []
    assert [booking["customer"] for booking in office.world.bookings()] == [{"name": "Jørgen"}]


def test_a_broken_quote_is_reported_and_the_next_line_is_read(office: Office) -> None:
    text = ",".join(SIMPLE) + '\na,"b"c,d,e,f,g\n' + ",".join(map(str, office.row(property_id="prop-9").values()))
    problems = office.run(bookings=office.text("b.csv", text))
    assert [problem.split(": ")[0] for problem in problems] == ["b.csv:2", "b.csv:3"]
    assert "Give a line of CSV" in problems[0]


def test_lines_are_counted_as_in_an_editor(office: Office) -> None:
    long = office.row(description="one\ntwo\nthree", property_id="prop-2", technician_id="tech-2")
    problems = office.book(long, office.row(property_id="prop-9", reference="b"))
    assert problems[0].startswith("bookings.csv:5: ")


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("", "Name the columns in the first line."),
        ("property_id;technician_id;customer_name", "start: Add this required column."),
        ("property_id,technician_id,customer_name", "start: Add this required column."),
        (",".join(SIMPLE) + ",colour", "colour: Leave this column out"),
        (",".join(SIMPLE) + ",start", "start: Give this column only once."),
    ],
)
def test_a_wrong_header_is_reported_once(office: Office, header: str, sentence: str) -> None:
    problems = office.run(bookings=office.text("b.csv", header + ("\n" if header else "")))
    assert len(problems) == 1
    assert problems[0].startswith("b.csv:1: ")
    assert sentence in problems[0]


def test_an_unknown_column_does_not_hide_the_problems_of_the_lines(office: Office) -> None:
    problems = office.book(office.row(colour="red", property_id="prop-9"), office.row(reference="b", start="now"))
    assert [problem.split(": ")[1] for problem in problems] == ["colour", "property_id", "start"]


def test_a_line_without_an_end_is_not_read_into_memory(office: Office) -> None:
    with pytest.raises(Unreadable, match="longer than"):
        office.run(bookings=office.text("b.csv", ",".join(SIMPLE) + "\n" + "x" * (LONGEST_LINE + 1)))


def test_the_same_reference_and_the_same_line_twice_are_duplicates(office: Office) -> None:
    other = office.row(start=rfc3339(tomorrow(14)))
    bare = office.row(reference="", start=rfc3339(tomorrow(16)))
    problems = office.book(office.row(), other, bare, bare)
    assert problems == [
        "bookings.csv:3: reference: Leave this line out, because it repeats line 2.",
        "bookings.csv:5: Leave this line out, because it repeats line 4.",
    ]


def test_overlaps_name_the_other_line_or_the_booking(office: Office) -> None:
    office.book(office.row(reference="old", start=rfc3339(tomorrow(8))))
    (existing,) = office.world.bookings()
    problems = office.book(
        office.row(reference="a", start=rfc3339(tomorrow(12)), technician_id="tech-2"),
        office.row(reference="b", start=rfc3339(tomorrow(12, 30)), technician_id="tech-3"),
        office.row(reference="c", start=rfc3339(tomorrow(9)), property_id="prop-2", buffer_before_minutes=15),
        office.row(reference="d", start=rfc3339(tomorrow(13, 30)), technician_id="tech-2", status="cancelled"),
    )
    day = f"{tomorrow():%Y-%m-%dT}"
    assert sorted(problems) == [
        f"bookings.csv:3: Give another time, because line 2 takes property prop-1 from {day}12:00Z to {day}13:00Z.",
        f"bookings.csv:4: Give another time, because booking {existing['_id']} takes technician tech-1 "
        f"from {day}08:00Z to {day}09:00Z.",
    ]


def test_bookings_that_touch_do_not_overlap(office: Office) -> None:
    rows = [office.row(reference=str(hour), start=rfc3339(tomorrow(hour))) for hour in range(8, 18)]
    assert office.book(*rows) == []
    assert len(office.world.bookings()) == 10


def test_a_booking_of_a_property_with_a_problem_is_no_further_problem(office: Office) -> None:
    properties = office.text("p.csv", "id,name,status\nnew-1,House,closed\n")
    bookings = office.file("b.csv", [office.row(property_id="new-1")])
    assert len(office.run(properties=properties, bookings=bookings)) == 1


def test_another_orgs_ids_are_unknown(office: Office) -> None:
    world = office.world
    world.services.catalogue_desk.create_property(world.other_org, PropertyCreate(id="theirs", name="House"))
    assert "there is no property theirs" in office.book(office.row(property_id="theirs"))[0]


def test_problems_can_go_to_a_file(office: Office) -> None:
    path = office.folder / "problems.txt"
    assert office.book(office.row(start="now"), problems_file=str(path)) == []
    assert "bookings.csv:2: start: " in path.read_text()
    assert office.status == 1
