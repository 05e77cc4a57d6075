"""Hidden time off bars visits, and shows only where nothing else does."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.timetable.grid import spans_in
from services.timetable.time_off import HiddenTimeOff

WIDTH = 12
FROM = 100
masks = st.integers(0, (1 << WIDTH) - 1)


def ticks_of(mask: int) -> set[int]:
    return {FROM + at for at in range(WIDTH) if mask >> at & 1}


@given(mask=masks)
def test_spans_have_the_ticks_of_the_mask_and_none_touch(mask: int) -> None:
    spans = list(spans_in(mask, FROM))
    assert {tick for start, end in spans for tick in range(start, end)} == ticks_of(mask)
    assert all(end < start for (_, end), (start, _) in pairwise(spans))


@given(mask=masks, taken=masks)
def test_gaps_are_the_time_off_that_nothing_else_takes(mask: int, taken: int) -> None:
    hidden = HiddenTimeOff(FROM, {"tech-1": mask})
    gaps = hidden.gaps("tech-1", (FROM, FROM + WIDTH), spans_in(taken, FROM))
    assert {tick for start, end in gaps for tick in range(start, end)} == ticks_of(mask) - ticks_of(taken)


@given(mask=masks, start=st.integers(0, WIDTH - 1), length=st.integers(1, 3))
def test_a_visit_is_barred_if_it_or_its_travel_touches_time_off(mask: int, start: int, length: int) -> None:
    span = (FROM + start, FROM + start + length + 1)
    assert HiddenTimeOff(FROM, {"tech-1": mask}).bars("tech-1", span) == bool(set(range(*span)) & ticks_of(mask))
    assert not HiddenTimeOff(FROM, {"tech-2": mask}).bars("tech-1", span)


@given(mask=masks, own=masks)
def test_what_a_booking_claims_already_is_not_off_for_it(mask: int, own: int) -> None:
    claims = [(f"{kind}:{name}", tick) for tick in ticks_of(own) for kind, name in OWNED]
    left = HiddenTimeOff(FROM, {"tech-1": mask}).besides(claims)
    assert left.masks == {"tech-1": mask & ~own}


OWNED = [("property", "tech-1"), ("technician", "tech-1"), ("technician", "tech-2")]
