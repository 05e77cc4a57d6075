"""Time off bars the visits of a stranger as bookings would, also apart from the ordinary way: a long search, a cold
mirror, a Redis that does not answer, a hold from before the time off."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from models.access import Caller
from models.catalogue import PolicyPatch, TechnicianCreate, TechnicianPatch, TimeOff
from models.errors import NoSlotAvailable, Refusal, SlotBooked, SlotHeld
from models.slot import Block
from services.stores.connections import connect_redis
from tests.bookings.evidence import another_server, everything, lose_redis
from tests.catalogue.desks import desk_over
from tests.world import World, rfc3339, services_over, tomorrow

MANY = 40
NIGHT = tomorrow(23) + timedelta(hours=3)


def send_away(world: World, start: datetime, end: datetime, technician: str = "tech-1") -> None:
    off = TimeOff.model_validate({"start": rfc3339(start), "end": rfc3339(end)})
    world.services.catalogue_desk.patch_technician(world.org, technician, TechnicianPatch(time_off=[off]))


def booked(technician: str, start: datetime, end: datetime) -> Block:
    return Block("technician", technician, "booked", start, end)


def test_a_search_among_many_technicians_takes_the_next_free_slot(world: World, alice: Caller) -> None:
    for number in range(4, MANY + 1):
        world.services.catalogue_desk.create_technician(
            world.org, TechnicianCreate(id=f"tech-{number}", name="Somebody")
        )
    everyone = [f"tech-{number}" for number in range(1, MANY + 1)]
    for technician in everyone:
        send_away(world, tomorrow(0), tomorrow(23) if technician == "tech-7" else NIGHT, technician)
    asked = {"technician_id": None, "fallback": "next_available", "duration_minutes": 30}
    found = world.services.holds.place(alice, world.hold_request(start=rfc3339(tomorrow(1)), **asked)).hold
    assert (found.technician_id, found.start) == ("tech-7", tomorrow(23))
    send_away(world, tomorrow(0), NIGHT, "tech-7")
    with pytest.raises(NoSlotAvailable) as refused:
        world.services.holds.place(
            alice, world.hold_request(start=rfc3339(tomorrow(1)), **asked | {"duration_minutes": 60})
        )
    assert refused.value.members["conflicts"] == [booked(name, tomorrow(1), tomorrow(2)) for name in sorted(everyone)]


def test_while_cold_a_refusal_comes_from_the_catalogue_of_today(world: World, alice: Caller) -> None:
    send_away(world, tomorrow(10), tomorrow(11))
    with pytest.raises(SlotBooked):
        world.services.holds.place(alice, world.hold_request())
    lose_redis(world)
    elsewhere = another_server(world)
    silent = desk_over(elsewhere.db, elsewhere.clock, elsewhere.catalogue)
    silent.patch_technician(world.org, "tech-1", TechnicianPatch(time_off=[]))
    assert world.services.holds.place(alice, world.hold_request()).created
    silent.patch_technician(world.org, "tech-2", TechnicianPatch(status="unavailable"))
    with pytest.raises(SlotBooked):
        world.services.holds.place(alice, world.hold_request(property_id="prop-2", technician_id="tech-2"))


def test_without_redis_a_hold_is_not_booked_into_time_off(world: World, alice: Caller) -> None:
    hold_id = world.services.holds.place(alice, world.hold_request()).hold.hold_id
    send_away(world, tomorrow(10, 30), tomorrow(15))
    cut_off = services_over(connect_redis("redis://127.0.0.1:1/0"), world.services.db)
    with pytest.raises(SlotBooked) as refused:
        cut_off.bookings.book(alice, world.direct_request(hold_id=hold_id))
    assert refused.value.members["conflicts"] == [booked("tech-1", tomorrow(10, 30), tomorrow(11))]
    assert world.bookings() == []
    cut_off.access.close()


def test_ones_own_hold_from_before_the_time_off_is_still_ones_own(world: World, alice: Caller, bot: Caller) -> None:
    mine = world.hold_request(holder="alice")
    first = world.services.holds.place(alice, mine).hold
    send_away(world, tomorrow(10), tomorrow(12))
    again = world.services.holds.place(alice, mine)
    assert (again.hold.hold_id, again.created) == (first.hold_id, False)
    with pytest.raises(SlotHeld) as refused:
        world.services.holds.place(alice, world.hold_request(holder="bob"))
    assert {(block.kind, block.state) for block in refused.value.members["conflicts"]} == {
        ("property", "held"),
        ("technician", "held"),
    }
    assert world.services.bookings.book(alice, world.book_request(hold_id=first.hold_id)).created


@pytest.mark.parametrize("asked", [{}, {"suggest": 3}, {"technician_id": None}, {"fallback": "next_available"}])
def test_a_refusal_because_of_time_off_changes_nothing(world: World, alice: Caller, asked: dict[str, object]) -> None:
    for number in (1, 2, 3):
        send_away(world, tomorrow(9), tomorrow(23, 59), f"tech-{number}")
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(public_holds_per_address=3))
    before = everything(world)
    with pytest.raises(Refusal) as refused:
        world.services.holds.place(alice, world.hold_request(**asked))
    assert refused.value.code in ("slot_booked", "no_slot_available")
    assert everything(world) == before
