"""Texts, ids and times that clients send: what is taken, what is refused."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from models.catalogue import Timezone
from models.contacts import Email
from models.fields import Name, PlainId, ShortText, Text
from models.times import Moment

ANY_TEXT = (Name, Text, ShortText)


def taken(kind: Any, value: str) -> Any:
    return TypeAdapter(kind).validate_python(value, strict=True)


UNSEEN = (
    " ",
    "\u200b",
    "\u00a0\u2060",
    "\u2800",
    "\uffa0",
    "\u17b4",
    "\u180b",
    "\ufe0f",
    "\U000e0001",
    "\U000e0100",
    "\U0001d173",
)


@pytest.mark.parametrize("name", [*UNSEEN, "a\r\nX: y", "a\tb", "a\u2028b"])
def test_a_name_is_one_line_in_which_something_can_be_seen(name: str) -> None:
    with pytest.raises(ValidationError):
        taken(Name, name)


@pytest.mark.parametrize("kind", ANY_TEXT)
@pytest.mark.parametrize(
    "mark", ["\x00", "\x1b[31m", "\x7f", "\x85", "\u202e", "\u2066", "\u206a", "\ufeff", "\ufff9", "\uffff"]
)
def test_no_text_has_characters_that_control_terminals_or_direction(kind: Any, mark: str) -> None:
    with pytest.raises(ValidationError):
        taken(kind, f"Ann{mark}Lee")


@pytest.mark.parametrize(
    "name", ["Jón Þór", "名前", "O'Neil-Smith, Jr.", "x\u200cy", "👩\u200d🔧 Ann", "渡邉\U000e0102", "Ann ❤\ufe0f"]
)
def test_names_of_all_languages_are_kept(name: str) -> None:
    assert taken(Name, name) == name


def test_blanks_and_unseen_characters_around_a_name_are_dropped() -> None:
    assert taken(Name, " \u200b Ann Lee\u00a0\n") == "Ann Lee"


@pytest.mark.parametrize(
    "pasted", ["\u202aAnn Lee\u202c", "\u2068Ann Lee\u2069 ", "\ufeffAnn Lee", "\u202e\u200bAnn Lee"]
)
def test_marks_of_direction_around_a_name_are_dropped(pasted: str) -> None:
    assert taken(Name, pasted) == "Ann Lee"


@pytest.mark.parametrize("unseen", UNSEEN)
def test_a_long_name_takes_no_long_time(unseen: str) -> None:
    began = process_time()
    with pytest.raises(ValidationError):
        taken(Name, f"A{unseen * 60_000}B")
    assert process_time() - began < 0.5


@pytest.mark.parametrize("mark", [" ", "\t", "\x00", "\x7f", "\xa0", "\u200b", "\u202e", "\u2066"])
def test_an_email_address_has_nothing_that_cannot_be_seen(mark: str) -> None:
    """Marks are dropped; a blank or a control inside an address is a fault."""
    for address in (f"an{mark}n@example.com", f"ann@example{mark}.com", f"ann@example.com{mark}"):
        if mark >= "\u200b" or (mark.isspace() and address.endswith(mark)):
            assert taken(Email, address) == "ann@example.com"
            continue
        with pytest.raises(ValidationError):
            taken(Email, address)


def test_email_addresses_of_all_languages_are_taken() -> None:
    assert taken(Email, "jón+x@exämple.is") == "jón+x@exämple.is"


def test_a_description_keeps_its_line_breaks() -> None:
    assert taken(Text, "ring twice\n\tsecond door\r\n") == "ring twice\n\tsecond door\r\n"


@pytest.mark.parametrize("name", [".", "..", "", "a\n", "a/b", "x" * 65])
def test_an_id_is_no_step_of_a_path(name: str) -> None:
    with pytest.raises(ValidationError):
        taken(PlainId, name)


@pytest.mark.parametrize("name", [".a", "a..", "..a", "...", "-", "x" * 64, "." * 64])
def test_dots_within_an_id_are_fine(name: str) -> None:
    assert taken(PlainId, name) == name


@pytest.mark.parametrize("time", ["+05:75", "+24:00", ".000000001Z", ".1234567Z"])
def test_an_offset_exists_and_a_fraction_can_be_kept(time: str) -> None:
    with pytest.raises(ValidationError):
        taken(Moment, f"2026-12-05T10:00:00{time}")


@pytest.mark.parametrize("time", ["+05:45", "-12:00", ".000000000Z", ".123456Z"])
def test_every_offset_in_use_is_taken(time: str) -> None:
    assert taken(Moment, f"2026-12-05T10:00:00{time}").tzinfo is not None


@pytest.mark.parametrize("zone", ["right/Europe/Paris", "posix/UTC", "localtime", "posixrules", "Factory", "Mars/Base"])
def test_a_time_zone_is_the_same_on_every_machine(zone: str) -> None:
    with pytest.raises(ValidationError):
        taken(Timezone, zone)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Copenhagen", "Atlantic/Reykjavik", "Pacific/Auckland"])
def test_iana_zones_are_taken(zone: str) -> None:
    assert taken(Timezone, zone) == zone
