"""What a list of the catalogue is asked for, as a filter of MongoDB's. Pure.

A search reads the documents of the org in the order of their ids until the page is full.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from models.catalogue import ResourceStatus
from services.stores.connections import Document

MOST_WORDS = 8
_ACCENTS = "[\u0300-\u036f]*"
_BEFORE_A_WORD = "(?:^|[\\s\\-_.,;:/\\\\()&+#'\"\u2010-\u201f])" + _ACCENTS
_LETTERS = {"ø": "o", "ð": "d", "đ": "d", "ł": "l", "ı": "i", "ħ": "h"}
"""Letters with a stroke, which Unicode does not take apart, and what people type for them."""
_ALPHABETS = (range(0xC0, 0x250), range(0x370, 0x530), range(0x1E00, 0x2000))
"""Latin, Greek and Cyrillic letters."""


def list_filter(status: ResourceStatus | None, q: str | None, fields: Iterable[str]) -> Document:
    """What a document matches: the status, and each word of q at the beginning of a word of one of the fields.

    Case and accents do not count. Of q the first MOST_WORDS words count.
    """
    wanted: Document = {} if status is None else {"status": status}
    words = (q or "").split()[:MOST_WORDS]
    names = tuple(fields)
    if words:
        wanted["$and"] = [{"$or": [_begins(name, word) for name in names]} for word in words]
    return wanted


def _begins(field: str, word: str) -> Document:
    letters = (_plain(letter) for letter in word.lower())
    return {field: {"$regex": _BEFORE_A_WORD + "".join(map(_spellings, letters)), "$options": "i"}}


def _plain(letter: str) -> str:
    """A small letter without accents; nothing for an accent that stands alone."""
    apart = unicodedata.normalize("NFD", letter)
    if _is_accent(apart[0]):
        return ""
    return _LETTERS.get(letter, apart[0] if apart[1:] and all(map(_is_accent, apart[1:])) else letter)


def _is_accent(character: str) -> bool:
    return "\u0300" <= character <= "\u036f"


def _spellings(letter: str) -> str:
    """A pattern of one letter, with any accent."""
    known = _accented().get(letter)
    return (f"[{letter}{known}]" if known else re.escape(letter)) + _ACCENTS


@cache
def _accented() -> dict[str, str]:
    """The letters with an accent or a stroke, by the plain letter."""
    found: dict[str, str] = {}
    for letter in (chr(code) for alphabet in _ALPHABETS for code in alphabet):
        plain = _plain(letter.lower()) if len(letter.lower()) == 1 else ""
        if plain.isalpha() and plain != letter.lower():
            found[plain] = found.get(plain, "") + letter
    return found
