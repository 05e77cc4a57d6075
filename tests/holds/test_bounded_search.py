"""Bounds of every hold request: at most 2,000 claim keys in a script call, and at most 20 ms of Redis' time in all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.access import Caller
from models.catalogue import PolicyPatch, TechnicianCreate
from models.errors import NoSlotAvailable, StoreUnavailable
from models.slot import MOST_CLAIMS, Choice, Wish
from services.claims.batches import MOST_KEYS, batches_of
from services.claims.mirror import Mirror
from services.claims.scripts import Scripts
from services.holds import placing
from tests.world import World, rfc3339, tomorrow

MOST_MS = 20
LONG: dict[str, Any] = {
    "technician_id": None,
    "fallback": "next_available",
    "duration_minutes": 480,
    "buffer_before_minutes": 1440,
    "buffer_after_minutes": 1440,
}


EIGHT = {"duration_minutes": 480}


class Watched:
    """Counts the claim keys that each call of place_hold reads, from its argument alone."""

    def __init__(self) -> None:
        self.keys: list[int] = []

    def note(self, ask: dict[str, Any]) -> None:
        before, length, after = ask["before"], ask["length"], ask["after"]
        starts = [start for start, *_ in ask["choices"]]
        of: dict[str, list[int]] = {}
        for start, technicians, *_ in ask["choices"]:
            for technician in technicians:
                of.setdefault(technician, []).append(start)
        keys = (max(starts) - min(starts) + length) * (1 + len(ask.get("units", ())))
        self.keys.append(keys + sum(max(each) - min(each) + before + length + after for each in of.values()))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    seen, run = Watched(), Scripts.run

    def watching(scripts: Scripts, name: str, keys: list[str], args: list[Any]) -> list[Any]:
        if name == "place_hold":
            seen.note(json.loads(args[0]))
        return run(scripts, name, keys, args)

    monkeypatch.setattr(Scripts, "run", watching)
    return seen


def staffed(world: World, technicians: int) -> Caller:
    """The desk of an org with this many technicians, for which buffers up to a day are allowed."""
    desk = world.services.catalogue_desk
    for number in range(4, technicians + 1):
        desk.create_technician(world.org, TechnicianCreate(id=f"tech-{number}", name="Somebody"))
    desk.patch_policy(world.org, PolicyPatch(max_buffer_minutes=1440))
    return world.caller("desk")


def redis_ms(world: World) -> float:
    """Redis' own time for all commands since the last call, in milliseconds. A script's commands count only once."""
    stats: Any = world.services.redis.info("commandstats")
    world.services.redis.config_resetstat()
    outer = ("cmdstat_evalsha", "cmdstat_exec")
    return sum(each["usec"] for name, each in stats.items() if name in outer) / 1000


def hold_all_day(world: World, bob: Caller) -> None:
    for number, hour in enumerate((0, 8, 16)):
        slot = {"technician_id": f"tech-{number + 1}", "start": rfc3339(tomorrow(hour)), "duration_minutes": 480}
        world.services.holds.place(bob, world.hold_request(**slot))


@pytest.mark.parametrize("technicians", [10, 50, 200])
def test_a_search_on_a_property_that_is_held_all_day_stays_within_the_bounds(
    world: World, watched: Watched, technicians: int
) -> None:
    bob = staffed(world, technicians)
    hold_all_day(world, bob)
    watched.keys.clear()
    costs = []
    for _ in range(3):
        redis_ms(world)
        with pytest.raises(NoSlotAvailable) as refused:
            world.services.holds.place(bob, world.hold_request(start=rfc3339(tomorrow(0)), **LONG))
        costs.append(redis_ms(world))
        of_property = [block for block in refused.value.members["conflicts"] if block.kind == "property"]
        assert [(block.id, block.state) for block in of_property] == [("prop-1", "held")]
        assert all(block.hold_id for block in of_property)
    assert max(watched.keys) <= MOST_KEYS
    assert len(watched.keys) <= 3 * placing.MOST_BATCHES
    assert min(costs) <= MOST_MS


def test_a_long_search_names_ones_own_hold_and_booking(world: World, watched: Watched) -> None:
    bob = staffed(world, 50)
    mine = [
        world.services.holds.place(bob, world.hold_request(holder="dana", start=rfc3339(tomorrow(hour)), **EIGHT)).hold
        for hour in (0, 8)
    ]
    booked = world.services.bookings.book(bob, world.book_request(hold_id=mine[0].hold_id)).booking
    world.services.holds.place(bob, world.hold_request(start=rfc3339(tomorrow(16)), **EIGHT))
    for hour, shown in ((0, (booked.booking_id, None)), (8, (None, mine[1].hold_id))):
        for holder, yours in (("dana", True), ("kim", None)):
            asked = world.hold_request(start=rfc3339(tomorrow(hour)), holder=holder, **LONG)
            with pytest.raises(NoSlotAvailable) as refused:
                world.services.holds.place(bob, asked)
            block = refused.value.members["conflicts"][0]
            assert (block.kind, block.booking_id, block.hold_id, block.yours) == ("property", *shown, yours)
    assert max(watched.keys) <= MOST_KEYS


@pytest.mark.parametrize("technicians", [10, 200])
def test_a_search_on_a_free_property_whose_technicians_are_all_busy_stays_within_the_bounds(
    world: World, watched: Watched, technicians: int
) -> None:
    bob = staffed(world, technicians)
    noon, names = world.services.grid.tick(tomorrow(12)), world.names
    pipeline = world.services.redis.pipeline()
    for number in range(1, technicians + 1):
        resource = f"technician:tech-{number}"
        for tick in range(noon, noon + 4):
            pipeline.set(names.claim(resource, tick), "b|bk_x")
        pipeline.zadd(names.spans(resource), {f"b|bk_x|{noon}|4|9999999999999": noon})
    pipeline.execute()
    costs = []
    for _ in range(3):
        redis_ms(world)
        with pytest.raises(NoSlotAvailable) as refused:
            world.services.holds.place(bob, world.hold_request(start=rfc3339(tomorrow(0)), **LONG))
        costs.append(redis_ms(world))
    assert len(refused.value.members["conflicts"]) == technicians
    assert max(watched.keys) <= MOST_KEYS
    assert min(costs) <= MOST_MS


def test_the_first_free_visit_is_found_behind_a_taken_morning(world: World, watched: Watched) -> None:
    bob = staffed(world, 50)
    world.services.holds.place(bob, world.hold_request(start=rfc3339(tomorrow(0)), duration_minutes=480))
    watched.keys.clear()
    held = world.services.holds.place(bob, world.hold_request(start=rfc3339(tomorrow(0)), **LONG)).hold
    # tech-1 travels a day before and after its visit, and has one in the morning.
    assert (held.start, held.visit.technician_id, held.fallback_used) == (tomorrow(8), "tech-10", True)
    assert len(watched.keys) == 1


def test_a_holder_that_repeats_its_search_gets_its_own_hold_back(world: World) -> None:
    bob = staffed(world, 50)
    request = world.hold_request(start=rfc3339(tomorrow(0)), holder="alice", **LONG)
    first = world.services.holds.place(bob, request)
    again = world.services.holds.place(bob, request)
    assert (first.created, again.created) == (True, False)
    assert again.hold.hold_id == first.hold.hold_id


def test_a_search_that_fits_one_script_call_is_one_round_trip(
    world: World, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = staffed(world, 3)
    world.services.holds.place(bob, world.hold_request(property_id="prop-2"))
    watched.keys.clear()
    monkeypatch.setattr(Mirror, "read_spans", None)
    world.services.holds.place(bob, world.hold_request(technician_id=None, fallback="next_available"))
    assert len(watched.keys) == 1


@pytest.mark.parametrize("clock", [[9], [0, 9]], ids=["before a try", "before a script call"])
def test_the_deadline_of_the_request_ends_a_search(
    world: World, monkeypatch: pytest.MonkeyPatch, clock: list[int]
) -> None:
    bob, times = staffed(world, 50), iter(clock)
    monkeypatch.setattr(placing, "monotonic", lambda: next(times))
    monkeypatch.setattr(placing, "last_start", ContextVar("last_start", default=5.0))
    with pytest.raises(StoreUnavailable):
        world.services.holds.place(bob, world.hold_request(start=rfc3339(tomorrow(0)), **LONG))
    assert world.marks() == {}


@given(
    st.integers(1, 400),
    st.integers(1, 96),
    st.integers(0, 96),
    st.integers(0, 96),
    st.integers(1, 60),
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(0, 6),
)
@settings(max_examples=60, deadline=None)
def test_batches_hold_every_choice_in_order_and_no_more_keys_than_a_script_may_look_at(
    people: int, length: int, before: int, after: int, starts: int, step: int, needed: int, units: int
) -> None:
    who = tuple(f"tech-{number}" for number in range(people + needed))
    flats = tuple(f"flat-{number}" for number in range(units))
    wish = Wish("prop-1", (), 1000, length, before, after, needed=needed, units=flats)
    if wish.size > MOST_CLAIMS:
        return
    choices = [Choice(start, who) for start in range(1000, 1000 + starts * step, step)]
    batches = list(batches_of(wish, choices))
    given: dict[int, list[str]] = {}
    for start, some in (choice for batch in batches for choice in batch):
        assert len(some) >= needed
        given.setdefault(start, []).extend(each for each in some if each not in given.get(start, ()))
    assert {start: tuple(some) for start, some in given.items()} == dict(choices)
    assert list(given) == sorted(given)
    for batch, following in zip(batches, [*batches[1:], []], strict=True):
        assert keys_of(wish, batch) <= MOST_KEYS
        assert not following or keys_of(wish, [*batch, following[0]]) > MOST_KEYS


def keys_of(wish: Wish, choices: list[Choice]) -> int:
    ticks: dict[str, list[int]] = {}
    for choice in choices:
        for resource, start, end in wish.at(*choice).spans():
            ticks.setdefault(resource, []).extend((start, end))
    return sum(max(each) - min(each) for each in ticks.values())
