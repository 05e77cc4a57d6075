"""The alphabet of text messages, and the count of their segments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.texting.gsm7 import BASIC, EXTENSION, is_plain, plain, segments

ALPHABET = st.text(st.sampled_from(BASIC + EXTENSION), max_size=700)


def test_the_alphabet_has_its_127_characters_and_ten_more() -> None:
    assert (len(BASIC), len(set(BASIC)), len(set(EXTENSION))) == (127, 127, 10)
    assert not set(BASIC) & set(EXTENSION)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("Jón Þórður", "Jon Thordur"),
        ("Bókunin þín er staðfest", "Bokunin thin er stadfest"),
        ("Æble, øl og å – 10–12", "Æble, øl og å - 10-12"),
        ("“Café” … it’s", '"Café" ... it\'s'),
        ("10\u00a0kr \u202f5 €", "10 kr  5 €"),
        ("e\u0301te\u0301", "été"),
        ("½ ﬁ Ⅳ", "12 fi IV"),
        ("🔧 ok", " ok"),
        ("", ""),
    ],
)
def test_what_is_outside_the_alphabet_is_spelled_with_it(text: str, spelled: str) -> None:
    assert plain(text) == spelled


@given(st.text(max_size=200))
def test_every_text_becomes_plain_and_stays_so(text: str) -> None:
    once = plain(text)
    assert is_plain(once)
    assert plain(once) == once


@given(ALPHABET)
def test_a_plain_text_is_not_touched(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the escape and its code do not part
        ("ú" + "a" * 69, 1),
        ("ú" + "a" * 70, 2),
        ("ú" + "a" * 133, 2),
        ("ú" + "a" * 134, 3),
        ("🔧" * 35, 1),
        ("🔧" * 36, 2),
        ("🔧" * 67, 3),
    ],
)
def test_segments_are_counted_as_the_network_does(text: str, count: int) -> None:
    assert segments(text) == count


@given(ALPHABET)
def test_the_segments_hold_the_text_and_none_is_empty(text: str) -> None:
    places = sum(2 if each in EXTENSION else 1 for each in text)
    count = segments(text)
    if places <= 160:
        assert count == 1
    else:
        # Each segment but the last loses at most one place to a character that does not fit.
        assert 152 * (count - 1) < places <= 153 * count


@given(st.text(max_size=300), st.text(max_size=20))
def test_a_longer_text_never_takes_fewer_segments(text: str, more: str) -> None:
    assert segments(text) <= segments(text + more)


@given(st.text(max_size=300))
def test_a_plain_text_never_takes_more_segments_than_the_same_length_in_utf_16(text: str) -> None:
    wide = "ú" + plain(text)
    assert segments(plain(text)) <= segments(wide)
