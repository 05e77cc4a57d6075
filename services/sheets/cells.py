"""One cell of a CSV file: a value as text, and back.

A spreadsheet runs a cell that begins with = + - @ (or their wide forms, a tab, a return, a line feed) as a formula. It
may also take what follows a semicolon, a tab or a line break inside a cell for a cell of its own, and drop blanks
before the sign. Other programs take a text such as 007, 1E5 or NA for a number or for nothing, and save another one. So
export puts an apostrophe before each such beginning and each such text, and import removes one. Any other apostrophe is
ordinary text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from models.fields import INVISIBLE

_SIGNS = "=+\\-@＝＋－＠"
_RUN = f"(?=['{INVISIBLE}]*[{_SIGNS}])"
_NUMBER = r"[.,]?[0-9][0-9 .,:/-]*(?:e[+-]?[0-9]+)?"
_NO_TEXT = f"(?='*(?i:{_NUMBER}|true|false|#?n/?a|<na>|-?nan|null|none|inf(?:inity)?)\\Z)"
_RUNS = re.compile(f"\\A(?='*[\t\r\n])|\\A{_NO_TEXT}|(?:\\A|(?<=[;\t\r\n])){_RUN}")
_GUARDED = re.compile(f"\\A'(?='*[\t\r\n])|\\A'{_NO_TEXT}|(?:\\A|(?<=[;\t\r\n]))'{_RUN}")


def guarded(text: str) -> str:
    """The text as a cell of which no spreadsheet runs anything, and which no program takes for something else."""
    return _RUNS.sub("'", text)


def unguarded(cell: str) -> str:
    """The text of a cell, which may be guarded."""
    return _GUARDED.sub("", cell)


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
    return guarded(value) if isinstance(value, str) else str(value)


def moment(value: datetime) -> str:
    """An aware time in UTC, with milliseconds only if there are any."""
    exact = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(UTC).isoformat(timespec=exact).removesuffix("+00:00") + "Z"


def structure(cell: str) -> Any:
    """The JSON value of a cell, with true and false in any case. Other text stays text, so that the model can report
    it."""
    try:
        return json.loads(cell.lower() if cell.lower() in ("true", "false") else cell)
    except (ValueError, RecursionError):
        return cell
