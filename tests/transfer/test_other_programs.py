"""Files as spreadsheets, pandas and people write them, and our own export after other programs saved it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.catalogue import PropertyCreate, TechnicianCreate
from services.sheets.sheet import Unreadable
from tests.transfer.office import SIMPLE, Office
from tests.transfer.other_programs import saved_as_unicode_text, saved_by_a_spreadsheet, saved_by_pandas
from tests.transfer.test_round_trip import booked_marks, empty, fill, kept
from tests.world import rfc3339, tomorrow

SAVED: dict[str, Callable[[str], str | bytes]] = {
    "pandas": saved_by_pandas,
    "pandas twice": lambda text: saved_by_pandas(saved_by_pandas(text).replace(",", "Unnamed: 0,", 1)),
    "a spreadsheet": saved_by_a_spreadsheet,
    "Unicode text": saved_as_unicode_text,
}
LOOKS_LIKE_OTHERS = ("007", "1E5", "4512345678", "12-05", "true", "NA", "451234567890", "'12", "0.10")


def tricky(office: Office) -> None:
    """Bookings, properties and technicians with texts that other programs take for something else."""
    world, services = office.world, office.world.services
    fill(world)
    world.services.db["bookings"].update_many({"description": {"$regex": "\r(?!\n)"}}, {"$set": {"description": "one"}})
    world.services.db["bookings"].update_many(
        {"internal_note": {"$regex": "\r(?!\n)"}}, {"$set": {"internal_note": "two"}}
    )
    services.catalogue_desk.create_property(world.org, PropertyCreate(id="007", name="1E5", address="3/4"))
    services.catalogue_desk.create_technician(world.org, TechnicianCreate(id="1.50", name="None"))
    desk = world.caller("desk")
    for number, text in enumerate(LOOKS_LIKE_OTHERS):
        asked = {"property_id": "007", "technician_id": "1.50", "start": rfc3339(tomorrow(number))}
        if number % 2:
            asked["external_reference"] = text
        customer = {"name": text, "phone": "0045 12345678" if number else "01234567"}
        services.bookings.book(desk, world.direct_request(**asked, description=text, customer=customer))


@pytest.mark.parametrize("program", SAVED)
def test_what_another_program_saves_of_an_export_comes_in_unchanged(office: Office, program: str) -> None:
    world = office.world
    tricky(office)
    bookings, marks = kept(world.bookings()), booked_marks(world)
    files = office.export()
    texts = {kind: Path(path).read_bytes().decode() for kind, path in files.items()}
    saved = {kind: office.text(f"{kind}.csv", SAVED[program](text)) for kind, text in texts.items()}
    assert office.run(**saved) == []
    assert all(": 0 written" in line for line in office.output.splitlines())
    empty(world)
    assert office.run(**saved) == []
    assert kept(world.bookings()) == bookings
    assert booked_marks(world) == marks
    again = office.export(folder="again")
    assert [Path(again[kind]).read_bytes() for kind in files] == [Path(files[kind]).read_bytes() for kind in files]


def test_pandas_would_change_an_export_without_guards(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the apostrophe before a text that looks like a number, these tests see the change."""
    monkeypatch.setattr("services.sheets.cells.guarded", lambda text: text)
    tricky(office)
    path = office.export("bookings")["bookings"]
    assert office.run(bookings=office.text("b.csv", saved_by_pandas(Path(path).read_bytes().decode()))) != []


def imported(office: Office, text: str | bytes, **options: Any) -> list[dict[str, Any]]:
    assert office.run(bookings=office.text("b.csv", text), **options) == []
    return office.world.bookings()


def lines(office: Office, separator: str = ",", **changed: Any) -> str:
    row = office.row(**changed)
    return "".join(f"{separator.join(map(str, cells))}\n" for cells in (row.keys(), row.values()))


@pytest.mark.parametrize("cell", ["false", "False", "FALSE", "true", "True", "TRUE", "tRuE", " True "])
def test_a_truth_value_may_be_written_in_any_case(office: Office, cell: str) -> None:
    (made,) = imported(office, lines(office, fallback_used=cell))
    assert made["fallback_used"] is (cell.strip().lower() == "true")


@pytest.mark.parametrize("cell", ["yes", "1", "WAHR", '"true"'])
def test_another_truth_value_is_refused_by_a_sentence_that_names_both(office: Office, cell: str) -> None:
    text = lines(office, fallback_used=cell.replace('"', '""') if '"' not in cell else '"""true"""')
    (problem,) = office.run(bookings=office.text("b.csv", text))
    assert problem.startswith("b.csv:2: fallback_used: Give fallback_used as true or false")


@pytest.mark.parametrize("bare", [",,,,,", "", "   ", ", ,  ,,,", '"","","","","",""', ",,,,,,,"])
def test_a_row_without_anything_in_it_is_passed_over(office: Office, bare: str) -> None:
    first, second = lines(office).splitlines()
    assert len(imported(office, f"{first}\n{bare}\n{second}\n{bare}\n{bare}")) == 1


@pytest.mark.parametrize(("header", "row"), [(",", ""), (",", ","), (",,,", ",,,"), ("", ",,"), (" , ", ", ")])
def test_commas_at_the_end_of_the_header_or_of_a_row_name_no_column(office: Office, header: str, row: str) -> None:
    first, second = lines(office).splitlines()
    assert len(imported(office, f"{first}{header}\n{second}{row}\n")) == 1


def test_a_cell_of_a_column_without_a_name_is_a_fault(office: Office) -> None:
    first, second = lines(office).splitlines()
    head, tail = first.split(",", 1)
    assert office.run(bookings=office.text("b.csv", f"{head},,{tail}\norder,7,{second.split(',', 1)[1]}\n")) == [
        "b.csv:2: Name column 2 in the first line, or leave it out."
    ]
    assert office.run(bookings=office.text("b.csv", f",{first}\na,{second}\n,{second}\n")) == [
        "b.csv:2: Name column 1 in the first line, or leave it out."
    ]


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_the_numbers_that_pandas_gives_to_rows_are_passed_over(office: Office, name: str) -> None:
    first, second = lines(office).splitlines()
    assert len(imported(office, f"{name},{first}\n0,{second}\n")) == 1


@pytest.mark.parametrize("separator", [";", "\t", "|", ", ", ";  "])
def test_other_separators_and_blanks_behind_them_are_read(office: Office, separator: str) -> None:
    (made,) = imported(office, lines(office, separator, description='"The tap, drips; badly"'))
    assert (made["description"], made["customer"]) == ("The tap, drips; badly", {"name": "Alice"})


def test_blanks_behind_commas_of_a_row_alone_are_dropped_where_they_cannot_count(office: Office) -> None:
    columns = [*SIMPLE, "status", "fallback_used", "customer_email", "description"]
    start = rfc3339(tomorrow())
    row = f"a, prop-1 ,\ttech-1, {start}, 60, Alice , confirmed , false,  a@example.com , two blanks  "
    (made,) = imported(office, f"{','.join(columns)}\n{row}\n")
    assert (made["property_id"], made["status"], made["fallback_used"]) == ("prop-1", "confirmed", False)
    assert made["customer"] == {"name": "Alice", "email": "a@example.com"}
    assert made["description"] == " two blanks  "


def test_a_blank_before_a_quote_is_named(office: Office) -> None:
    first, second = lines(office).splitlines()
    text = f'{first},description\n{second}, "The tap, drips"\n'
    (problem,) = office.run(bookings=office.text("b.csv", text))
    assert problem.endswith("this line has 8. Leave out the blanks before the quotes.")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
@pytest.mark.parametrize("separator", [",", "\t"])
def test_utf_16_is_read_as_utf_8_is(office: Office, encoding: str, separator: str) -> None:
    (made,) = imported(office, lines(office, separator, customer_name="Jørgen 漢字 🔧").encode(encoding))
    assert made["customer"]["name"] == "Jørgen 漢字 🔧"


def test_utf_16_that_is_cut_off_or_broken_is_named(office: Office) -> None:
    whole = lines(office).encode("utf-16")
    with pytest.raises(Unreadable, match=r"b\.csv is not whole UTF-16\. Save it as UTF-8\."):
        office.run(bookings=office.text("b.csv", whole[:-1]))
    broken = lines(office, customer_name="J\ud800").encode("utf-16", "surrogatepass")
    assert office.run(bookings=office.text("b.csv", broken)) == ["b.csv:2: customer_name: Give this cell in UTF-8."]


@pytest.mark.parametrize(("cell", "phone"), [("4512345678.0", "4512345678"), ("'0123456", "0123456"), ("0123", "0123")])
def test_a_phone_that_became_a_number_is_mended(office: Office, cell: str, phone: str) -> None:
    (made,) = imported(office, lines(office, customer_phone=cell))
    assert made["customer"]["phone"] == phone


def test_a_phone_that_a_spreadsheet_cut_off_is_refused(office: Office) -> None:
    (problem,) = office.run(bookings=office.text("b.csv", lines(office, customer_phone="4.51235E+11")))
    assert "customer_phone: " in problem


def test_line_breaks_of_another_kind_are_no_change(office: Office) -> None:
    office.book(office.row(description="one\r\ntwo\rthree"))
    assert office.book(office.row(description="one\ntwo\nthree")) == []
    assert office.output.strip() == "bookings: 0 written, 1 there already"
    assert len(office.book(office.row(description="one two three"))) == 1


def test_numbers_with_a_point_are_whole_numbers(office: Office) -> None:
    (made,) = imported(office, lines(office, duration_minutes="60.0", version="2.0", token_generation="1.0"))
    assert (made["duration_minutes"], made["version"], made["token_generation"]) == (60, 2, 1)


def test_an_export_of_visits_to_what_was_removed_since_comes_in(office: Office) -> None:
    world = office.world
    fill(world)
    past = rfc3339(tomorrow() - timedelta(days=500))
    office.book(office.row(start=past, property_id="prop-3", technician_id="tech-3"))
    office.book(
        office.row(reference="ahead", property_id="prop-2", technician_id="tech-3", start=rfc3339(tomorrow(20)))
    )
    world.services.upkeep.remove_property(world.org, "prop-3")
    bookings = kept(world.bookings())
    files = office.export()
    empty(world)
    assert office.run(**files) == []
    assert kept(world.bookings()) == bookings
    world.services.db["properties"].delete_one({"org": world.org, "id": "prop-2"})
    world.services.db["bookings"].delete_many({"org": world.org})
    problems = office.run(bookings=files["bookings"])
    assert problems
    assert all("there is no property prop-2" in problem for problem in problems)
    unnamed = office.row(reference="", start=past, property_id="prop-3")
    assert "there is no property prop-3" in office.book(unnamed)[0]
