"""The words that the grammar of days and times knows. A message with any other word gets a question."""

from __future__ import annotations

from datetime import time

from models.working_hours import WEEKDAYS

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

MONTHS = {word: number for number, name in enumerate(_MONTHS, 1) for word in (name, name[:3])} | {"sept": 9}
DAYS_OF_WEEK = {word: number for number, name in enumerate(_DAYS) for word in (name, name[:3])} | {
    "tues": 1,
    "wednes": 2,
    "thur": 3,
    "thurs": 3,
}
SHORT_DAYS = tuple(day.capitalize() for day in WEEKDAYS)
SHORT_MONTHS = tuple(name[:3].capitalize() for name in _MONTHS)

NUMBERS = {
    word: number
    for number, word in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
        1,
    )
}

RELATIVE_DAYS = {
    "today": 0,
    "tonight": 0,
    "tomorrow": 1,
    "tomorow": 1,
    "tommorow": 1,
    "tommorrow": 1,
    "tmrw": 1,
    "tmr": 1,
    "tmw": 1,
}

PARTS = {
    "morning": (time(0), time(12)),
    "mornings": (time(0), time(12)),
    "forenoon": (time(0), time(12)),
    "afternoon": (time(12), time(17)),
    "afternoons": (time(12), time(17)),
    "evening": (time(17), time(22)),
    "evenings": (time(17), time(22)),
    "tonight": (time(17), time(22)),
}
"""A part of the day -> the starts that lie in it: from the first time, before the second."""

CLOCK_WORDS = {"noon": time(12), "midday": time(12)}

AT_ANY_TIME = frozenset({"asap", "soonest", "earliest", "anytime", "whenever", "any", "first", "soon"})

BEFORE_AN_HOUR = frozenset({"at", "@", "around", "about", "approx", "ca", "circa", "kl"})

FILLERS = frozenset(
    """
    a an the on of in for please pls plz thanks thank you thx ty hi hello hey dear i id i'd would like can could come
    book want need visit appointment slot time is ok okay fine great best me my it its it's that be do does work works
    if possible free available then with someone somebody there let's lets make so may day date
    """.split()  # noqa: SIM905  # a list of sixty strings is no easier to read
)
"""Words that change nothing. What could turn a wish into its contrary, such as `not` or `except`, is not among them."""
