"""Cells: no spreadsheet runs an exported cell, and every text is imported unchanged."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.sheets.cells import guarded, moment, unguarded, written

RUN_BY_SPREADSHEETS = "=+-@\t\r\n＝＋－＠"
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.text("'=+-@\t\r\n ;\u200b,\"a＝", max_size=8),
    st.text("'0123456789.,:/eE+- nan", max_size=6),
    st.sampled_from(["true", "TRUE", "'False", "NA", "'n/a", "None", "null", "<NA>", "inf", "-nan", "Infinity"]),
)


@given(TEXTS)
@example("=HYPERLINK(1)")
@example("'=1+1")
@example("\n=1+1")
@example("'\n")
@example("'t Hooft")
@example("''")
@example("boiler;=cmd|' /C calc'!A0;")
@example("a;'=1\t+1\n@x")
@example("a; =1;\xa0+1\n\u200b@x")
@example(" \u200b=1")
def test_every_text_is_read_back_and_none_is_run(text: str) -> None:
    cell = guarded(text)
    assert cell[:1] not in RUN_BY_SPREADSHEETS or not cell
    parts = re.split("[;\t\r\n]", cell)[1:]
    assert not any(part.lstrip(" \xa0\u200b\u3000")[:1] in tuple("=+-@＝＋－＠") for part in [cell, *parts])
    assert unguarded(cell) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "007",
            "1E5",
            "4512345678",
            "451234567890123",
            "12.30",
            "1,5",
            ".5",
            "2026-12-05",
            "3/4",
            "10:30",
            "12 34 56",
        ),
        *("true", "FALSE", "NA", "n/a", "#N/A", "null", "None", "NaN", "<NA>", "inf"),
    ],
)
def test_no_program_takes_a_text_for_a_number_a_truth_value_or_nothing(text: str) -> None:
    assert written(text) == f"'{text}"
    assert unguarded(f"'{text}") == unguarded(text) == text
    assert unguarded(written(f"'{text}")) == f"'{text}"


@pytest.mark.parametrize("text", ["Alice", "10 Main St", "NAME", "nano", "1st", "prop-1", "{}", "5 kr", "a1"])
def test_any_other_text_is_written_as_it_is(text: str) -> None:
    assert written(text) == text


@pytest.mark.parametrize("text", ["+45 12 34 56 78", "'t Hooft", "-", "=1"])
def test_a_cell_without_a_guard_is_read_as_it_is(text: str) -> None:
    assert unguarded(text) == text


@given(TEXTS)
def test_csv_keeps_the_text_of_a_cell(text: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([guarded(text), "end"])
    lines = io.TextIOWrapper(io.BytesIO(file.getvalue().encode()), encoding="utf-8", newline="")
    (row,) = csv.reader(lines, strict=True)
    assert unguarded(row[0]) == text


def test_times_are_written_as_in_the_api_with_their_milliseconds() -> None:
    assert moment(datetime(2026, 12, 5, 10, tzinfo=UTC)) == "2026-12-05T10:00:00Z"
    assert moment(datetime(2026, 12, 5, 10, 0, 0, 123_000, tzinfo=UTC)) == "2026-12-05T10:00:00.123Z"


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, ""), ([], ""), ({}, "{}"), (True, "true"), (False, "false"), (60, "60"), ("60", "'60"), ("-1", "'-1")],
)
def test_plain_values(value: object, cell: str) -> None:
    assert written(value) == cell
