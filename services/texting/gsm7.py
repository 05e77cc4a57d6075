"""The characters of a text message, and how many segments it takes. Pure.

A text in the alphabet GSM-7 (3GPP TS 23.038) takes one segment up to 160 characters. A single character outside it,
such as `ú` or an en dash, makes the phone network send the whole text as UTF-16, with 70 characters a segment.
"""

from __future__ import annotations

import unicodedata
from typing import Final

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The characters that take one place, in the order of their codes, without the escape."""
EXTENSION: Final = "\f^{}\\[~]|€"
"""The characters that take two places: an escape, and a code."""

ONE_SEGMENT, LATER_SEGMENT = 160, 153
"""Places in a text of one segment, and in each segment of a longer one, whose header takes the rest."""
ONE_WIDE_SEGMENT, LATER_WIDE_SEGMENT = 70, 67
"""The same in UTF-16, in units of 16 bits."""

_PLACES: Final = {**dict.fromkeys(BASIC, 1), **dict.fromkeys(EXTENSION, 2)}
_SPELLED: Final = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\u2022\u00b7", "-"),
    **dict(zip("ðÐłŁđĐı×\t", "dDlLdDix ", strict=True)),
    **dict(zip("þÞœŒ…", ("th", "Th", "oe", "Oe", "..."), strict=True)),
}
"""Characters outside the alphabet that are spelled with some of it."""


def plain(text: str) -> str:
    """The text in characters of the alphabet alone. An accent that it lacks is left off, and what cannot be spelled
    with it, such as an emoji, is left out."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(each if each in _PLACES else _spelled(each) for each in composed)


def is_plain(text: str) -> bool:
    """Whether the text has characters of the alphabet alone."""
    return all(each in _PLACES for each in text)


def segments(text: str) -> int:
    """How many segments a text takes, which is what the provider charges for. An empty text takes one."""
    if is_plain(text):
        return _count([_PLACES[each] for each in text], ONE_SEGMENT, LATER_SEGMENT)
    return _count([1 if ord(each) < 0x10000 else 2 for each in text], ONE_WIDE_SEGMENT, LATER_WIDE_SEGMENT)


def _spelled(character: str) -> str:
    if character in _SPELLED:
        return _SPELLED[character]
    if unicodedata.category(character) == "Zs":
        return " "
    return "".join(each for each in unicodedata.normalize("NFKD", character) if each in _PLACES)


def _count(widths: list[int], alone: int, later: int) -> int:
    """No segment ends in the middle of a character."""
    if sum(widths) <= alone:
        return 1
    count, used = 1, 0
    for width in widths:
        if used + width > later:
            count, used = count + 1, 0
        used += width
    return count
