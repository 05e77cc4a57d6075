"""What people write for a day and a time: the right moment, or a question. Never a wrong moment."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from services.sms.grammar import Question, When, read

NOW = datetime(2026, 11, 26, 9, 40)  # noqa: DTZ001  # local time: a Thursday morning
THU, FRI, SAT, SUN, MON, TUE = (date(2026, 11, 26 + day) if day < 5 else date(2026, 12, day - 4) for day in range(6))
FIFTH = date(2026, 12, 5)

MOMENTS = {
    "tomorrow at 10": (FRI, time(10)),
    "tomorrow 10am": (FRI, time(10)),
    "tmrw 10": (FRI, time(10)),
    "Tomorrow, 10:00.": (FRI, time(10)),
    "10:00 tomorrow": (FRI, time(10)),
    "tomorrow at ten": (FRI, time(10)),
    "tomorrow @ 10": (FRI, time(10)),
    "tomorrow around 10": (FRI, time(10)),
    "tomorrow 10.30": (FRI, time(10, 30)),
    "tomorrow 10h": (FRI, time(10)),
    "tomorrow 10h30": (FRI, time(10, 30)),
    "tomorrow 10 o'clock": (FRI, time(10)),
    "tomorrow 10 oclock": (FRI, time(10)),
    "tomorrow at 3": (FRI, time(15)),
    "tomorrow 3pm": (FRI, time(15)),
    "tomorrow 3 p.m.": (FRI, time(15)),
    "tomorrow 3:30 PM": (FRI, time(15, 30)),
    "tomorrow 3.30pm": (FRI, time(15, 30)),
    "tomorrow 15:30": (FRI, time(15, 30)),
    "tomorrow 2:30": (FRI, time(14, 30)),
    "tomorrow 2.30": (FRI, time(14, 30)),
    "tomorrow 02:30": (FRI, time(2, 30)),
    "tomorrow 9:30": (FRI, time(9, 30)),
    "tomorrow evening 7:30": (FRI, time(19, 30)),
    "tomorrow 6": (FRI, time(18)),
    "tomorrow 7": (FRI, time(7)),
    "tomorrow 12": (FRI, time(12)),
    "tomorrow noon": (FRI, time(12)),
    "tomorrow at midday": (FRI, time(12)),
    "tomorrow 12pm": (FRI, time(12)),
    "tomorrow half past ten": (FRI, time(10, 30)),
    "tomorrow half past 2": (FRI, time(14, 30)),
    "tomorrow quarter past 10": (FRI, time(10, 15)),
    "tomorrow a quarter to 11": (FRI, time(10, 45)),
    "tomorrow at 5 in the morning": (FRI, time(5)),
    "tomorrow morning at 8": (FRI, time(8)),
    "tomorrow at 8 in the evening": (FRI, time(20)),
    "tomorrow evening 7": (FRI, time(19)),
    "tomorrow afternoon at 2": (FRI, time(14)),
    "tommorow 10:00": (FRI, time(10)),
    "Can you come tomorrow at 3pm please?": (FRI, time(15)),
    "may I come tomorrow at 10": (FRI, time(10)),
    "hi, I'd like a visit on friday at 11 thanks": (FRI, time(11)),
    "day after tomorrow 14:00": (SAT, time(14)),
    "the day after tomorrow at 2": (SAT, time(14)),
    "in 3 days at noon": (SUN, time(12)),
    "in two weeks at 10:00": (date(2026, 12, 10), time(10)),
    "today at 11": (THU, time(11)),
    "today 10 pm": (THU, time(22)),
    "this evening at 6": (THU, time(18)),
    "tonight 8": (THU, time(20)),
    "friday 10:00": (FRI, time(10)),
    "FRI 10:00": (FRI, time(10)),
    "fri, 10am": (FRI, time(10)),
    "on Saturday at 9": (SAT, time(9)),
    "sunday 16:00": (SUN, time(16)),
    "mon 8:15": (MON, time(8, 15)),
    "next monday 9": (MON, time(9)),
    "tues 10": (TUE, time(10)),
    "tuesday next week at 10 am": (TUE, time(10)),
    "next week friday 10:00": (date(2026, 12, 4), time(10)),
    "this friday 10:00": (FRI, time(10)),
    "this week friday 10:00": (FRI, time(10)),
    "wed 13:45": (date(2026, 12, 2), time(13, 45)),
    "5 dec 10:00": (FIFTH, time(10)),
    "5 December 10:00": (FIFTH, time(10)),
    "5th dec 10am": (FIFTH, time(10)),
    "5th of december, 10.30": (FIFTH, time(10, 30)),
    "dec 5 2pm": (FIFTH, time(14)),
    "Dec. 5, 14:00": (FIFTH, time(14)),
    "december 5th at half past ten": (FIFTH, time(10, 30)),
    "december the 5th, 10:00": (FIFTH, time(10)),
    "5 dec 2026 10:00": (FIFTH, time(10)),
    "dec 5, 2026 10:00": (FIFTH, time(10)),
    "sat 5 dec 10:00": (FIFTH, time(10)),
    "saturday the 5th at 10": (FIFTH, time(10)),
    "the 5th at 3": (FIFTH, time(15)),
    "5.12. 10:00": (FIFTH, time(10)),
    "5.12.2026 10:00": (FIFTH, time(10)),
    "05.12.26 10:00": (FIFTH, time(10)),
    "2026-12-05 10:00": (FIFTH, time(10)),
    "2026-12-05T10:00": (FIFTH, time(10)),
    "2026-12-05T10:00:00": (FIFTH, time(10)),
    "25/12 10:00": (date(2026, 12, 25), time(10)),
    "12/25 10:00": (date(2026, 12, 25), time(10)),
    "25/12/2026 10:00": (date(2026, 12, 25), time(10)),
    "25-12-2026 10:00": (date(2026, 12, 25), time(10)),
    "12/12 10:00": (date(2026, 12, 12), time(10)),
    "wednesday the 2nd 10:00": (date(2026, 12, 2), time(10)),
    "wednesday the 9th 10:00": (date(2026, 12, 9), time(10)),
    "5 jan 10:00": (date(2027, 1, 5), time(10)),
    "may 5 10:00": (date(2027, 5, 5), time(10)),
    "31 dec 23:45": (date(2026, 12, 31), time(23, 45)),
    "book tomorrow 10:00": (FRI, time(10)),
    "tomorrow\u00a010:00": (FRI, time(10)),
    "tomorrow \uff11\uff10:\uff10\uff10": (FRI, time(10)),
}

WINDOWS = {
    "tomorrow": (FRI, time.min, time.max),
    "friday": (FRI, time.min, time.max),
    "fri 27": (FRI, time.min, time.max),
    "5 dec": (FIFTH, time.min, time.max),
    "tomorrow morning": (FRI, time(0), time(12)),
    "tonight": (THU, time(17), time(22)),
    "this afternoon": (THU, time(12), time(17)),
    "saturday evening": (SAT, time(17), time(22)),
    "tomorrow after 3pm": (FRI, time(15), time.max),
    "tomorrow after 5": (FRI, time(17), time.max),
    "tomorrow before noon": (FRI, time.min, time(12)),
    "tomorrow until 11:00": (FRI, time.min, time(11)),
    "tomorrow between 9 and 11": (FRI, time(9), time(11)),
    "tomorrow from 9 to 11": (FRI, time(9), time(11)),
    "tomorrow 9-11": (FRI, time(9), time(11)),
    "tomorrow 9:00 - 10:30": (FRI, time(9), time(10, 30)),
    "tomorrow 9 to 1": (FRI, time(9), time(13)),
    "sat 10am to noon": (SAT, time(10), time(12)),
    "tomorrow from 2pm": (FRI, time(14), time.max),
    "mornings": (None, time(0), time(12)),
    "after 5": (None, time(17), time.max),
}

QUESTIONS = {
    "10": "which_day",
    "at 10": "which_day",
    "10:00": "which_day",
    "noon": "which_day",
    "next week": "which_day",
    "next week at 10": "which_day",
    "12/05 10:00": "which_date",
    "5/12 at 14:00": "which_date",
    "05-12-2026 10:00": "which_date",
    "next friday 10": "which_date",
    "thursday 11:00": "which_date",
    "friday 4": "which_time",
    "fri 11": "which_time",
    "tomorrow half ten": "which_time",
    "tomorrow 11am 12pm": "which_time",
    "tomorrow 9am 3 pm": "which_time",
    "tomorrow 15:00 in the morning": "which_time",
    "tomorrow between 11 and 9": "which_time",
    "5-12 10:00": "which_time",
    "sun 5 dec 10:00": "days_differ",
    "friday saturday 10:00": "days_differ",
    "tomorrow 5 dec 10:00": "days_differ",
    "30 feb 10:00": "no_such_day",
    "5/32 10:00": "no_such_day",
    "in 9999 weeks at 10": "no_such_day",
    "5 nov 10:00": "past",
    "today 09:00": "past",
    "2026-11-25 10:00": "past",
    "1 july 10:00": "past",
    "not tomorrow": "unknown",
    "tomorrow, not 10:00": "unknown",
    "tomorrow except 10:00": "unknown",
    "tomorrow or friday 10:00": "unknown",
    "yesterday 10": "unknown",
    "tomorrow 25:00": "unknown",
    "tomorrow 10:75": "unknown",
    "tomorrow 13 pm": "unknown",
    "tomorrow 0am": "unknown",
    "tomorrow 12am": "unknown",
    "tomorrow 1030": "unknown",
    "10.05": "unknown",
    "midnight tomorrow": "unknown",
    "in 2 hours": "unknown",
    "weekend": "unknown",
    "i morgen kl 10": "unknown",
    "a week from friday 10:00": "unknown",
    "mon-fri 10:00": "unknown",
    "every friday 10:00": "unknown",
    "tomorrow 10:00 + 1 hour": "unknown",
    "tomorrow \u00bd 10": "unknown",
    "\U0001f600 tomorrow 10:00": "unknown",
    "friday week 10:00": "unknown",
}


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
    assert len(MOMENTS) + len(WINDOWS) + len(QUESTIONS) >= 150
