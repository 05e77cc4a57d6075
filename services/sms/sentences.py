"""What the bot says. Each answer names the next step, and fits into one text message of 160 letters where it can."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

from services.sms.grammar import Doubt, Question, When
from services.sms.vocabulary import SHORT_DAYS, SHORT_MONTHS

MENU = "Send BOOK for a visit, STATUS to see yours, MOVE to change the time, DROP to cancel it."
WHICH_PROPERTY = "Which property? Send its number, such as prop-101, or a word of its name."
NO_SUCH_PROPERTY = "We know no property by that. Send its number, such as prop-101, or a word of its name."
WHEN = "When? Send a day and a time, such as Tue 10:00 or 5 Dec 14:30."
NAME = "Which name shall we book it under?"
LET_GO = "All right, we let it go. Send BOOK to start anew."
LATER = "We cannot answer just now. Please send your text again in a few minutes."
NO_WORDS = "Your text has no words, and we cannot see pictures. Send MENU for what you can send."
NOTHING_TO_CONFIRM = "There is nothing to say yes to. " + MENU
NOTHING_CHANGED = "All right, nothing was changed."
NO_VISITS = "You have no visit ahead. Send BOOK for one."
RAN_OUT = "The time we kept for you ran out."
NOT_AN_OPTION = "Please send one of the numbers."
NOTHING_FREE = "Nothing is free in the next two weeks. Please call us."
LONGEST_PLACE = 30

_QUESTIONS: dict[Doubt, str] = {
    "unknown": 'We did not understand "{word}". ' + WHEN,
    "which_day": "Which day{clock}? Send it such as Tue {example} or 5 Dec {example}.",
    "which_date": "Which day do you mean? {days}",
    "which_time": "Which time do you mean? Send the day and one time, such as Tue 15:00.",
    "no_such_day": "There is no such day. " + WHEN,
    "days_differ": "Weekday and date are not the same day. " + WHEN,
    "past": "{day} is over. " + WHEN,
}
NOT_FREE = {
    "slot_held": "is being booked by somebody else",
    "slot_booked": "is taken",
    "outside_working_hours": "is outside working hours",
    "too_soon": "is too soon",
    "too_far_ahead": "is too far ahead",
    "no_slot_available": "is not free",
    "technician_unavailable": "is not free",
    "technician_not_eligible": "is not free",
}
"""Why a time cannot be had, by the code of the refusal. Any other refusal is not about the time."""


def at(moment: datetime) -> str:
    """A local moment with weekday, date and time."""
    return f"{on(moment.date())} {moment:%H:%M}"


def on(day: date) -> str:
    return f"{SHORT_DAYS[day.weekday()]} {day.day} {SHORT_MONTHS[day.month - 1]}"


def numbered(options: Sequence[str]) -> str:
    return ", ".join(f"{number} {each}" for number, each in enumerate(options, 1))


def question(asked: Question) -> str:
    """What to ask about a day or time that is not certain."""
    clock = f" at {asked.at:%H:%M}" if asked.at else ""
    return _QUESTIONS[asked.doubt].format(
        word=asked.word[:20],
        clock=clock,
        example=f"{asked.at:%H:%M}" if asked.at else "10:00",
        days=numbered([on(day) + clock for day in asked.days]),
        day=on(asked.days[0]) + clock if asked.days else "",
    )


def named(when: When) -> str:
    """The days and hours that were looked at, as said by the customer."""
    day = on(when.day) if when.day else "that time"
    if when.earliest == time.min and when.latest == time.max:
        return day
    return f"{day} {when.earliest:%H:%M}-{min(when.latest, time(23, 59)):%H:%M}"


def when_and_where(local: datetime, place: str) -> str:
    return f"{at(local)} at {place[:LONGEST_PLACE]}"


def offers(first: str, times: Sequence[str]) -> str:
    return f"{first or 'Free:'} {numbered(times)}. Send a number or another time."


def nothing_free(when: When) -> str:
    return f"Nothing is free {named(when)}. The next times:"


def not_free(local: datetime, code: str) -> str:
    return f"{at(local)} {NOT_FREE[code]}. Free:"


def skipped(wall: datetime) -> str:
    return f"Clocks go forward that night and skip {wall:%H:%M}. Send another time."


def twice(wall: datetime) -> str:
    return f"Clocks go back that night, so {wall:%H:%M} comes twice. Send another time."


def which_service(place: str, names: Sequence[str]) -> str:
    return f"What is to be done at {place[:LONGEST_PLACE]}? {numbered([name[:LONGEST_PLACE] for name in names])}"


def which_one(names: Sequence[str]) -> str:
    return f"Which one? {numbered([name[:LONGEST_PLACE] for name in names])}"


def which_visit(lines: Sequence[str]) -> str:
    return f"Which visit? {numbered(lines)}"


def held(line: str, until: datetime) -> str:
    return f"{line} is kept for you until {until:%H:%M}. Send YES to book it or NO to let it go."


def booked(line: str) -> str:
    return f"Booked: {line}. Send MOVE or DROP to change it."


def booked_already(line: str) -> str:
    return f"That is booked already: {line}."


def yours_already(moment: str) -> str:
    return f"You have a visit at that time already: {moment}. Send STATUS to see it."


def visits(lines: Sequence[str]) -> str:
    return "Your visits: " + "; ".join(lines)


def drop(line: str) -> str:
    return f"Cancel {line}? Send YES to cancel it or NO to keep it."


def dropped(line: str) -> str:
    return f"Cancelled: {line}. Send BOOK for another one."


def changed(line: str) -> str:
    return f"Your visit was changed just now: {line}. Send MOVE or DROP to change it."


def moved(line: str) -> str:
    return f"Moved: {line}."
