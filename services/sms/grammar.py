"""Reads a day and a time of day from a text message. It never guesses: what is not certain becomes a question.

The grammar is closed. Every word has to be known, because a word that is passed over may turn the meaning round. An
hour of one digit from 1 to 6 means the afternoon, and the answer to the customer names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, date, datetime, time, timedelta
from typing import Literal

from services.sms.lexing import ClockTime, Day, Number, Token, Word, bare_hour, tokens
from services.sms.vocabulary import (
    AT_ANY_TIME,
    BEFORE_AN_HOUR,
    CLOCK_WORDS,
    DAYS_OF_WEEK,
    FILLERS,
    PARTS,
    RELATIVE_DAYS,
)

KNOWN = FILLERS | BEFORE_AN_HOUR | PARTS.keys() | {"this"}
UNTIL = tuple(map(Word, ("-", "to", "until", "till")))
BETWEEN_TWO = (*UNTIL, Word("and"))
Doubt = Literal["which_date", "which_day", "which_time", "no_such_day", "days_differ", "past", "unknown"]
DAY_END = time.max
NEXT_YEAR_WITHIN = timedelta(days=200)
"""A date without a year that has passed this year is one of the next year if that is so near."""


@dataclass(frozen=True, slots=True)
class When:
    """What a message says of the start of a visit, by the clock of the property.

    day: None if any. at: the very time. earliest, latest: the start lies in [earliest, latest), where at is None.
    assumed: the hour stood alone. anytime: the first free time is wanted.
    """

    day: date | None = None
    at: time | None = None
    earliest: time = time.min
    latest: time = DAY_END
    assumed: bool = False
    anytime: bool = False

    @property
    def says_nothing(self) -> bool:
        return self == When()


@dataclass(frozen=True, slots=True)
class Question:
    """What is not certain. days: the dates that it may be. word: what is not understood. at: the time that is known."""

    doubt: Doubt
    days: tuple[date, ...] = ()
    word: str = ""
    at: time | None = None


def read(text: str, now: datetime) -> When | Question:
    """The day and time that a message names. now: by the clock of the property, without a zone."""
    reading = _Reading(now)
    try:
        reading.walk(list(tokens(text)))
        return reading.result()
    except _Unsure as unsure:
        return unsure.question


class _Unsure(Exception):
    def __init__(self, question: Question) -> None:
        super().__init__(question.doubt)
        self.question = question


@dataclass
class _Reading:
    """What is known so far of one message."""

    now: datetime
    days: list[tuple[date, ...]] = field(default_factory=list)
    """Each says the dates that it may mean."""
    weekday: int | None = None
    clocks: list[ClockTime] = field(default_factory=list)
    window: tuple[time, time] | None = None
    next_word: bool = False
    next_week: bool = False
    anytime: bool = False

    def walk(self, parts: Sequence[Token]) -> None:
        at = 0
        while at < len(parts):
            at += self._take(parts[at], parts[at + 1 :])

    def _take(self, token: Token, rest: Sequence[Token]) -> int:
        """Takes what begins with a token. Returns how many tokens that is."""
        match token:
            case Day():
                self.days.append(self._dates(token))
            case ClockTime():
                return 1 + self._take_clock(token, rest)
            case Number(ordinal=True):
                self.days.append(self._day_of_month(token.value))
            case Number():
                return 1 + self._take_number(token, rest)
            case Word():
                return 1 + self._take_word(token.text, rest)
        return 1

    def _take_word(self, word: str, rest: Sequence[Token]) -> int:
        if word in RELATIVE_DAYS:
            self.days.append((self._ahead(RELATIVE_DAYS[word]),))
        elif word == "overmorrow":
            self.days.append((self._ahead(2),))
        elif word in DAYS_OF_WEEK:
            self._take_weekday(DAYS_OF_WEEK[word])
        elif word in ("next", "nextweek"):
            self.next_word, self.next_week = self.next_word or word == "next", self.next_week or word == "nextweek"
        elif word in CLOCK_WORDS:
            return self._take_clock(ClockTime(CLOCK_WORDS[word]), rest)
        elif word in ("after", "from", "before", "between", "until", "till"):
            return self._take_window(word, rest)
        elif word in ("half", "quarter"):
            return self._take_fraction(word, rest)
        elif word in BEFORE_AN_HOUR and rest and isinstance(rest[0], Number):
            return 1 + self._take_clock(self._hour(rest[0]), rest[1:])
        elif word in AT_ANY_TIME:
            self.anytime = True
        elif word not in KNOWN:
            raise _Unsure(Question("unknown", word=word))
        if word in PARTS:
            self._set_window(*PARTS[word])
        return 0

    def _take_weekday(self, weekday: int) -> None:
        if self.weekday not in (None, weekday):
            raise _Unsure(Question("days_differ"))
        self.weekday = weekday

    def _take_clock(self, clock: ClockTime, rest: Sequence[Token]) -> int:
        """A time, or two with a dash or `to` between them. Returns how many tokens follow it."""
        if len(rest) > 1 and rest[0] in UNTIL:
            self._set_window(clock.at, self._clock_of(rest[1]).at)
            return 2
        self.clocks.append(clock)
        return 0

    def _take_number(self, number: Number, rest: Sequence[Token]) -> int:
        """A number is an hour, unless `days` or `weeks` follow. With a weekday it may be a day of the month."""
        unit = rest[0].text if rest and isinstance(rest[0], Word) else ""
        if unit in ("day", "days", "week", "weeks"):
            self.days.append((self._ahead(number.value * (7 if unit.startswith("week") else 1)),))
            return 1
        if self.weekday is not None and self._falls_on(number.value, self.weekday):
            if number.value < 24:
                raise _Unsure(Question("which_time"))
            self.days.append(self._day_of_month(number.value))
            return 0
        return self._take_clock(self._hour(number), rest)

    def _take_window(self, word: str, rest: Sequence[Token]) -> int:
        first = self._clock_of(rest[0]) if rest else self._unknown(word)
        if word in ("between", "from") and len(rest) > 2 and rest[1] in BETWEEN_TWO:
            self._set_window(first.at, self._clock_of(rest[2]).at)
            return 3
        if word == "between":
            self._unknown(word)
        self._set_window(*((time.min, first.at) if word in ("before", "until", "till") else (first.at, DAY_END)))
        return 1

    def _take_fraction(self, word: str, rest: Sequence[Token]) -> int:
        """Half past ten, a quarter to eleven. Half ten is not certain: for some it is half past nine."""
        way = rest[0].text if len(rest) > 1 and isinstance(rest[0], Word) else ""
        if way not in ("past", "to") or (word, way) == ("half", "to"):
            raise _Unsure(Question("which_time"))
        minutes = (30 if word == "half" else 15) * (1 if way == "past" else -1)
        clock = self._clock_of(rest[1])
        moved = datetime.combine(self.now.date(), clock.at) + timedelta(minutes=minutes)
        self.clocks.append(ClockTime(moved.time(), clock.assumed))
        return 2

    def result(self) -> When | Question:
        """What all of it means together."""
        several = len({clock.at for clock in self.clocks}) > 1
        if self.clocks and (several or self.anytime or (self.window and not self._in_window())):
            return Question("which_time")  # "at the earliest 10" bounds a time, and names none
        clock = self.clocks[0] if self.clocks else None
        day = self._day(clock)
        if isinstance(day, Question):
            return day
        if clock is not None and day is None:
            return Question("which_day", at=clock.at)
        if clock is not None and day is not None and datetime.combine(day, clock.at) <= self.now:
            return Question("past", days=(day,), at=clock.at)
        earliest, latest = self.window or (time.min, DAY_END)
        if clock is not None:
            return When(day, clock.at, assumed=clock.assumed)
        return When(day, None, earliest, latest, anytime=self.anytime)

    def _in_window(self) -> bool:
        """Whether a time lies in the part of the day that is named with it. An assumed hour follows that part."""
        earliest, latest = self.window or (time.min, DAY_END)
        clock = self.clocks[0]
        other = clock.at.replace(hour=(clock.at.hour + 12) % 24)
        fits = [each for each in (clock.at, other) if earliest <= each < latest]
        if clock.assumed and fits:
            self.clocks = [ClockTime(fits[0])]
        return bool(fits) if clock.assumed else earliest <= clock.at < latest

    def _day(self, clock: ClockTime | None) -> date | Question | None:
        named = self._named_days()
        if not named:
            if self.next_word or self.next_week:
                return Question("which_day", at=clock.at if clock else None)
            return None
        days = sorted(set(named[0]).intersection(*named[1:]))
        if not days:
            return Question("days_differ", days=tuple(sorted({day for each in named for day in each})))
        if len(days) > 1:
            return Question("which_date", days=tuple(days), at=clock.at if clock else None)
        if days[0] < self.now.date():
            return Question("past", days=(days[0],), at=clock.at if clock else None)
        return days[0]

    def _named_days(self) -> list[tuple[date, ...]]:
        today = self.now.date()
        named = list(self.days)
        if self.weekday is None:
            return named
        soonest = self._ahead((self.weekday - today.weekday()) % 7)
        following = self._ahead(7 - today.weekday() + self.weekday)
        if named:
            return [tuple(day for day in each if day.weekday() == self.weekday) for each in named]
        if self.next_week:
            return [(following,)]
        if soonest == today:
            return [(today, today + timedelta(days=7))]
        return [tuple({soonest, following}) if self.next_word else (soonest,)]

    def _dates(self, day: Day) -> tuple[date, ...]:
        ways = [(day.day, day.month), (day.month, day.day)] if day.either else [(day.day, day.month)]
        return tuple(self._date(number, month, day.year) for number, month in ways)

    def _date(self, day: int, month: int, year: int | None) -> date:
        today = self.now.date()
        try:
            if year is not None:
                return date(year, month, day)
            this_year = date(today.year, month, day)
            if this_year >= today:
                return this_year
            later = date(today.year + 1, month, day)
        except ValueError:
            raise _Unsure(Question("no_such_day")) from None
        return later if later - today <= NEXT_YEAR_WITHIN else this_year

    def _day_of_month(self, day: int) -> tuple[date, ...]:
        """The next date with this number."""
        if not (found := [each for each in map(self._ahead, range(62)) if each.day == day]):
            raise _Unsure(Question("no_such_day"))
        return (found[0],) if self.weekday is None else tuple(found)

    def _falls_on(self, day: int, weekday: int) -> bool:
        """Whether this day of a month is such a weekday within the next three months."""
        return any((each.day, each.weekday()) == (day, weekday) for each in map(self._ahead, range(92)))

    def _ahead(self, days: int) -> date:
        if days > 3660 or self.now.year + 11 > MAXYEAR:
            raise _Unsure(Question("no_such_day"))
        return self.now.date() + timedelta(days=days)

    def _clock_of(self, token: Token) -> ClockTime:
        match token:
            case ClockTime():
                return token
            case Number(ordinal=False):
                return self._hour(token)
            case Word(text) if text in CLOCK_WORDS:
                return ClockTime(CLOCK_WORDS[text])
            case Word(text):
                return self._unknown(text)
        raise _Unsure(Question("which_time"))

    def _hour(self, number: Number) -> ClockTime:
        return bare_hour(number.value) or self._unknown(str(number.value))

    def _set_window(self, earliest: time, latest: time) -> None:
        """Starts lie in [earliest, latest), and in what was said before."""
        if self.window is not None:
            earliest, latest = max(earliest, self.window[0]), min(latest, self.window[1])
        if earliest >= latest:
            raise _Unsure(Question("which_time"))
        self.window = (earliest, latest)

    def _unknown(self, word: str) -> ClockTime:
        raise _Unsure(Question("unknown", word=word))
