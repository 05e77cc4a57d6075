"""Marks that are kept for a confirmation stay kept when a slow worker mirrors the version that is being confirmed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from models.booking import ReserveRequest
from tests.world import World, rfc3339, tomorrow


def test_a_version_that_is_mirrored_late_does_not_end_kept_marks(world: World) -> None:
    services = world.services
    slot = {"property_id": "prop-1", "technician_id": "tech-1", "start": rfc3339(tomorrow())}
    request = ReserveRequest.model_validate(slot | {"reserved_by": "Alice"})
    made = services.bookings.reserve(world.caller("desk"), request).booking
    # A worker edited it a second before its deadline, and is slow to mirror that.
    soon = {"version": 2, "reserved_until": datetime.now(UTC) + timedelta(seconds=1)}
    services.db["bookings"].update_one({"_id": made.booking_id}, {"$set": soon})
    edited, mirror = services.booking_life._store.find(world.org, made.booking_id), services.booking_life._mirror
    assert edited
    assert mirror.keep(edited)
    assert mirror.apply(edited) is None
    left = [int(services.redis.pttl(key)) for key in world.claim_keys()]
    assert len(left) == 8
    assert min(left) > 3_000
