"""The search for overlaps, compared with a check of every pair."""

from __future__ import annotations

from contextlib import closing
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from services.sheets.scratch import Scratch, Taken

RESOURCES = st.sampled_from(["property:a", "technician:a"])
LINES = st.lists(st.tuples(RESOURCES, st.integers(0, 40), st.integers(1, 8)), max_size=25)
THERE = st.lists(st.tuples(RESOURCES, st.integers(0, 40), st.integers(1, 8)), max_size=10)


def overlap(one: Taken, other: Taken) -> bool:
    return one.resource == other.resource and one.start < other.stop and other.start < one.stop


def spans(lines: list[tuple[str, int, int]], there: list[tuple[str, int, int]]) -> list[Taken]:
    """Spans of lines, which may overlap, and of existing bookings, which never do."""
    existing: list[Taken] = []
    for number, (resource, start, length) in enumerate(there):
        span = Taken(resource, start, start + length, None, f"bk_{number}")
        if not any(overlap(span, other) for other in existing):
            existing.append(span)
    return existing + [
        Taken(resource, start, start + length, line, f"row {line}")
        for line, (resource, start, length) in enumerate(lines, start=2)
    ]


@given(LINES, THERE)
def test_exactly_the_lines_that_overlap_are_named(
    lines: list[tuple[str, int, int]], there: list[tuple[str, int, int]]
) -> None:
    taken = spans(lines, there)
    with closing(Scratch()) as scratch:
        scratch.take(taken)
        pairs = list(scratch.overlaps())
    wanted = {span.line for pair in combinations(taken, 2) if overlap(*pair) for span in pair if span.line is not None}
    assert {span.line for pair in pairs for span in pair if span.line is not None} == wanted


@given(LINES, THERE)
def test_each_pair_overlaps_and_begins_with_the_later_line(
    lines: list[tuple[str, int, int]], there: list[tuple[str, int, int]]
) -> None:
    with closing(Scratch()) as scratch:
        scratch.take(spans(lines, there))
        for later, other in scratch.overlaps():
            assert overlap(later, other)
            assert later.line is not None
            assert other.line is None or other.line < later.line


def test_a_hundred_bookings_of_one_slot_give_99_pairs_not_five_thousand() -> None:
    with closing(Scratch()) as scratch:
        scratch.take(Taken("property:a", 0, 4, line, f"row {line}") for line in range(2, 102))
        assert len(list(scratch.overlaps())) == 99
