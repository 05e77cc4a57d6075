"""One person joins for one thing many times at one moment: exactly one entry is made.

The negative control shows that this test sees a second entry.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import pytest

from models.access import IdempotencyClaim
from models.errors import AlreadyExists, RequestInProgress
from services.waitlist.store import WaitlistStore
from tests.system.race.together import CROWD, Meeting, at_once, fresh_slots
from tests.waitlist.waiting import request
from tests.world import World, rfc3339

ROUNDS = 6
BOTH = {"name": "Alice", "phone": "+45 31 31 31 31", "email": "alice@example.org"}
PHONE = {"name": "Somebody else", "phone": "+45 (31) 31-31-31"}


def entries_of_each_race(world: World) -> list[int]:
    """Alice gives her phone, or her e-mail too; each of her requests comes from another address."""
    alice, found = world.caller("checkout"), []
    for start in fresh_slots(ROUNDS):
        world.services.bookings.book(world.caller("desk"), world.direct_request(start=rfc3339(start)))
        end = start.replace(hour=start.hour + 1)
        joins = [
            partial(
                world.services.waitlist.join,
                replace(alice, address=f"203.0.113.{number}"),
                request(start, end, customer=BOTH if number % 2 else PHONE),
            )
            for number in range(CROWD)
        ]
        outcome = at_once(joins)
        assert outcome.kinds() <= {AlreadyExists, RequestInProgress}
        live = {"org": world.org, "from": start, "unsettled": True}
        found.append(world.services.db["waitlist"].count_documents(live))
        assert found[-1] == len(outcome.values)
    return found


def test_a_person_who_joins_often_at_one_moment_waits_once(world: World) -> None:
    assert entries_of_each_race(world) == [1] * ROUNDS


def test_without_turns_a_person_waits_many_times(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the same race with the guard off. The first request waits until a second one has looked."""
    turns, meet, look = count(1), Meeting(), WaitlistStore.waits_already

    def look_and_meet(*asked: Any) -> bool:
        waits = look(*asked)
        meet()
        return waits

    monkeypatch.setattr(WaitlistStore, "last_turns", lambda *_: {"phone": next(turns), "email": next(turns)})
    monkeypatch.setattr(WaitlistStore, "waits_already", look_and_meet)
    assert max(entries_of_each_race(world)) > 1


def test_one_request_that_comes_often_at_one_moment_gets_one_answer(world: World) -> None:
    world.services.bookings.book(world.caller("desk"), world.direct_request())
    claim = IdempotencyClaim("0123456789abcdef", "print")
    join = partial(world.services.waitlist.join, world.caller("checkout"), request(), claim)
    outcome = at_once([join] * CROWD)
    assert outcome.errors == []
    assert len({joined.entry.waitlist_id for joined in outcome.values}) == 1
    assert [joined.replayed for joined in outcome.values].count(False) == 1
