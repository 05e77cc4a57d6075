"""Offers to entries of the publishable key: how long they last, and that full shares stop nobody else."""

from __future__ import annotations

from models.catalogue import PolicyPatch
from tests.bookings.evidence import record
from tests.waitlist.waiting import give_back, join, seen, take, tend
from tests.world import World


def test_an_offer_lasts_no_longer_than_a_hold_of_the_publishable_key(world: World) -> None:
    taken = take(world)
    entry = join(world, "checkout", offer_minutes=60)
    assert entry.offer_minutes == 15
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(hold_seconds=40, max_hold_seconds=40))
    give_back(world, taken)
    tend(world)
    assert record(world, str(seen(world, entry).hold_id))["lifetime_ms"] == "40000"
