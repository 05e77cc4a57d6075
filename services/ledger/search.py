"""The search fields of a booking, and what a search asks of them.

A booking's document has `search`: `keys`, by which the index finds it; `name`, the words of the customer's name, each
behind a blank; `phones`, the digits of each spelling of the phone. A customer's document has the same, and `emails`, of
which beginnings of ADDRESS_LENGTHS are keys. Keys are the beginnings of the words up to LONGEST_KEY letters, for two
words their first letters together, the last digits of the phones, and the ids of the booking and the property. Behind a
key the index has status and start, so a search reads the bookings of its key in order. Where the text says more than
the key, it is compared with `name` and `phones`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, Final

from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection

from models.contacts import e164, phone_digits, plain_phone, without_extension
from models.fields import ID_PATTERN
from services.ledger.filling import fill_in
from services.ledger.persons import ERASED
from services.stores.connections import Document

LONGEST_KEY: Final = 6
ADDRESS_LENGTHS: Final = (*range(1, 13), 16, 20, 24, 32, 48)
"""Beginnings of an e-mail address that are keys: all short ones, and long ones because many begin alike."""
LAST_DIGITS: Final = 4
LONGEST_PAIR: Final = 2
LONGEST_PAIR_OF_CUSTOMERS: Final = 4
"""First letters of two words that are a key together. A customer is written once and looked for often."""
MOST_WORDS: Final = 8
"""Of a name or a query. A name of more words is found by the first of them."""

BY_SEARCH = IndexModel(
    [(name, ASCENDING) for name in ("org", "search.keys", "status", "start", "_id")], name="by_search"
)
BY_NO_SEARCH = IndexModel([("search", ASCENDING)], name="by_no_search", partialFilterExpression={"search": None})
"""Of documents that an earlier release wrote."""

_APOSTROPHES = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_WORD = re.compile(r"[^\W_]+")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
"""Letters that Unicode does not take apart into a plain one and an accent."""
_LETTER = re.compile(r"[^\W\d_]")
_ID = re.compile(ID_PATTERN)


def words_of(text: str) -> list[str]:
    """The words of a name without case and accents."""
    apart = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text)).casefold()
    plain = "".join(each for each in apart if not unicodedata.combining(each)).translate(_LETTERS)
    return _WORD.findall(plain)[:MOST_WORDS]


def search_fields(booking_id: str, property_id: str, customer: dict[str, Any]) -> Document:
    """What a booking is found by. An erased person leaves nothing."""
    name = "" if customer["name"] == ERASED else customer["name"]
    fields = _fields(name, [customer[field] for field in ("phone", "phone_e164") if customer.get(field)], LONGEST_PAIR)
    return {**fields, "keys": sorted({*fields["keys"], _id_key(booking_id), _id_key(property_id)})}


def customer_search_fields(name: str, phones: Sequence[str], emails: Sequence[str]) -> Document:
    """What a customer is found by. emails: in small letters."""
    fields = _fields(name, phones, LONGEST_PAIR_OF_CUSTOMERS)
    keys = {_address_key(email[:length]) for email in emails for length in ADDRESS_LENGTHS if length <= len(email)}
    return {**fields, "keys": sorted({*fields["keys"], *keys}), "emails": list(emails)}


def _fields(name: str, numbers: Sequence[str], longest_pair: int) -> Document:
    words, phones = words_of(name), list(dict.fromkeys(map(phone_digits, numbers)))
    keys = {_word_key(word[:length]) for word in words for length in range(1, LONGEST_KEY + 1)}
    keys |= {_pair_key(pair, length) for pair in combinations(words, 2) for length in range(1, longest_pair + 1)}
    keys |= {_phone_key(phone) for phone in phones if len(phone) >= LAST_DIGITS}
    return {"keys": sorted(keys), "name": "".join(f" {word}" for word in words), "phones": phones}


def search_filter(text: str) -> Document:
    """Matches the bookings that a text finds: by keys of the index, and by all of the text."""
    return _matching(*_by_id(text.strip()), *_by_phone(plain_phone(text)), *_by_name(text, LONGEST_PAIR))


def customer_search_filter(text: str) -> Document:
    """Matches the customers that a text finds, as `search_filter`. With an @ a text is an e-mail address alone."""
    address = _by_address(text.strip().casefold())
    if "@" in text:
        return _matching(*address)
    return _matching(*address, *_by_phone(plain_phone(text)), *_by_name(text, LONGEST_PAIR_OF_CUSTOMERS))


def _matching(*ways: tuple[str, Document]) -> Document:
    """ways: each a key, and what a document with it has to match besides."""
    if not ways:
        return {"search.keys": {"$in": []}}
    found = dict(ways)
    return {"search.keys": {"$in": list(found)}, "$and": [{"$or": list(found.values())}]}


def _by_id(text: str) -> Iterator[tuple[str, Document]]:
    if _ID.match(text):
        yield _id_key(text), {"$or": [{"_id": text}, {"property_id": text}]}


def _by_phone(text: str) -> Iterator[tuple[str, Document]]:
    """A national number may begin with a zero that an international one leaves out."""
    digits = phone_digits(text)
    if len(digits) < LAST_DIGITS or _LETTER.search(without_extension(text)):
        return
    spellings = {digits, digits.lstrip("0"), (e164(text, None) or "").lstrip("+")}
    whole = "|".join(sorted(each for each in spellings if len(each) >= LAST_DIGITS))
    yield _phone_key(digits), {"search.phones": {"$regex": f"({whole})$"}}


def _by_name(text: str, longest_pair: int) -> Iterator[tuple[str, Document]]:
    """MongoDB enters the index at one key. Of several words the longest mostly are the rarest."""
    words = sorted(words_of(text), key=len, reverse=True)
    if words:
        beginnings = [{"search.name": {"$regex": f" {word}"}} for word in words]
        key = _word_key(words[0]) if len(words) == 1 else _pair_key(words[:2], min(longest_pair, len(words[1])))
        yield key, {"$and": beginnings}


def _by_address(text: str) -> Iterator[tuple[str, Document]]:
    """Of the addresses that begin with this text none is greater than it with the last of all characters behind."""
    if text:
        beginning = {"$gte": text, "$lte": text + "\U0010ffff"}
        yield _address_key(text), {"search.emails": {"$elemMatch": beginning}}


def _word_key(word: str) -> str:
    return f"n:{word[:LONGEST_KEY]}"


def _pair_key(words: Sequence[str], length: int) -> str:
    """Of two words, in whatever order, by so many letters of each."""
    one, other = sorted(word[:length] for word in words)
    return f"{length}:{one}:{other}"


def _phone_key(digits: str) -> str:
    return f"t:{digits[-LAST_DIGITS:]}"


def _address_key(email: str) -> str:
    return f"e:{email[: max(each for each in ADDRESS_LENGTHS if each <= len(email))]}"


def _id_key(name: str) -> str:
    return f"i:{name}"


def fill_in_search(bookings: Collection[Document]) -> None:
    """Gives search fields to documents that an earlier release wrote. The collection has the index by_no_search."""
    fill_in(bookings, "search", lambda each: search_fields(each["_id"], each["property_id"], each["customer"]))
