"""One cell of a CSV file: as text, and back to what it means.

A spreadsheet runs a cell that begins with = + - @ (or their wide forms, a tab, a return, a line feed) as a formula. So
export puts an apostrophe before such a cell, and import takes one off again. An apostrophe before anything else is just
itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_RUNS = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_GUARDED = re.compile("'+[=+\\-@\t\r\n＝＋－＠]")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})\Z", re.ASCII)


def guarded(text: str) -> str:
    """Text that no spreadsheet runs."""
    return f"'{text}" if _RUNS.match(text) else text


def unguarded(cell: str) -> str:
    """The text in a cell that may be guarded."""
    return cell[1:] if cell[:1] == "'" and _GUARDED.match(cell) else cell


def written(value: Any) -> str:
    """A value as a cell. Nothing and an empty list are an empty cell."""
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, list | Mapping):
        return json.dumps(value, ensure_ascii=False, default=moment)
    return guarded(str(value))


def moment(value: datetime) -> str:
    """An aware time in UTC; thousandths of a second only where there are any."""
    exact = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(UTC).isoformat(timespec=exact).removesuffix("+00:00") + "Z"


def number(cell: str) -> int | str:
    """A whole number; anything else stays text, for the model to say what is wrong with it."""
    return int(cell) if _WHOLE.match(cell) else cell


def truth(cell: str) -> bool | str:
    return {"true": True, "false": False}.get(cell, cell)


def structure(cell: str) -> Any:
    """JSON; what is none stays text, for the model to say what is wrong with it."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
