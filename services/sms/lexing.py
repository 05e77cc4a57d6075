"""Cuts a text message into days, times of day, numbers and words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import time

from services.sms.vocabulary import MONTHS, NUMBERS


@dataclass(frozen=True, slots=True)
class Day:
    """A date as written; without a year it is the next one. either: day and month may be the other way round."""

    day: int
    month: int
    year: int | None = None
    either: bool = False


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day. assumed: the hour stood alone, so it is taken for one of the day."""

    at: time
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A bare number. ordinal: it was written as 5th."""

    value: int
    ordinal: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A word or a sign."""

    text: str


Token = Day | ClockTime | Number | Word
_Match = re.Match[str]


def bare_hour(hour: int) -> ClockTime | None:
    """The time that an hour without am or pm means: 1 to 6 are afternoon, 7 to 12 are not. None above 23."""
    if hour > 23:
        return None
    return ClockTime(time(hour + 12 if 1 <= hour <= 6 else hour), assumed=1 <= hour <= 12)


def tokens(text: str) -> Iterator[Token]:
    """The parts of a message, in order. What cannot be read is a word of its own, which no grammar knows."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    for pattern, instead in _PHRASES:
        plain = pattern.sub(instead, plain)
    at = 0
    while at < len(plain):
        for pattern, make in _RULES:
            if found := pattern.match(plain, at):
                token = make(found)
                at = found.end()
                if token is not None:
                    yield token
                break


def _nothing(_found: _Match) -> None:
    return None


def _word(found: _Match) -> Token:
    return Number(NUMBERS[found[0]]) if found[0] in NUMBERS else Word(found[0])


def _day_in_words(found: _Match) -> Token:
    year = found["year"]
    return Day(int(found["day"]), MONTHS[found["month"]], int(year) if year else None)


def _day_in_figures(found: _Match) -> Token:
    """Day and month, in the order that a full stop has in Europe; else in either order where both are possible."""
    first, second, year = int(found[1]), int(found[3]), found[4]
    whole = int(year) + (2000 if len(year) == 2 else 0) if year else None
    if found[2] == "." or first > 12:
        return Day(first, second, whole)
    if second > 12:
        return Day(second, first, whole)
    return Day(first, second, whole, either=first != second)


def _half_day(found: _Match) -> Token:
    """12 am is not read, because it stands for either end of a day."""
    hour, minute = int(found[1]), int(found[2] or 0)
    if not 1 <= hour <= 12 or minute > 59 or (hour == 12 and found[3] == "a"):
        return Word(found[0])
    return ClockTime(time(hour % 12 + (12 if found[3] == "p" else 0), minute))


def _clock(found: _Match) -> Token:
    """2:30 is in the afternoon, as 2 is. 02:30 is at night."""
    hour, minute = int(found[1]), int(found[2])
    if hour > 23 or minute > 59:
        return Word(found[0])
    alone = bare_hour(hour) if len(found[1]) == 1 else None
    return ClockTime(alone.at.replace(minute=minute), alone.assumed) if alone else ClockTime(time(hour, minute))


def _clock_or_day(found: _Match) -> Token:
    """10.30 is a time because there is no month 30; 10.05 may be the tenth of May."""
    hour, second = int(found[1]), int(found[2])
    if 1 <= second <= 12 and 1 <= hour <= 31:
        return Word(found[0])
    return _clock(found)


def _hour(found: _Match) -> Token:
    return bare_hour(int(found[1])) or Word(found[0])


_MONTH = "(?P<month>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>\d\d?)(?:st|nd|rd|th)?\b"
_YEAR = r"(?:,?\s*(?P<year>20\d\d)\b)?"
_ALONE = r"(?![:.]\d|\s*[ap]\.?m\b|h)"
"""Behind a number that is no part of a time."""

_RULES: tuple[tuple[re.Pattern[str], Callable[[_Match], Token | None]], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"[\s,;!?()\"']+|\.(?!\d)|:(?!\d)", _nothing),
        (r"(20\d\d)-(\d\d?)-(\d\d?)(?!\d)t?", lambda found: Day(int(found[3]), int(found[2]), int(found[1]))),
        (r"(\d\d?)([./-])(\d\d?)\2(20\d\d|\d\d)(?!\d)", _day_in_figures),
        (r"(\d\d?)(\.)(\d\d?)()\.(?!\d)", _day_in_figures),
        (r"(\d\d?)(/)(\d\d?)()(?![\d/])", _day_in_figures),
        (rf"{_DAY}\.?\s*(?:of\s+)?{_MONTH}{_YEAR}", _day_in_words),
        (rf"{_MONTH}\s*(?:the\s+)?{_DAY}{_ALONE}{_YEAR}", _day_in_words),
        (r"(\d\d?)(?:[:.](\d\d))?\s*([ap])\.?m\b\.?", _half_day),
        (r"(\d\d?)[:h](\d\d)(?::\d\d)?(?!\d)", _clock),
        (r"(\d\d?)\.(\d\d)(?!\d)", _clock_or_day),
        (r"(\d\d?)(?:\s*o'?\s?clock|h|-?ish)\b", _hour),
        (r"(\d\d?)(?:st|nd|rd|th)\b", lambda found: Number(int(found[1]), ordinal=True)),
        (r"(\d{1,6})(?![\w:])", lambda found: Number(int(found[1]))),
        (r"@|[^\W\d_]+(?:'[^\W\d_]+)*", _word),
        (r"[-\u2010-\u2015]", lambda _found: Word("-")),
        (r"\S+", lambda found: Word(found[0])),
    )
)
_PHRASES = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\bday after (?:tomorrow|tmrw|tmr|tmw)\b", "overmorrow"),
        (r"\bnext week\b", "nextweek"),
        (r"\bthis week\b", " "),
        (r"\bthis (?=morning|afternoon|evening)", "today "),
        (r"\b([ap])\.\s?m\b\.?", r"\1m"),
        (r"\bas soon as possible\b|\bnext (?:available|free)\b|\bany ?time\b", "asap"),
    )
)
