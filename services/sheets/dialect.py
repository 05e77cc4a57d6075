"""How a file writes its text and its rows, as its beginning shows: the encoding and the separator. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import NamedTuple

SEPARATORS = (",", ";", "\t", "|")
_NAMELESS = re.compile(r"(Unnamed: \d+)?\Z")


class Dialect(NamedTuple):
    """blanks: whether a blank behind the separator belongs to it."""

    separator: str = ","
    blanks: bool = False


def encoding_of(beginning: bytes) -> str:
    """The encoding of a file: UTF-8, or UTF-16 as spreadsheets save "Unicode text". A header begins with a letter."""
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if 0 in beginning[:2]:
        return "utf-16-be" if beginning[0] == 0 else "utf-16-le"
    return "utf-8-sig"


def dialect_of(header: str, known: Sequence[str]) -> Dialect:
    """The separator that makes the most columns of a header known. A comma where none does.

    Blanks belong to the separator if one stands before each name but the first.
    """
    cells = {separator: header.rstrip("\r\n").split(separator) for separator in SEPARATORS}
    names = {each: sum(cell.strip(' "') in known for cell in found) for each, found in cells.items()}
    separator = max(SEPARATORS, key=lambda each: names[each])
    behind = cells[separator][1:]
    return Dialect(separator, blanks=bool(behind) and all(cell.startswith(" ") for cell in behind))


def is_nameless(name: str) -> bool:
    """Whether a header names no column: with nothing, or as pandas does where it found nothing."""
    return _NAMELESS.match(name) is not None
