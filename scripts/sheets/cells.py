"""One cell of a CSV file: a value as text, and back.

A spreadsheet runs a cell that begins with = + - @ (or their wide forms, a tab, a return, a line feed) as a formula. So
export puts an apostrophe before such a cell, and import removes one. Any other apostrophe is ordinary text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_RUNS = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_GUARDED = re.compile("'+[=+\\-@\t\r\n＝＋－＠]")


def guarded(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    return f"'{text}" if _RUNS.match(text) else text


def unguarded(cell: str) -> str:
    """The text of a cell, which may be guarded."""
    return cell[1:] if cell[:1] == "'" and _GUARDED.match(cell) else cell


def written(value: Any) -> str:
    """A value as a cell. None and an empty list are an empty cell."""
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
    """An aware time in UTC, with milliseconds only if there are any."""
    exact = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(UTC).isoformat(timespec=exact).removesuffix("+00:00") + "Z"


def structure(cell: str) -> Any:
    """The JSON value of a cell. Other text stays text, so that the model can report it."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
