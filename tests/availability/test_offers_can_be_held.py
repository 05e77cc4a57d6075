"""Every slot shown as free can be held at that moment, and no other slot can: on real servers, hold by hold."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from models.access import Caller
from models.availability import AvailabilityQuery
from models.catalogue import PolicyPatch, PropertyPatch, TechnicianPatch
from models.errors import Refusal
from models.hold import HoldRequest
from models.service import ServiceCreate
from models.working_hours import WEEKDAYS
from tests.world import World, rfc3339, tomorrow

LENGTHS = {"duration_minutes": 45, "buffer_before_minutes": 15, "buffer_after_minutes": 30}
TRIED = 60
OFFICE: dict[str, Any] = {day: [["07:30", "12:00"], ["12:30", "24:00"]] for day in WEEKDAYS}


def furnish(world: World) -> None:
    """Gives the property another zone, the technicians hours and time off, and the policy a lead time."""
    desk, away = world.services.catalogue_desk, tomorrow(14)
    desk.patch_property(world.org, "prop-1", PropertyPatch(timezone="Asia/Kathmandu"))
    desk.patch_technician(
        world.org, "tech-1", TechnicianPatch.model_validate({"working_hours": OFFICE, "timezone": "America/New_York"})
    )
    off = {"start": rfc3339(away), "end": rfc3339(away + timedelta(hours=5))}
    desk.patch_technician(world.org, "tech-2", TechnicianPatch.model_validate({"time_off": [off]}))
    desk.patch_policy(world.org, PolicyPatch(min_lead_minutes=90, horizon_days=2, holds_per_holder=1000))


def crowd(world: World, rng: random.Random, caller: Caller) -> None:
    """Places holds and bookings of other clients across the queried days."""
    for number in range(40):
        start = tomorrow() + timedelta(minutes=15 * rng.randrange(-80, 160))
        fields = {
            "property_id": rng.choice(["prop-1", "prop-2", "prop-3"]),
            "technician_id": rng.choice(["tech-1", "tech-2", "tech-3"]),
            "start": rfc3339(start),
            "duration_minutes": rng.choice([15, 60, 120]),
        }
        try:
            if number % 2:
                world.services.bookings.book(caller, world.direct_request(**fields))
            else:
                world.services.holds.place(caller, HoldRequest.model_validate(fields))
        except Refusal:
            continue


def shown(world: World, technician_id: str | None, **changed: Any) -> list[dict[str, Any]]:
    given = {
        "property_id": "prop-1",
        "from": str(tomorrow().date()),
        "days": 3,
        "technician_id": technician_id,
        **LENGTHS,
        **changed,
    }
    query = AvailabilityQuery.model_validate(given)
    slots: list[dict[str, Any]] = world.services.free_times.slots(world.caller("desk"), query)["slots"]
    return slots


def can_be_held(world: World, caller: Caller, start: Any, technician_id: str | None, **changed: Any) -> bool:
    fields = {"property_id": "prop-1", "start": rfc3339(start), "technician_id": technician_id, **LENGTHS, **changed}
    try:
        placed = world.services.holds.place(caller, HoldRequest.model_validate(fields))
    except Refusal:
        return False
    world.services.holds.release(caller, placed.hold.hold_id)
    return True


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("technician_id", [None, "tech-1", "tech-2"])
def test_exactly_the_slots_shown_as_free_can_be_held(world: World, seed: int, technician_id: str | None) -> None:
    rng, caller = random.Random(seed), world.caller("bot")
    furnish(world)
    crowd(world, rng, caller)
    slots = shown(world, technician_id)
    states = {slot["state"] for slot in slots}
    assert {"free", "closed"} < states
    for slot in rng.sample(slots, TRIED):
        asked = [technician_id] if technician_id else [None, "tech-1", "tech-2", "tech-3"]
        held = {who: can_be_held(world, caller, slot["start"], who) for who in asked}
        assert {who for who in held if who and held[who]} == set(slot["technician_ids"]), (seed, slot)
        assert held.get(None, slot["state"] == "free") == (slot["state"] == "free"), (seed, slot)


def place_and_teach(world: World, rng: random.Random) -> None:
    """Gives the property an area or none, the technicians random areas and skills, and makes two services."""
    desk, words = world.services.catalogue_desk, ["a", "A", "b"]
    desk.patch_property(world.org, "prop-1", PropertyPatch(area=rng.choice([None, "a"])))
    for number in (1, 2, 3):
        own = {name: rng.sample(words, rng.randrange(3)) for name in ("areas", "skills")}
        desk.patch_technician(world.org, f"tech-{number}", TechnicianPatch.model_validate(own))
    for name, skill in (("plain", None), ("skilled", "a")):
        fields = {"id": name, "name": name, "skill": skill, **LENGTHS}
        world.services.service_desk.create(world.org, ServiceCreate.model_validate(fields))


@pytest.mark.parametrize("seed", range(6))
def test_exactly_the_technicians_who_may_be_sent_are_offered_and_can_be_held(world: World, seed: int) -> None:
    rng, caller = random.Random(seed), world.caller("bot")
    furnish(world)
    crowd(world, rng, caller)
    place_and_teach(world, rng)
    for service_id in (None, "plain", "skilled"):
        for slot in rng.sample(shown(world, None, service_id=service_id), TRIED // 5):
            asked = [None, "tech-1", "tech-2", "tech-3"]
            held = {who: can_be_held(world, caller, slot["start"], who, service_id=service_id) for who in asked}
            assert {who for who in held if who and held[who]} == set(slot["technician_ids"]), (seed, slot)
            assert held[None] == (slot["state"] == "free"), (seed, slot)


def test_a_change_of_the_catalogue_by_another_process_shows_at_once(world: World) -> None:
    start = tomorrow(10)
    assert {slot["state"] for slot in shown(world, "tech-1") if slot["start"] == start} == {"free"}
    # As if another process had made the change: only the epoch shows it here.
    world.services.db["technicians"].update_one({"_id": f"{world.org}/tech-1"}, {"$set": {"status": "unavailable"}})
    world.services.redis.set(world.names.epoch, "another-epoch")
    assert {slot["state"] for slot in shown(world, "tech-1")} == {"closed"}


def test_while_redis_is_cold_bookings_are_seen_in_mongodb(world: World) -> None:
    caller = world.caller("bot")
    world.services.bookings.book(caller, world.direct_request(start=rfc3339(tomorrow(10)), duration_minutes=60))
    world.services.redis.delete(*world.services.redis.keys(world.names.prefix.replace("{", "\\{") + "*"))
    (slot,) = [slot for slot in shown(world, "tech-1") if slot["start"] == tomorrow(10)]
    assert slot["state"] == "booked"
    assert not can_be_held(world, caller, tomorrow(10), "tech-1")
