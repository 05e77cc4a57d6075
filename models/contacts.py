"""Phone numbers and e-mail addresses as people type and paste them.

What cannot be seen is dropped, and special blanks and dashes become plain ones. Otherwise a phone is kept as it was
typed, because the customer knows how to dial it. Whether a number or an address is in use is not asked.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
)
from pydantic import AfterValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from models.fields import INVISIBLE, NoneIfBlank

LONGEST_PHONE = 64
LONGEST_EMAIL = 254

_DIGITS = frozenset("0123456789")
_UNSEEN = re.compile(rf"[{INVISIBLE}\U000e0100-\U000e01ef]")
_TELEPHONE = re.compile(r"\Atel(?:[.:]|\b)\s*", re.IGNORECASE)
_EXTENSION = re.compile(r"[\s,;.]*(?:extension|extn?|x|#|poste|anexo|доб)[\s.:=]*([0-9]{1,8})#?\Z", re.IGNORECASE)
_SPREADSHEET = re.compile(r"(\+?[0-9]{3,15})\.0\Z")
"""A number that a spreadsheet or pandas took for a fraction."""
_EMAIL = re.compile(rf"[^@{INVISIBLE}]+@[^@{INVISIBLE}]+\Z")


def e164(phone: str, country: str | None) -> str | None:
    """A phone as + and all its digits, without an extension; None if that cannot be read.

    country: two letters, of numbers without a country code. 00 counts as +.
    """
    main = without_extension(phone)
    digits = "".join(filter(_DIGITS.__contains__, main))
    abroad = digits.startswith("00") or re.match(r"[^0-9]*\+", main) is not None
    try:
        number = parse(f"+{digits.removeprefix('00')}" if abroad else digits, country)
    except NumberParseException:
        return None
    if is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return format_number(number, PhoneNumberFormat.E164)


def phone_digits(phone: str) -> str:
    """The digits of a phone without its extension, where 00 counts as +: the same for every spelling."""
    return "".join(filter(_DIGITS.__contains__, without_extension(phone))).removeprefix("00")


def without_extension(phone: str) -> str:
    """A phone as it is, up to its extension if there is one."""
    return _EXTENSION.sub("", phone)


def _seen(text: str) -> str:
    """The text without what cannot be seen, with plain blanks, dashes and digits, and without blanks around it."""
    if not text.isascii():
        text = "".join(map(_plain, text))
    return text.strip(" \t\r\n")


def _plain(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Zs", "Zl", "Zp"):
        return " "
    if kind == "Cf" or (kind != "Cc" and _UNSEEN.match(character)):  # such as marks of direction, joiners, selectors
        return ""
    if kind == "Pd" or character == "\u2212":
        return "-"
    if kind == "Nd":
        return str(unicodedata.digit(character))
    return chr(ord(character) - 0xFEE0) if "\uff01" <= character <= "\uff5e" else character


def plain_phone(text: str) -> str:
    """A text without what is not seen and without `tel:` before it, as a phone in it would be kept."""
    return _TELEPHONE.sub("", _seen(text).replace("\t", " "))


def _phone(value: str) -> str:
    text = plain_phone(value)
    if mended := _SPREADSHEET.match(text):
        text = mended[1]
    main = without_extension(text)
    if 3 <= sum(character in _DIGITS for character in main) <= 15 and all(map(_may_stand_in_a_phone, main)):
        return text
    raise PydanticCustomError(
        "bad_phone",
        "Give {field} as 3 to 15 digits, such as +1 555 0100, and then an extension if there is one, such as ext. 5.",
    )


def _may_stand_in_a_phone(character: str) -> bool:
    return character in _DIGITS or character in " +" or unicodedata.category(character).startswith("P")


def _email(value: str) -> str:
    text = _seen(value)
    if _EMAIL.match(text):
        return text
    raise PydanticCustomError(
        "bad_email", "Give {field} as a name and a domain with one @ between them, such as alice@example.com."
    )


def _country(value: str) -> str:
    if value.upper() not in SUPPORTED_REGIONS:
        raise PydanticCustomError("bad_country", "Give {field} as the two letters of a country, such as DK.")
    return value.upper()


def _described(longest: int, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "maxLength": longest, "examples": [example]})


Phone = Annotated[
    str,
    StringConstraints(max_length=LONGEST_PHONE),
    AfterValidator(_phone),
    _described(LONGEST_PHONE, "+1 202 555 0100"),
]
"""3 to 15 digits in any spelling, and an extension if there is one."""

Email = Annotated[
    str,
    StringConstraints(max_length=LONGEST_EMAIL),
    AfterValidator(_email),
    _described(LONGEST_EMAIL, "alice@example.com"),
]

FormPhone = Annotated[Phone | None, NoneIfBlank]
"""A phone of a form, in which a field that was left empty is an empty text."""

FormEmail = Annotated[Email | None, NoneIfBlank]
"""An e-mail address of a form, as FormPhone."""

Country = Annotated[
    str,
    StringConstraints(max_length=2),
    AfterValidator(_country),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z]{2}$", "examples": ["DK"]}),
]
"""The two letters of a country (ISO 3166), in upper case."""
