"""What other programs make of a CSV file that they open and save: the habits of pandas and of spreadsheets.

Both guess what a column or a cell is. So they change a text that looks like a number, a truth value or nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

MISSING = frozenset({"", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NULL", "null", "NaN", "nan", "-nan", "None"})
NUMBERS_SHOWN_WHOLE = 10**11
"""A spreadsheet shows, and then saves, larger numbers as 4.51235E+11."""


def saved_by_pandas(text: str) -> str:
    """`read_csv` and `to_csv` without options: the type of a column is the one that fits all of its cells."""
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    columns = [_column([row[number] for row in rows]) for number in range(len(header))]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["", *header])
    writer.writerows([number, *cells] for number, cells in enumerate(zip(*columns, strict=True)))
    return out.getvalue()


def _column(cells: Sequence[str]) -> list[str]:
    known = [cell for cell in cells if cell not in MISSING]
    gaps = len(known) < len(cells)
    if known and all(cell in {"True", "TRUE", "true", "False", "FALSE", "false"} for cell in known):
        return ["" if cell in MISSING else cell.capitalize() for cell in cells]
    try:
        numbers = [float(cell) for cell in known]
    except ValueError:
        return ["" if cell in MISSING else cell for cell in cells]
    whole = known and not gaps and all(cell.lstrip("-").isdecimal() for cell in known)
    shown = iter(str(int(number)) if whole else str(number) for number in numbers)
    return ["" if cell in MISSING else next(shown) for cell in cells]


def saved_by_a_spreadsheet(text: str) -> bytes:
    """Where lists are separated by semicolons, as "CSV UTF-8"."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows([[_shown(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""))])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def saved_as_unicode_text(text: str) -> bytes:
    """UTF-16 with tabs, an empty column and empty rows at the end, as a sheet has them that was edited there."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t", lineterminator="\r\n")
    wide = [[*map(_shown, row), ""] for row in rows]
    writer.writerows([*wide, *[[""] * len(wide[0])] * 2])
    return out.getvalue().encode("utf-16")


def _shown(cell: str) -> str:
    if cell.lower() in ("true", "false"):
        return cell.upper()
    try:
        number = float(cell.replace(",", "."))
    except ValueError:
        return cell
    return f"{number:.0f}" if number.is_integer() and abs(number) < NUMBERS_SHOWN_WHOLE else f"{number:.5E}"
