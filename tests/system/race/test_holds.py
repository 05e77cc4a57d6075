"""Many requests hold one slot at one moment, and exactly one may. A negative control shows what fails without it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from models.catalogue import PropertyCreate
from models.errors import SlotHeld, TooManyHolds
from models.slot import Claim
from services.claims.claims import Claims
from services.claims.keys import OrgKeys
from services.claims.placements import Placed, Placement, Stale, Taken
from services.holds.operations import PlacedHold
from tests.system.race.together import CROWD, ROUNDS, Meeting, Outcome, at_once, check_then_set, fresh_slots
from tests.world import World, rfc3339, tomorrow


def race_for_one_slot(world: World, rounds: int = ROUNDS) -> list[Outcome[PlacedHold]]:
    """In each round a crowd asks for the same slot."""
    holds, caller = world.services.holds, world.caller("desk")
    found = []
    for start in fresh_slots(rounds):
        request = world.hold_request(start=rfc3339(start))
        found.append(at_once([partial(holds.place, caller, request)] * CROWD))
    return found


def test_of_many_requests_for_one_slot_exactly_one_gets_it(world: World) -> None:
    for outcome in race_for_one_slot(world):
        (winner,) = outcome.values
        assert winner.created
        assert outcome.kinds() == {SlotHeld}


def test_with_check_then_set_instead_of_the_script_several_requests_get_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same race with the guard off."""
    monkeypatch.setattr(Claims, "place", check_then_set())
    assert all(len(outcome.values) > 1 for outcome in race_for_one_slot(world, 3))


@pytest.mark.parametrize("shared", ["property_id", "technician_id"])
def test_of_many_requests_for_one_property_or_technician_exactly_one_gets_it(world: World, shared: str) -> None:
    holds, caller = world.services.holds, world.caller("desk")
    other, names = ("technician_id", "tech") if shared == "property_id" else ("property_id", "prop")
    for start in fresh_slots():
        requests = [
            world.hold_request(start=rfc3339(start), **{other: f"{names}-{number % 3 + 1}"}) for number in range(CROWD)
        ]
        outcome = at_once([partial(holds.place, caller, request) for request in requests])
        assert len(outcome.values) == 1
        assert outcome.kinds() == {SlotHeld}


def test_winners_of_any_overlap_with_buffers_never_share_a_claim(world: World) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    holds, caller = world.services.holds, world.caller("desk")
    given: list[Claim] = []
    for start in fresh_slots():
        requests = [
            world.hold_request(
                property_id=f"prop-{chance.randint(1, 3)}",
                technician_id=f"tech-{chance.randint(1, 3)}",
                start=rfc3339(start + timedelta(minutes=15 * chance.randint(0, 8))),
                duration_minutes=15 * chance.randint(1, 6),
                buffer_before_minutes=15 * chance.randint(0, 2),
                buffer_after_minutes=15 * chance.randint(0, 2),
            )
            for _ in range(CROWD)
        ]
        outcome = at_once([partial(holds.place, caller, request) for request in requests])
        assert outcome.values, f"seed {seed}"
        assert outcome.kinds() <= {SlotHeld}, f"seed {seed}"
        given += [claim for placed in outcome.values for claim in placed.hold.visit.claims()]
    assert len(given) == len(set(given)), f"seed {seed}"
    assert {f"{resource}:{tick}" for resource, tick in given} == set(world.marks()), f"seed {seed}"


def test_of_many_requests_for_any_technician_as_many_win_as_there_are_technicians(world: World) -> None:
    holds, caller = world.services.holds, world.caller("desk")
    for number in range(CROWD):
        house = PropertyCreate(id=f"house-{number}", name=f"House {number}")
        world.services.catalogue_desk.create_property(world.org, house)
    for start in fresh_slots(10):
        requests = [
            world.hold_request(property_id=f"house-{number}", technician_id=None, start=rfc3339(start))
            for number in range(CROWD)
        ]
        outcome = at_once([partial(holds.place, caller, request) for request in requests])
        assert sorted(placed.hold.visit.technician_id for placed in outcome.values) == ["tech-1", "tech-2", "tech-3"]
        assert outcome.kinds() == {SlotHeld}


def test_requests_with_fallback_get_consecutive_slots(world: World) -> None:
    holds, caller = world.services.holds, world.caller("desk")
    request = world.hold_request(start=rfc3339(tomorrow(8)), duration_minutes=30, fallback="next_available")
    outcome = at_once([partial(holds.place, caller, request)] * CROWD)
    starts = sorted(placed.hold.start for placed in outcome.values)
    assert starts == [tomorrow(8) + timedelta(minutes=30 * number) for number in range(CROWD)]


def test_many_requests_of_one_holder_get_the_same_hold(world: World) -> None:
    holds, caller = world.services.holds, world.caller("checkout")
    for start in fresh_slots(3):
        request = world.hold_request(start=rfc3339(start), holder="alice")
        outcome = at_once([partial(holds.place, caller, request)] * CROWD)
        assert len(outcome.values) == CROWD
        assert len({placed.hold.hold_id for placed in outcome.values}) == 1
        assert [placed.created for placed in outcome.values].count(True) == 1


def test_a_holder_never_gets_more_than_the_quota(world: World) -> None:
    holds, caller = world.services.holds, world.caller("checkout")
    requests = [world.hold_request(start=rfc3339(start), holder="alice") for start in fresh_slots()]
    outcome = at_once([partial(holds.place, caller, request) for request in requests])
    assert len(outcome.values) == 3


def race_for_the_last_share(world: World) -> int:
    """Fifty holders of one address, which has nine holds already, ask for a slot each. How many got one."""
    holds, caller = world.services.holds, world.caller("checkout")
    slots = list(fresh_slots(59))
    for start in slots[:9]:
        holds.place(caller, world.hold_request(start=rfc3339(start)))
    requests = [world.hold_request(start=rfc3339(start), holder=f"holder of {start}") for start in slots[9:]]
    outcome = at_once([partial(holds.place, caller, request) for request in requests])
    assert outcome.kinds() <= {TooManyHolds}
    return len(outcome.values)


def test_of_fifty_requests_for_the_last_share_of_an_address_exactly_one_gets_it(world: World) -> None:
    assert race_for_the_last_share(world) == 1


def test_without_the_count_in_the_script_more_than_one_gets_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the quota is looked at before the script, as a check of its own. At the last share
    the first request waits until a second one has looked."""
    place, meet = Claims.place, Meeting()

    def count_then_place(claims: Claims, placement: Placement) -> Placed | Stale | Taken:
        counted = OrgKeys(placement.request.org).prefix + f"address:{placement.request.address_digest}"
        left = placement.limits["public_holds_per_address"] - claims._redis.zcard(counted)  # type: ignore[operator]
        if left <= 0:
            raise TooManyHolds
        if left == 1:
            meet()
        return place(claims, replace(placement, limits={}))

    monkeypatch.setattr(Claims, "place", count_then_place)
    assert race_for_the_last_share(world) > 1
