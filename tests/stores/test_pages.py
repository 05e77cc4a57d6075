"""A cursor gives back what it was made of, and any other text is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.errors import InvalidRequest
from models.fields import ID_PATTERN
from services.stores.pages import read_cursor, write_cursor

PARTS = st.lists(st.from_regex(re.compile(ID_PATTERN.replace("$", r"\Z"))), min_size=1, max_size=3)


@given(PARTS)
def test_a_cursor_gives_back_its_parts(parts: list[str]) -> None:
    assert read_cursor(write_cursor(*parts), len(parts)) == parts


@given(PARTS, st.integers(1, 4))
def test_the_cursor_of_another_list_is_refused(parts: list[str], count: int) -> None:
    assume(count != len(parts))
    with pytest.raises(InvalidRequest):
        read_cursor(write_cursor(*parts), count)


@given(st.text() | st.text("ABCab01-_=~", max_size=12), st.integers(1, 2))
def test_a_text_is_refused_or_is_the_very_cursor_of_its_parts(text: str, count: int) -> None:
    try:
        parts = read_cursor(text, count)
    except InvalidRequest:
        return
    assert write_cursor(*parts) == text


@pytest.mark.parametrize("text", ["", "!!!", "é", "cHJvcC0xMDE=", "cHJv cC0xMDE", "AAAA", "cHJvcC0xCg", "a" * 500])
def test_a_text_that_no_list_gave_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_cursor(text, 1)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("cursor", "bad_cursor")]
