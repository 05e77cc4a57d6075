"""While the mirror is cold, a hold claims first and checks then. The other order grants holds that are doomed.

The test makes the race by hand: it makes a booking and loses Redis just before the claim.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.errors import SlotBooked
from services.claims.claims import Claims
from services.claims.placements import Placed, Placement
from services.holds.placing import Placing
from services.ledger.store import BookingStore
from tests.bookings.evidence import lose_redis
from tests.world import World


def just_before_the_claim(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Book the slot and lose Redis just before a hold makes its claim."""
    place, done = Claims.place, list[bool]()

    def book_and_place(claims: Claims, placement: Placement) -> object:
        if not done:
            done.append(True)
            world.services.bookings.book(world.caller("desk"), world.direct_request())
            lose_redis(world)
        return place(claims, placement)

    monkeypatch.setattr(Claims, "place", book_and_place)


@pytest.fixture
def cold_world(world: World) -> World:
    """A world whose Redis was lost and whose mirror is not rebuilt yet."""
    lose_redis(world)
    return world


def test_a_doomed_hold_is_refused_when_the_claim_comes_before_the_check(
    cold_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    just_before_the_claim(cold_world, monkeypatch)
    with pytest.raises(SlotBooked):
        cold_world.services.holds.place(cold_world.caller(), cold_world.hold_request())


def test_a_doomed_hold_is_granted_when_the_check_comes_before_the_claim(
    cold_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same race with the guard off."""
    check_first(cold_world, monkeypatch)
    just_before_the_claim(cold_world, monkeypatch)
    alice, services = cold_world.caller(), cold_world.services
    hold_id = services.holds.place(alice, cold_world.hold_request()).hold.hold_id
    with pytest.raises(SlotBooked):
        services.bookings.book(alice, cold_world.book_request(hold_id=hold_id))


def check_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn the order round: ask MongoDB before the claim, and let that answer decide after it."""
    first_free: Callable[[Placing, Placement], object] = Placing._first_free
    found = dict[str, bool]()

    def ask_and_claim(placing: Placing, placement: Placement) -> object:
        request = placement.request
        blockers = BookingStore(world.services.db, 15).blockers(request.org, placement.first_visit)
        found[request.hold_id] = not blockers
        return first_free(placing, placement)

    def as_found(_placing: Placing, _placement: Placement, placed: Placed) -> bool:
        return found.get(placed.record.hold_id, True)

    monkeypatch.setattr(Placing, "_first_free", ask_and_claim)
    monkeypatch.setattr(Placing, "_survives_cold", as_found)
