"""Narrows a long list of choices down to what looks free, before a script is asked for one of them.

Reads only the spans that Redis keeps for each resource: the property's first, and then those of the technicians who are
still needed. What looks free may be taken a moment later, so only the script of a hold decides. Where MongoDB decides,
its bookings are read in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.slot import TECHNICIAN, Choice, Wish
from services.availability.masks import masks_of
from services.claims.keys import Mark
from services.claims.mirror import Mirror
from services.claims.placements import Obstacle
from services.ledger.store import BookingStore
from services.timetable.choices import Choices
from services.timetable.grid import Span, ones, runs

Shown = dict[str, list[Mark]]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: choices that may be had, in the order to try, and what is in the way at the wished start."""

    choices: list[Choice]
    obstacles: list[Obstacle]


def look(mirror: Mirror, org: str, wish: Wish, found: Choices, *, holder: bool, spared: str = "") -> Looked:
    """Looks at the choices of a wish in two round trips to Redis. Raises StoreUnavailable.

    holder: the request names a holder, so a choice that may be the holder's own hold is kept, and comes first. spared:
    the owner of marks that are in no way.
    """
    choices = found.choices
    first, last = choices[0].start, choices[-1].start + wish.length
    shown = _without(spared, mirror.read_spans(org, wish.site, first, last).taken)
    wished = [choice for choice in choices if choice.start == wish.start]
    left = _at_a_free_place(wish, choices, shown)
    held = {(mark.start, mark.end) for mark in shown[wish.site[0]] if mark.state == "held"} if holder else set()
    kept = [choice for choice in choices if (choice.start, choice.start + wish.length) in held]
    technicians = _technicians_of([*wished, *kept, *left])
    shown |= _without(spared, mirror.read_spans(org, technicians, *_around(wish, found)).taken)
    own = [mine for choice in kept if (mine := _as_one_hold(wish, choice, shown))]
    return Looked([*own, *_narrowed(wish, found, left, shown)], _obstacles(wish, wished, shown))


def free_in_mongo(store: BookingStore, org: str, wish: Wish, found: Choices) -> list[Choice]:
    """As `look`, by the bookings that MongoDB has, in one read."""
    shown = store.active_marks(org, [*wish.site, *_technicians_of(found.choices)], *_around(wish, found))
    return list(_narrowed(wish, found, _at_a_free_place(wish, found.choices, shown), shown))


def _technicians_of(choices: list[Choice]) -> list[str]:
    """The resources of the technicians of some choices."""
    return [
        f"{TECHNICIAN}:{each}" for each in dict.fromkeys(who for choice in choices for who in choice.technician_ids)
    ]


def _around(wish: Wish, found: Choices) -> Span:
    """The ticks of all choices with the travel around, and of the day for which visits are counted."""
    begin, (_, end) = found.choices[0].start - wish.before, wish.travel(found.choices[-1].start)
    return (min(begin, found.day[0]), max(end, found.day[1])) if found.day else (begin, end)


def _without(owner: str, shown: Shown) -> Shown:
    return {name: [mark for mark in marks if mark.owner != owner] for name, marks in shown.items()}


def _at_a_free_place(wish: Wish, choices: list[Choice], shown: Shown) -> list[Choice]:
    """The choices at whose starts the property and its units are free."""
    first, last = choices[0].start, choices[-1].start + wish.length
    open_ = _free_starts([mark for resource in wish.site for mark in shown[resource]], (first, last), wish.length)
    return [choice for choice in choices if open_ >> choice.start - first & 1]


def _narrowed(wish: Wish, found: Choices, choices: list[Choice], shown: Shown) -> Iterator[Choice]:
    """The choices with those of their technicians who are free, the one with the least to do on the day first; without
    those for which too few are free."""
    (begin, end), hidden = _around(wish, found), found.hidden
    names = {who: f"{TECHNICIAN}:{who}" for choice in choices for who in choice.technician_ids}
    width = wish.before + wish.length + wish.after
    free = {who: _free_starts(shown[name], (begin, end), width) for who, name in names.items()}
    load = {who: _load(shown[name], found.day) for who, name in names.items()}
    for choice in choices:
        leaves, returns = wish.travel(choice.start)
        who = [
            each
            for each in choice.technician_ids
            if free[each] >> leaves - begin & 1 and not hidden.bars(each, (leaves, returns))
        ]
        if len(who) >= wish.needed:
            yield Choice(choice.start, tuple(sorted(who, key=load.__getitem__)))


def _free_starts(marks: list[Mark], span: Span, width: int) -> int:
    """The ticks of a span at which `width` free ticks begin, as a mask."""
    from_tick, to_tick = span
    return runs(ones(to_tick - from_tick) & ~masks_of(marks, from_tick, to_tick).taken, width)


def _load(marks: list[Mark], day: Span | None) -> int:
    """How many visits begin on the day."""
    return sum(day[0] <= mark.start < day[1] for mark in marks) if day else 0


def _as_one_hold(wish: Wish, choice: Choice, shown: Shown) -> Choice | None:
    """The choice with the technicians of the one hold that may have exactly its visit."""
    place = (choice.start, choice.start + wish.length)
    owners = [{mark.owner for mark in shown[resource] if _is_held(mark, place)} for resource in wish.site]
    for owner in set.intersection(*owners):
        who = tuple(
            each
            for each in choice.technician_ids
            if any(_is_held(mark, wish.travel(choice.start), owner) for mark in shown[f"{TECHNICIAN}:{each}"])
        )
        if len(who) == wish.needed:
            return Choice(choice.start, who)
    return None


def _is_held(mark: Mark, span: Span, owner: str | None = None) -> bool:
    return mark.state == "held" and (mark.start, mark.end) == span and owner in (None, mark.owner)


def _obstacles(wish: Wish, choices: list[Choice], shown: Shown) -> list[Obstacle]:
    """What is in the way of some choices, each mark once."""
    found: dict[tuple[str, str], Obstacle] = {}
    for choice in choices:
        place, around = (choice.start, choice.start + wish.length), wish.travel(choice.start)
        spans = [*((name, place) for name in wish.site), *((name, around) for name in _technicians_of([choice]))]
        for resource, (start, end) in spans:
            kind, _, name = resource.partition(":")
            for mark in shown[resource]:
                if mark.start < end and start < mark.end:
                    found.setdefault((resource, mark.owner), Obstacle(kind, name, mark))
    return list(found.values())
