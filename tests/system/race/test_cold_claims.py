"""While the mirror is cold a hold is claimed first and checked then; the other order grants holds that are doomed.

The race is made by hand: a booking is made, and Redis lost, just before the claim.
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
    """Lets somebody book the slot, and Redis be lost, at the moment when a hold is about to be claimed."""
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
    """Redis was lost, and nobody has rebuilt the mirror."""
    lose_redis(world)
    return world


def test_claimed_first_and_checked_then_a_doomed_hold_is_refused(
    cold_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    just_before_the_claim(cold_world, monkeypatch)
    with pytest.raises(SlotBooked):
        cold_world.services.holds.place(cold_world.caller(), cold_world.hold_request())


def test_checked_first_and_claimed_then_it_is_granted(cold_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the same race with the guard off."""
    check_first(cold_world, monkeypatch)
    just_before_the_claim(cold_world, monkeypatch)
    alice, services = cold_world.caller(), cold_world.services
    hold_id = services.holds.place(alice, cold_world.hold_request()).hold.hold_id
    with pytest.raises(SlotBooked):
        services.bookings.book(alice, cold_world.book_request(hold_id=hold_id))


def check_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns the order round: MongoDB is asked before the claim, and after it what was found then decides."""
    first_free: Callable[[Placing, Placement], object] = Placing._first_free
    found = dict[str, bool]()

    def ask_and_claim(placing: Placing, placement: Placement) -> object:
        blockers = BookingStore(world.services.db, 15).blockers(placement.org, placement.visits[0])
        found[placement.hold_id] = not blockers
        return first_free(placing, placement)

    def as_found(_placing: Placing, _org: str, _placement: Placement, placed: Placed, *_asked: object) -> bool:
        return found.get(placed.record.hold_id, True)

    monkeypatch.setattr(Placing, "_first_free", ask_and_claim)
    monkeypatch.setattr(Placing, "_survives_cold", as_found)
