"""What tests of the services read from both stores, and how they move time without waiting."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from models.access import Caller, IdempotencyClaim, Role
from models.booking import Booking, BookRequest
from models.hold import Hold
from models.slot import SlotFields, Visit
from services import Services, build_services
from services.bookings.confirming import Draft
from services.claims.claims import Claims
from services.claims.keys import OrgKeys
from services.claims.placements import Pinned
from services.claims.scripts import Scripts
from services.ids import HoldIds, booking_id_for
from services.ledger.store import BookingStore
from tests.claim_keys import end_claims, record_in_words
from tests.redis_dump import dump
from tests.world import SECRET, World, name_of, settings

COLLECTIONS = ("bookings", "orgs", "properties", "technicians")


def everything(world: World) -> dict[str, Any]:
    """All data of a world's two orgs in both stores."""
    found: dict[str, Any] = {org: dump(world.services.redis, org) for org in (world.org, world.other_org)}
    for name in COLLECTIONS:
        owner = "_id" if name == "orgs" else "org"
        query = {owner: {"$in": [world.org, world.other_org]}}
        found[name] = list(world.services.db[name].find(query).sort("_id", 1))
    return found


def another_server(world: World, **changed: Any) -> Services:
    """A second process over the same stores, with its own memory."""
    return build_services(settings(**changed), redis=world.services.redis, mongo=world.services.db)


def record(world: World, hold_id: str) -> dict[str, str]:
    """A hold's record in Redis, in words."""
    client: Any = world.services.redis
    return record_in_words(client.hgetall(world.names.hold(name_of(hold_id))))


def id_of(world: World, name: str) -> str:
    """The id that the holder of a hold has."""
    found = claims_of(world).find(world.org, name)
    assert found is not None
    return HoldIds(SECRET).seal(world.org, found.key_id, name, found.visit)


def lasting(hold: Hold) -> Hold:
    """A hold without the seconds that it has left, which a slow machine sees go by between two looks at it."""
    return hold.model_copy(update={"remaining_seconds": 0})


def lapse(world: World, hold_id: str) -> None:
    """Ends a hold as its expiry would: its claims are gone, and its record has an end in the past."""
    client: Any = world.services.redis
    name, found = name_of(hold_id), record(world, hold_id)
    over = round(datetime.now(UTC).timestamp() * 1000) - 1
    client.hset(world.names.hold(name), "expires_ms", over)
    for key in client.scan_iter(match=f"hf3:?{world.org}?:*", count=1000, _type="zset"):
        if client.zscore(key, name) == float(found["expires_ms"]):
            client.zadd(key, {name: over})
    end_claims(client, world.names, name)


def make_overdue(world: World, hold_id: str) -> None:
    """Moves the deadline of a pin into the past."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    world.services.redis.zadd(world.names.pins, {name_of(hold_id): round(past.timestamp() * 1000)})


def lose_redis(world: World) -> None:
    """Deletes every key of a world's two orgs, as a lost Redis would."""
    client: Any = world.services.redis
    for org in (world.org, world.other_org):
        for key in client.scan_iter(match=f"hf3:?{org}?:*", count=1000):
            client.delete(key)


def owners(world: World) -> dict[str, int]:
    """The number of claims per `state owner`."""
    counts: dict[str, int] = {}
    for mark in filter(None, world.marks().values()):  # a mark may end between the listing of its key and the read
        owner = " ".join(mark.split("|")[:2])
        counts[owner] = counts.get(owner, 0) + 1
    return counts


def warm(world: World, epoch: str = "an epoch") -> None:
    """Sets the epoch, so that services trust the mirror again."""
    world.services.redis.set(OrgKeys(world.org).epoch, epoch)


def begin(world: World, caller: Caller, hold_id: str, key: IdempotencyClaim | None = None) -> None:
    """Begins to confirm a hold and stops before the insert, like a worker that died or is still busy."""
    name = name_of(hold_id)
    begun = claims_of(world).begin(world.org, name, caller.key_id, booking_id_for(world.org, name), key)
    assert isinstance(begun, Pinned)
    assert begun.first


def claims_of(world: World) -> Claims:
    """The claims that the world's services use, built anew over the same Redis."""
    client = world.services.redis
    return Claims(client, Scripts(client), confirm_window_ms=world.services.settings.confirm_window_ms)


def visits_for(world: World, slot: SlotFields) -> list[Visit]:
    """The visits that a slot may become now."""
    services = world.services
    snapshot, now = services.catalogue.snapshot(world.org), services.clock()
    wish = services.candidates.wish(snapshot, now, slot, Role.DESK)
    return [wish.at(*choice) for choice in services.candidates.choices(snapshot, now, wish).choices]


def insert_only(world: World, caller: Caller, request: BookRequest, hold_id: str | None = None) -> Booking:
    """Leaves what a worker leaves that dies right after its insert: a booking in MongoDB without a mirror in Redis."""
    services = world.services
    if hold_id is None:
        pin = f"d_{secrets.token_hex(8)}"
        slot = request.slot
        assert slot is not None
        visit = visits_for(world, slot)[0]
    else:
        pin = name_of(hold_id)
        visit = services.holds.get(caller, hold_id).visit
    policy = world.services.catalogue.policy(world.org)
    draft = Draft(caller, request, policy, booking_id_for(world.org, pin), pin, hold_id=hold_id and pin)
    now = datetime.now(UTC).replace(microsecond=0)
    booking = draft.booking(visit, visit.start, now, services.grid)
    assert BookingStore(services.db, 15).insert(booking).outcome == "inserted"
    return booking
