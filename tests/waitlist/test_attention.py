"""For whom the relay looks again, and for whom it knows that nothing has become free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.booking_changes import BookingPatch
from models.catalogue import PolicyPatch
from models.slot import Wish
from models.waitlist import WaitEntry
from services.availability.slots import Availability
from services.claims.events import OfferEvents
from services.claims.scripts import Scripts
from services.waitlist.attention import Line
from tests.bookings.evidence import lapse
from tests.waitlist.waiting import give_back, join, live_holds, noted, statuses, take
from tests.world import World, rfc3339, tomorrow


@dataclass
class Relay:
    """A relay that remembers, and what it looks for in a round; its clock runs as far ahead as it is told."""

    world: World
    ahead: timedelta = timedelta()
    searched: list[Wish] = field(default_factory=list)

    def __post_init__(self) -> None:
        services = self.world.services
        events = OfferEvents(services.redis, Scripts(services.redis))
        self.line = Line(self.world.org, events, services.grid, lambda: datetime.now(UTC) + self.ahead)

    def tend(self) -> int:
        """A round; for how many it looked."""
        self.searched.clear()
        self.world.services.offers.round(self.world.org, self.line)
        return len(self.searched)


@pytest.fixture
def relay(world: World, monkeypatch: pytest.MonkeyPatch) -> Relay:
    made, search = Relay(world), Availability.first_openings

    def count(self: Availability, org: str, wish: Wish, *rest: Any) -> Any:
        made.searched.append(wish)
        return search(self, org, wish, *rest)

    monkeypatch.setattr(Availability, "first_openings", count)
    return made


def test_whoever_found_nothing_is_not_looked_for_until_something_happens(world: World, relay: Relay) -> None:
    booking_id = take(world)
    entry = join(world)
    assert [relay.tend() for _ in range(3)] == [1, 0, 0]
    give_back(world, booking_id)
    assert relay.tend() == 1
    assert statuses(world, entry) == ["offered"]


def test_whoever_joins_is_looked_for(world: World, relay: Relay) -> None:
    take(world)
    first = join(world)
    relay.tend()
    second = join(world, begin=tomorrow(11), end=tomorrow(12))
    relay.tend()
    assert statuses(world, first, second) == ["waiting", "offered"]


def elsewhere(world: World) -> None:
    give_back(world, take(world, 10, property_id="prop-2", technician_id="tech-2"))


def later(world: World) -> None:
    give_back(world, take(world, 10 + 3 * 24))


def taken_only(world: World) -> None:
    take(world, 13)


def same_place(world: World) -> None:
    give_back(world, take(world, 12, technician_id="tech-2"))


def same_person(world: World) -> None:
    give_back(world, take(world, 12, property_id="prop-2"))


def other_policy(world: World) -> None:
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(buffer_after_minutes=15))


@pytest.mark.parametrize(
    ("happens", "looks"),
    [(elsewhere, 1), (later, 0), (taken_only, 0), (same_place, 2), (same_person, 2), (other_policy, 2)],
)
def test_only_those_whom_it_concerns_are_looked_for_again(
    world: World, relay: Relay, happens: Callable[[World], None], looks: int
) -> None:
    """One waits for tech-1 at prop-1, one for anybody there; the property is taken."""
    take(world)
    join(world)
    join(world, technician_id=None)
    assert [relay.tend(), relay.tend()] == [2, 0]
    happens(world)
    assert [relay.tend(), relay.tend()] == [looks, 0]


def test_where_a_visit_was_moved_from_is_offered(world: World, relay: Relay) -> None:
    booking_id = take(world)
    entry = join(world)
    relay.tend()
    patch = BookingPatch.model_validate({"start": rfc3339(tomorrow(10) + timedelta(days=5))})
    world.services.booking_life.reschedule(world.caller("desk"), booking_id, patch, 1)
    relay.tend()
    assert statuses(world, entry) == ["offered"]


@pytest.mark.parametrize("known_before", [True, False], ids=["from the event", "from the time before this relay"])
def test_a_hold_that_is_over_is_looked_for_though_nothing_tells_of_it(
    world: World, relay: Relay, known_before: bool
) -> None:
    if known_before:
        relay.tend()
    held = world.services.holds.place(world.caller("desk"), world.hold_request(ttl_seconds=120)).hold.hold_id
    entry = join(world)
    assert [relay.tend(), relay.tend()] == [1, 0]
    relay.ahead = timedelta(seconds=50)
    assert relay.tend() == 0
    lapse(world, held)
    relay.ahead, relay.line._everybody_at = timedelta(seconds=121), datetime.now(UTC) + timedelta(seconds=121)
    assert relay.tend() == 1
    assert statuses(world, entry) == ["offered"]


def test_now_and_then_everybody_is_looked_for(world: World, relay: Relay) -> None:
    take(world)
    join(world)
    assert [relay.tend(), relay.tend()] == [1, 0]
    relay.ahead = timedelta(minutes=1)
    assert [relay.tend(), relay.tend()] == [1, 0]


def silently_freed(world: World, relay: Relay) -> tuple[WaitEntry, WaitEntry]:
    """One is known to have nothing; nothing tells that this is no longer so, and another one joins."""
    held = world.services.holds.place(world.caller("desk"), world.hold_request()).hold.hold_id
    first = join(world)
    relay.tend()
    lapse(world, held)
    second = join(world, technician_id=None)
    relay.tend()
    return first, second


def test_nobody_who_is_not_looked_for_is_passed_over(world: World, relay: Relay) -> None:
    assert statuses(world, *silently_freed(world, relay)) == ["offered", "waiting"]


def test_without_a_second_look_he_would_be(world: World, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the same with the guard off."""
    monkeypatch.setattr("services.waitlist.rounds._could_use", lambda *_: False)
    assert statuses(world, *silently_freed(world, relay)) == ["waiting", "offered"]


def test_many_who_find_nothing_are_not_looked_for_again_at_each_offer(world: World, relay: Relay) -> None:
    """All wait for one day at one property, and only short visits find room."""
    take(world, 10, duration_minutes=60)
    take(world, 12, duration_minutes=60)
    window = {"begin": tomorrow(10), "end": tomorrow(13)}
    waiting = [join(world, "desk", duration_minutes=75 + 15 * number, **window) for number in range(6)]
    served = [join(world, "desk", duration_minutes=15, **window) for _ in range(4)]
    assert relay.tend() == len(waiting) + len(served)
    assert statuses(world, *waiting) == ["waiting"] * 6
    assert statuses(world, *served) == ["offered"] * 4
    assert len(live_holds(world)) == 4
    assert relay.tend() == 0


def test_a_window_at_the_end_of_all_time_stops_nobody(world: World, relay: Relay) -> None:
    far, entry = join(world), join(world, technician_id=None)
    changed = {"to": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "duration_minutes": 1440}
    world.services.db["waitlist"].update_one({"_id": far.waitlist_id}, {"$set": changed})
    relay.tend()
    assert statuses(world, far, entry) == ["waiting", "offered"]
    assert noted(world, far)["hold_id"] is None
