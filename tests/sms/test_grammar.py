"""What people write for a day and a time: the right moment, or a question. Never a wrong moment."""

from __future__ import annotations

from datetime import date, time

import pytest

from services.sms.grammar import Question, When, read
from tests.sms.phrases import MOMENTS, NOW, QUESTIONS, WINDOWS


@pytest.mark.parametrize("text", MOMENTS)
def test_a_moment_is_read(text: str) -> None:
    found = read(text, NOW)
    assert isinstance(found, When), found
    assert (found.day, found.at) == MOMENTS[text]


@pytest.mark.parametrize("text", WINDOWS)
def test_a_day_or_a_part_of_it_is_read(text: str) -> None:
    found = read(text, NOW)
    assert isinstance(found, When), found
    assert (found.day, found.at, found.earliest, found.latest) == (WINDOWS[text][0], None, *WINDOWS[text][1:])


@pytest.mark.parametrize("text", QUESTIONS)
def test_what_is_not_certain_is_asked(text: str) -> None:
    found = read(text, NOW)
    assert isinstance(found, Question), found
    assert found.doubt == QUESTIONS[text]


@pytest.mark.parametrize("text", ["asap", "as soon as possible", "any time", "next available", "soonest please"])
def test_any_time_may_be_wanted(text: str) -> None:
    found = read(text, NOW)
    assert isinstance(found, When)
    assert found.anytime
    assert found.day is None


@pytest.mark.parametrize(("text", "assumed"), [("tomorrow 3", True), ("tomorrow at 10", True), ("tomorrow 3pm", False)])
def test_an_hour_that_stands_alone_is_marked(text: str, assumed: bool) -> None:
    found = read(text, NOW)
    assert isinstance(found, When)
    assert found.assumed is assumed


def test_a_question_of_two_dates_names_both() -> None:
    found = read("12/05 10:00", NOW)
    assert isinstance(found, Question)
    assert (found.days, found.at) == ((date(2026, 12, 5), date(2027, 5, 12)), time(10))


def test_there_are_many_phrases() -> None:
    assert len(MOMENTS) + len(WINDOWS) + len(QUESTIONS) >= 240
