"""Scenarios: who asks for what, and what they carry over from one act to the next."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from scripts.load.client.steps import Exchange, Send
from scripts.load.players import plays
from scripts.load.players.person import Person
from scripts.load.scenarios.races import SCENARIOS
from scripts.load.scenarios.stage import World
from tests.load.test_players import steps

KEYS = {"checkout": "key-checkout", "desk": "key-desk", "bot": "key-bot"}
ACTS = [name for name, scenario in SCENARIOS.items() if scenario.prologue]


def world_for(name: str) -> World:
    scenario = SCENARIOS[name]
    properties = tuple(f"p{number}" for number in range(scenario.properties))
    technicians = tuple(f"t{number}" for number in range(scenario.technicians))
    units = tuple(f"u{number}" for number in range(scenario.units))
    buildings = {"p0": units} if units else {}
    return World("run", (*properties, *units), technicians, datetime(2031, 3, 4, tzinfo=UTC), KEYS, units=buildings)


def granted(person: Person, **reply: Any) -> Exchange:
    """What a person's first request is answered when it is granted."""
    sent = next(
        step
        for step in steps(person, [{"status": 201, "hold_id": "h"}] * 9)
        if isinstance(step, Send) and not step.drop
    )
    ids = {name: f"{name}-{person.tag}" for name in ("booking_id", "hold_id", "waitlist_id")}
    answered = {**sent.asked, **ids, "version": 1, **reply}
    return Exchange(
        sent.operation, sent.logical, sent.client, sent.asked, 1, 2, 201, answered, token=f"token-{person.tag}"
    )


def last_act(name: str, count: int = 100, seed: int = 3) -> tuple[World, list[Person]]:
    """The world before the last act when everything before was granted, and the people of that act."""
    scenario, world, rng = SCENARIOS[name], world_for(name), random.Random(seed)
    for act in scenario.prologue:
        world = replace(world, past=(*world.past, *map(granted, act(world, count, rng))))
    world = replace(world, deadlines={each.reply["booking_id"]: 100.0 for each in world.made("reserve")})
    return world, scenario.people(world, count, rng)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("count", [2, 100, 5000])
def test_as_many_people_as_asked_for_are_released_and_only_twins_share_a_tag(name: str, count: int) -> None:
    _, people = last_act(name, count)
    assert len({person.tag for person in people}) == (count // 2 if name == "retries" else count)
    holders: dict[str, str] = {}
    assert all(holders.setdefault(person.holder, person.tag) == person.tag for person in people)


@pytest.mark.parametrize("name", SCENARIOS)
def test_one_seed_gives_one_run_in_which_all_three_clients_play(name: str) -> None:
    people = last_act(name)[1]
    assert people == last_act(name)[1]
    assert {person.role for person in people} == {"web", "desk", "sms"}


@pytest.mark.parametrize("name", ["overlaps", "mixed", "retries", *ACTS])
def test_another_seed_gives_another_run(name: str) -> None:
    assert last_act(name, seed=5)[1] != last_act(name, seed=6)[1]


@pytest.mark.parametrize(
    ("name", "contested"), [("same-slot", None), ("same-property", "property_id"), ("same-technician", "technician_id")]
)
def test_one_resource_at_one_time_is_contested(name: str, contested: str | None) -> None:
    _, people = last_act(name)
    assert len({person.slot["start"] for person in people}) == 1
    for resource in ("property_id", "technician_id"):
        assert (len({person.slot[resource] for person in people}) == 1) == (contested in (None, resource))


def test_many_move_the_same_version_and_a_customer_moves_with_the_token_of_the_booking_alone() -> None:
    world, people = last_act("reschedule")
    movers = [person for person in people if person.play is plays.moves]
    assert len({mover.subject["booking_id"] for mover in movers}) < len(movers)
    customers = [mover for mover in movers if mover.role == "web"]
    tokens = {each.reply["booking_id"]: each.token for each in world.past}
    assert customers
    for customer in customers:
        assert customer.keys["checkout"] == tokens[customer.subject["booking_id"]]
        assert all(visit.keys() <= {"start", "duration_minutes", "technician_id"} for visit in customer.slots_after)


def test_reservations_are_confirmed_around_the_deadline_and_before_and_given_up_for_another_desk() -> None:
    _, people = last_act("reserve-deadline")
    assert {person.play for person in people} >= {plays.confirms, plays.cancels, plays.reserves_again, plays.races}
    moments = sorted(person.moment - 100.0 for person in people if person.play is plays.confirms)
    assert moments[0] < -1 < -0.5 < moments[2] < moments[-1] < 0.5


def test_players_that_wait_or_had_the_slot_play_on_under_their_own_names() -> None:
    world, people = last_act("waitlist")
    before = {each.tag: each.client for each in world.past}
    carried = [person for person in people if person.tag in before]
    assert len(carried) == len(before) == 70
    assert all(before[person.tag] == person.role for person in carried)
    assert {person.play for person in people} >= {
        plays.waits_and_is_late, plays.waits_and_books, plays.is_late, plays.releases, plays.checkout, plays.abandons,
    }  # fmt: skip
