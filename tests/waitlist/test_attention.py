"""Which entries the relay searches for again, and for which it knows that nothing is free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.booking_changes import BookingPatch
from models.catalogue import PolicyPatch, PropertyCreate
from models.slot import Wish
from models.waitlist import WaitEntry
from services.availability.slots import Availability
from services.claims.events import OfferEvents
from services.claims.scripts import Scripts
from services.waitlist.attention import Attention
from services.waitlist.rounds import Offers
from tests.bookings.evidence import lapse
from tests.waitlist.waiting import give_back, join, live_holds, noted, statuses, take
from tests.world import World, rfc3339, tomorrow


@dataclass
class Relay:
    """A relay that remembers its searches. `searched`: the wishes of the last round. `ahead`: how fast its clock is."""

    world: World
    ahead: timedelta = timedelta()
    searched: list[Wish] = field(default_factory=list)

    def __post_init__(self) -> None:
        services = self.world.services
        events = OfferEvents(services.redis, Scripts(services.redis))
        places = services.offers._openings.places
        self.attention = Attention(
            self.world.org, events, services.grid, lambda: datetime.now(UTC) + self.ahead, places
        )

    def tend(self) -> int:
        """Makes a round. Returns the number of its searches."""
        self.searched.clear()
        self.world.services.offers.round(self.world.org, self.attention)
        return len(self.searched)


@pytest.fixture
def relay(world: World, monkeypatch: pytest.MonkeyPatch) -> Relay:
    made, search = Relay(world), Availability.first_openings

    def count(self: Availability, org: str, wish: Wish, *rest: Any) -> Any:
        made.searched.append(wish)
        return search(self, org, wish, *rest)

    monkeypatch.setattr(Availability, "first_openings", count)
    return made


def test_an_entry_for_which_nothing_is_free_is_not_searched_again_before_an_event(world: World, relay: Relay) -> None:
    booking_id = take(world)
    entry = join(world)
    assert [relay.tend() for _ in range(3)] == [1, 0, 0]
    give_back(world, booking_id)
    assert relay.tend() == 1
    assert statuses(world, entry) == ["offered"]


def test_a_new_entry_is_searched_for(world: World, relay: Relay) -> None:
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


def same_property(world: World) -> None:
    give_back(world, take(world, 12, technician_id="tech-2"))


def same_technician(world: World) -> None:
    give_back(world, take(world, 12, property_id="prop-2"))


def other_policy(world: World) -> None:
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(buffer_after_minutes=15))


@pytest.mark.parametrize(
    ("happens", "searches"),
    [(elsewhere, 1), (later, 0), (taken_only, 0), (same_property, 2), (same_technician, 2), (other_policy, 2)],
)
def test_an_event_leads_to_searches_for_the_entries_that_it_concerns(
    world: World, relay: Relay, happens: Callable[[World], None], searches: int
) -> None:
    """One entry waits for tech-1 at prop-1, one for any technician there. The property is booked."""
    take(world)
    join(world)
    join(world, technician_id=None)
    assert [relay.tend(), relay.tend()] == [2, 0]
    happens(world)
    assert [relay.tend(), relay.tend()] == [searches, 0]


def flat_of(world: World) -> str:
    """The id of a unit of prop-1."""
    return world.services.units.create(world.org, PropertyCreate(id="flat", name="Flat", parent_id="prop-1")).id


def test_an_entry_for_a_building_is_searched_for_when_one_of_its_units_is_freed(world: World, relay: Relay) -> None:
    booking_id = take(world, property_id=flat_of(world), technician_id="tech-2")
    entry = join(world)
    assert [relay.tend(), relay.tend()] == [1, 0]
    give_back(world, booking_id)
    assert relay.tend() == 1
    assert statuses(world, entry) == ["offered"]


def test_the_old_slot_of_a_moved_visit_is_offered(world: World, relay: Relay) -> None:
    booking_id = take(world)
    entry = join(world)
    relay.tend()
    patch = BookingPatch.model_validate({"start": rfc3339(tomorrow(10) + timedelta(days=5))})
    world.services.booking_life.reschedule(world.caller("desk"), booking_id, patch, 1)
    relay.tend()
    assert statuses(world, entry) == ["offered"]


@pytest.mark.parametrize("known_before", [True, False], ids=["hold known from its event", "hold older than this relay"])
def test_a_hold_that_runs_out_leads_to_a_search_though_it_has_no_event(
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
    relay.ahead, relay.attention._all_searched_at = timedelta(seconds=121), datetime.now(UTC) + timedelta(seconds=121)
    assert relay.tend() == 1
    assert statuses(world, entry) == ["offered"]


def test_every_entry_is_searched_for_once_a_minute(world: World, relay: Relay) -> None:
    take(world)
    join(world)
    assert [relay.tend(), relay.tend()] == [1, 0]
    relay.ahead = timedelta(minutes=1)
    assert [relay.tend(), relay.tend()] == [1, 0]


def silently_freed(world: World, relay: Relay, **second_waits_for: Any) -> tuple[WaitEntry, WaitEntry]:
    """An entry for tech-1 at prop-1 is idle, its slot becomes free without an event, and a second entry joins."""
    at = second_waits_for.get("property_id", "prop-1")
    held = world.services.holds.place(world.caller("desk"), world.hold_request(property_id=at)).hold.hold_id
    first = join(world)
    relay.tend()
    lapse(world, held)
    second = join(world, **{"technician_id": None, **second_waits_for})
    relay.tend()
    return first, second


def test_an_idle_entry_is_searched_for_before_a_newer_one_gets_its_slot(world: World, relay: Relay) -> None:
    assert statuses(world, *silently_freed(world, relay)) == ["offered", "waiting"]


def test_an_idle_entry_for_a_building_is_searched_for_before_a_newer_one_gets_a_unit(
    world: World, relay: Relay
) -> None:
    both = silently_freed(world, relay, property_id=flat_of(world), technician_id="tech-3")
    assert statuses(world, *both) == ["offered", "waiting"]


def test_without_that_second_search_the_newer_entry_gets_the_slot(
    world: World, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same with the guard off."""
    monkeypatch.setattr(Offers, "_could_use", lambda *_: False)
    assert statuses(world, *silently_freed(world, relay)) == ["waiting", "offered"]


def test_an_offer_does_not_lead_to_new_searches_for_the_entries_that_found_nothing(world: World, relay: Relay) -> None:
    """All entries wait for one day at one property, and only short visits fit."""
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


def test_a_window_at_the_end_of_the_calendar_does_not_stop_the_round(world: World, relay: Relay) -> None:
    far, entry = join(world), join(world, technician_id=None)
    changed = {"to": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "duration_minutes": 1440}
    world.services.db["waitlist"].update_one({"_id": far.waitlist_id}, {"$set": changed})
    relay.tend()
    assert statuses(world, far, entry) == ["waiting", "offered"]
    assert noted(world, far)["hold_id"] is None
