"""Visits with several technicians swap whole crews, and keep their other members when one is away."""

from __future__ import annotations

from typing import Any

import pytest

from models.booking import Booking
from models.dispatch import ReassignRequest
from models.errors import SlotBooked
from tests.bookings.moving import at, check_settled, stored
from tests.dispatch.swaps import swap
from tests.world import World


def book(world: World, site: str, hour: int, *crew: str, **fields: Any) -> Booking:
    place = {"property_id": site, "technician_id": None, "technician_ids": [*crew], "start": at(hour)}
    return world.services.bookings.book(world.caller("desk"), world.direct_request(**place | fields)).booking


def crew_of(world: World, booking: Booking) -> list[str]:
    return stored(world, booking.booking_id).technician_ids


@pytest.mark.parametrize("hour", [10, 14])
def test_crews_of_different_size_swap_whole(world: World, hour: int) -> None:
    one, two = book(world, "prop-1", 10, "tech-1", "tech-2"), book(world, "prop-2", hour, "tech-3")
    first, second = swap(world.services, world.caller("desk"), (one, two))
    assert (first.technician_ids, first.technician_id) == (["tech-3"], "tech-3")
    assert (second.technician_ids, second.technician_id) == (["tech-1", "tech-2"], "tech-1")
    check_settled(world)


def test_crews_that_share_a_member_swap_the_others(world: World) -> None:
    one, two = book(world, "prop-1", 10, "tech-1", "tech-2"), book(world, "prop-2", 14, "tech-2", "tech-3")
    swap(world.services, world.caller("desk"), (one, two))
    assert (crew_of(world, one), crew_of(world, two)) == (["tech-2", "tech-3"], ["tech-1", "tech-2"])
    check_settled(world)


def test_one_member_who_is_needed_elsewhere_refuses_the_whole_swap(world: World) -> None:
    one, two = book(world, "prop-1", 10, "tech-1", "tech-2"), book(world, "prop-2", 14, "tech-3")
    book(world, "prop-3", 14, "tech-2")
    with pytest.raises(SlotBooked):
        swap(world.services, world.caller("desk"), (one, two))
    assert (crew_of(world, one), crew_of(world, two)) == (["tech-1", "tech-2"], ["tech-3"])
    check_settled(world)


@pytest.mark.parametrize("away", ["tech-1", "tech-2"])
def test_a_crew_keeps_its_other_members(world: World, away: str) -> None:
    visit = book(world, "prop-1", 10, "tech-1", "tech-2")
    request = ReassignRequest.model_validate({"from": at(0), "to": at(23)})
    found = world.services.reassigning.reassign(world.caller("desk"), away, request)
    assert [each.to_technician_id for each in found.moves] == ["tech-3"]
    assert crew_of(world, visit) == ["tech-3" if each == away else each for each in ("tech-1", "tech-2")]
    check_settled(world)
