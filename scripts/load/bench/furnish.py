"""What the orgs of a bench run have before it: properties, technicians, other orgs, live holds, bookings.

The service makes one of each kind. Its copies go straight into MongoDB, and the relay announces them as it announces
every change. Holds come in over the API, and live for longer than the run.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus

from scripts.dev_server.child import wait_until
from scripts.load.bench.holdfast import Holdfast, Seat
from scripts.load.bench.preload import await_mirrors, preload
from scripts.load.bench.sides import HOLD, RELAY, expect, rest
from scripts.load.bench.slots import NEAREST_DAY, first_day
from scripts.load.client.target import Document, Target, Unreachable
from scripts.load.client.wire import request_bytes

LONG_HOLDS = {"max_hold_seconds": 7200}
KNOWN_SECONDS = 60.0
ASKED_TIMES = 8
"""A new key answers so often in a row that each worker has answered it."""


@dataclass(frozen=True)
class Size:
    """What a server has. technicians: of each org, each with a property; holds: live ones; bookings: see preload."""

    bookings: int = 0
    technicians: int = 100
    orgs: int = 1
    holds: int = 0


def seats_of(target: Target, size: Size) -> list[Seat]:
    """Makes the orgs with their properties and technicians; `target` has the first org. Raises Unreachable."""
    run = f"bench{secrets.token_hex(3)}"
    names = [(f"{run}-p{number}", f"{run}-t{number}") for number in range(size.technicians)]
    for path, name in zip(("/properties", "/technicians"), names[0], strict=True):
        target.demand(201, "POST", path, body={"id": name, "name": "Bench"})
    targets = [target, *(another_org(target, f"{target.org}-{number}") for number in range(1, size.orgs))]
    with target.mongo() as database:
        for place, kind in enumerate(("properties", "technicians")):
            first = database[kind].find_one({"_id": f"{target.org}/{names[0][place]}"}) or {}
            wanted = [(each.org, pair[place]) for each in targets for pair in names][1:]
            copies = [{**first, "_id": f"{org}/{name}", "org": org, "id": name} for org, name in wanted]
            if copies:
                database[kind].insert_many(copies, ordered=False)
    _await_known(targets)
    # Neighbours in the list are of different orgs, so that each volley reaches all of them.
    return [Seat(each, *pair) for pair in names for each in targets]


def another_org(target: Target, org: str) -> Target:
    """An org like the target's, with a key of each role, in the same stores."""
    made = replace(target, org=org, keys={role: f"hf_{role}_{secrets.token_urlsafe(24)}" for role in target.keys})
    with target.mongo() as database:
        like = database.orgs.find_one({"_id": target.org}) or {}
        database.orgs.insert_one({**like, "_id": org})
        records = [_key_record(key, org, role) for role, key in made.keys.items()]
        database.api_keys.insert_many(records)
    return made


def _key_record(key: str, org: str, role: str) -> Document:
    now = datetime.now(UTC)
    record = {
        "_id": sha256(key.encode()).hexdigest(),
        "org": org,
        "role": role,
        "key_id": f"key_{secrets.token_hex(6)}",
    }
    return {**record, "revoked": False, "created_at": now, "changed_at": now}


def _await_known(targets: list[Target]) -> None:
    """Returns when every worker knows the orgs, and their mirrors are whole. Raises Unreachable."""
    rest(dict(targets[0].pids)[RELAY], KNOWN_SECONDS)

    def known() -> bool:
        return all(targets[-1].call("GET", "/policy")[0] == HTTPStatus.OK for _ in range(ASKED_TIMES))

    if not wait_until(known, seconds=KNOWN_SECONDS):
        raise Unreachable("the service did not learn the key of a new org")
    await_mirrors(targets, KNOWN_SECONDS)


def furnish(side: Holdfast, size: Size, say: Callable[[str], None]) -> None:
    """Gives a side its live holds and bookings. Raises Unreachable."""
    if size.holds:
        say(f"{side.label}: placing {size.holds:,} holds")
        place_holds(side, size.holds)
    if size.bookings:
        preload(side, size.bookings, datetime.now(UTC), lambda text: say(f"{side.label}: {text}"))


def place_holds(side: Holdfast, count: int) -> None:
    """Live holds in the days before the measured ones."""
    seats = side.seats
    if count > len(seats) * (NEAREST_DAY - 2) * 24:
        raise Unreachable(f"at most {len(seats) * (NEAREST_DAY - 2) * 24} live holds fit")
    for target in {seat.target.org: seat.target for seat in seats}.values():
        target.demand(200, "PATCH", "/policy", body=LONG_HOLDS)
    requests = []
    for number in range(count):
        hour, at = divmod(number, len(seats))
        slot = seats[at].at(first_day() - timedelta(hours=hour + 1))
        body = {**slot, "holder": f"bench-early-{number:08d}", "ttl_seconds": LONG_HOLDS["max_hold_seconds"]}
        requests.append(request_bytes("POST", "/hold", key=seats[at].target.keys["checkout"], body=body))
    expect(HOLD, side.pump.fire(requests))
