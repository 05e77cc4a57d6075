"""Acts that begin at the same moment, and the outcome of each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, zip_longest
from typing import Generic, TypeVar

from services.claims.claims import Claims
from services.claims.hold_records import HoldRecord
from services.claims.keys import OrgKeys
from services.claims.placements import Placed, Placement, Taken
from tests.claim_keys import claim_names
from tests.world import World, tomorrow

T = TypeVar("T")

ROUNDS = 25
CROWD = 20
"""How many act at once: fewer than a client has connections, so that none waits for a connection."""
PATIENCE = 30


class Outcome(Generic[T]):
    """The values of the acts that succeeded and the errors of the others."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self.errors: list[Exception] = []

    def kinds(self) -> set[type[Exception]]:
        return {type(error) for error in self.errors}


class Meeting:
    """Where the first that comes waits until a second one has come. So two have looked before one of them acts."""

    def __init__(self) -> None:
        self._comers = count(1)
        self._both_came = threading.Event()

    def __call__(self) -> None:
        if next(self._comers) == 2:
            self._both_came.set()
        assert self._both_came.wait(PATIENCE)


def at_once(acts: Sequence[Callable[[], T]], moments: Sequence[datetime] = ()) -> Outcome[T]:
    """Run each act in a thread of its own, all at one moment or each at its moment of `moments`."""
    outcome, barrier = Outcome[T](), threading.Barrier(len(acts))

    def run(act: Callable[[], T], moment: datetime | None) -> None:
        barrier.wait(PATIENCE)
        if moment:
            time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
        try:
            outcome.values.append(act())
        except Exception as error:
            outcome.errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in zip_longest(acts, moments)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(outcome.values) + len(outcome.errors) == len(acts)
    return outcome


def fresh_slots(rounds: int = ROUNDS) -> Iterator[datetime]:
    """A start for each round, so far apart that no two rounds share a claim."""
    for number in range(rounds):
        yield tomorrow(8) + timedelta(days=number // 2, hours=6 * (number % 2))


def mirrored(world: World) -> bool:
    """Whether Redis shows exactly the active bookings, and nothing is left pinned."""
    booked = {
        f"{claim['resource']}:{claim['tick']}": document["_id"]
        for document in world.bookings(active=True)
        for claim in document["claims"]
    }
    marks = {claim: mark.split("|") for claim, mark in world.marks().items()}
    shown = {claim: mark[1] for claim, mark in marks.items() if mark[0] == "booked"}
    pinned = [mark for mark in marks.values() if mark[0] in ("confirming", "moving")]
    return shown == booked and not pinned and not world.services.redis.exists(world.names.pins)


def check_then_set() -> Callable[[Claims, Placement], Placed | Taken]:
    """A claim that looks, and writes if the slot is free, as many booking systems do. It is right only without other
    requests: a second request for the same start looks before the first one writes.
    """
    meetings = dict[int, Meeting]()

    def place(claims: Claims, placement: Placement) -> Placed | Taken:
        request, visit, client = placement.request, placement.first_visit, claims._redis
        names = claim_names(OrgKeys(request.org), visit)
        taken = any(client.mget(names))
        meetings.setdefault(visit.start, Meeting())()
        if taken:
            return Taken([])
        for name in names:
            client.set(name, f"h|{request.hold_id}", px=placement.lifetime_ms)
        record = HoldRecord(
            hold_id=request.hold_id,
            status="held",
            owner=request.key_id,
            visit=visit,
            requested=placement.wish.start,
            created_ms=0,
            expires_ms=placement.lifetime_ms,
        )
        return Placed(record, "new")

    return place
