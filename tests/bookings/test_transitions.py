"""Every status and every action through the API: an allowed action happens once, any other changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, get_args

import pytest
from werkzeug.test import TestResponse

from models.booking import BookingStatus
from models.booking_changes import TRANSITIONS
from tests.api.town import Town, body_of, refused
from tests.bookings.evidence import everything
from tests.bookings.reserving import now_in_store, reservations_of, run_out, store_of
from tests.world import World

ACTIONS = ("confirm", "cancel", "complete", "no-show", "restore")
LEADS_TO = {
    "confirm": "confirmed",
    "cancel": "cancelled",
    "complete": "completed",
    "no-show": "no_show",
    "restore": "confirmed",
}
ALLOWED = {
    "pending": {"confirm", "cancel"},
    "confirmed": {"cancel", "complete", "no-show"},
    "confirmed reservation": {"cancel", "complete", "no-show"},
    "completed": {"restore"},
    "no_show": {"restore"},
    "cancelled": {"restore"},
    "restored": {"cancel", "complete", "no-show"},
    "expired": set[str](),
}
"""The actions that a booking allows in each state."""
ALREADY = {
    ("confirmed reservation", "confirm"),
    ("completed", "complete"),
    ("no_show", "no-show"),
    ("cancelled", "cancel"),
    ("restored", "restore"),
}
"""Actions that the booking already has behind it: their answer is the booking as it is."""
DO = [(state, action) for state, actions in ALLOWED.items() for action in sorted(actions)]
REFUSE = [
    (state, action)
    for state, action in product(ALLOWED, ACTIONS)
    if action not in ALLOWED[state] and (state, action) not in ALREADY
]


@pytest.fixture
def town(world: World) -> Town:
    world.begin_visits()
    return Town(world)


def act(town: Town, booking_id: str, action: str, reason: str | None = None, **headers: str) -> TestResponse:
    body = {"reason": reason} if reason else None
    return town.call("POST", f"/bookings/{booking_id}/{action}", body, key="desk", **headers)


def reserved(town: Town) -> str:
    reply = town.call("POST", "/reserve", town.slot() | {"reserved_by": "Carol"}, key="desk")
    assert reply.status_code == 201, reply.text
    return str(body_of(reply)["booking_id"])


def after(town: Town, booking_id: str, action: str) -> str:
    assert act(town, booking_id, action).status_code == 200
    return booking_id


def expire(town: Town, booking_id: str) -> str:
    booking = store_of(town.world).find(town.world.org, booking_id)
    assert booking is not None
    run_out(town.world, booking)
    assert reservations_of(town.world).current(now_in_store(town.world, booking)).status == "expired"
    return booking_id


def booked(town: Town) -> str:
    return str(town.book(key="desk")["booking_id"])


BRING: dict[str, Callable[[Town], str]] = {
    "pending": reserved,
    "confirmed": booked,
    "confirmed reservation": lambda town: after(town, reserved(town), "confirm"),
    "completed": lambda town: after(town, booked(town), "complete"),
    "no_show": lambda town: after(town, booked(town), "no-show"),
    "cancelled": lambda town: after(town, booked(town), "cancel"),
    "restored": lambda town: after(town, after(town, booked(town), "cancel"), "restore"),
    "expired": lambda town: expire(town, reserved(town)),
}


def test_the_tables_cover_every_status_and_every_action() -> None:
    assert {state.partition(" ")[0] for state in ALLOWED} - {"restored"} == set(get_args(BookingStatus))
    assert {action.replace("-", "_") for action in ACTIONS} == set(TRANSITIONS) - {"expire"}
    assert len(DO) + len(REFUSE) + len(ALREADY) == len(ALLOWED) * len(ACTIONS)
    assert set(BRING) == set(ALLOWED)


@pytest.mark.parametrize(("state", "action"), DO)
def test_an_allowed_action_is_done(town: Town, state: str, action: str) -> None:
    booking_id = BRING[state](town)
    before = body_of(town.call("GET", f"/bookings/{booking_id}", key="desk"))
    reply = act(town, booking_id, action, "They said so.")
    body, version = body_of(reply), before["version"] + 1
    assert (reply.status_code, body["status"], body["version"]) == (200, LEADS_TO[action], version)
    assert reply.headers["ETag"] == f'"{version}"'
    *earlier, last = body["history"]
    assert (earlier, last["action"], last["at"]) == (before["history"], action.replace("-", "_"), body["updated_at"])
    assert last["by"] == town.world.caller("desk").name
    assert last["changes"] == {
        "status": {"from": before["status"], "to": LEADS_TO[action]},
        "reason": {"from": None, "to": "They said so."},
    }
    same = set(before) - {"status", "version", "history", "updated_at"}
    assert {name: body[name] for name in same} == {name: before[name] for name in same}
    (stored,) = town.world.bookings()
    assert (stored["status"], stored["active"]) == (LEADS_TO[action], LEADS_TO[action] == "confirmed")
    assert len(town.world.marks()) == (8 if LEADS_TO[action] == "confirmed" else 0)


@pytest.mark.parametrize(("state", "action"), REFUSE)
def test_any_other_action_is_refused_and_nothing_changes(town: Town, state: str, action: str) -> None:
    booking_id = BRING[state](town)
    before = everything(town.world)
    for headers in ({}, {"If_Match": f'"{town.world.bookings()[0]["version"]}"'}):
        refused(act(town, booking_id, action, "A reason.", **headers), 409, "invalid_transition")
    assert everything(town.world) == before


def repeats(version: int) -> Iterator[dict[str, str]]:
    """Headers of a repeat: no version, the version read before the first request, and the version read after it."""
    yield {}
    yield {"If_Match": f'"{version}"'}
    yield {"If_Match": f'"{version + 1}"'}


@pytest.mark.parametrize("guarded", [False, True], ids=["without If-Match", "with If-Match"])
@pytest.mark.parametrize(("state", "action"), DO)
def test_a_repeated_action_gives_the_same_answer(town: Town, state: str, action: str, guarded: bool) -> None:
    booking_id = BRING[state](town)
    (stored,) = town.world.bookings()
    first = act(town, booking_id, action, "A reason.", **({"If_Match": f'"{stored["version"]}"'} if guarded else {}))
    assert first.status_code == 200
    before = everything(town.world)
    for headers in repeats(stored["version"]):
        again = act(town, booking_id, action, "Another reason.", **headers)
        assert (again.status_code, body_of(again), again.headers["ETag"]) == (
            200,
            body_of(first),
            first.headers["ETag"],
        )
    assert everything(town.world) == before


@pytest.mark.parametrize(("state", "action"), sorted(ALREADY))
def test_an_action_that_was_done_already_answers_the_booking_as_it_is(town: Town, state: str, action: str) -> None:
    booking_id = BRING[state](town)
    shown = town.call("GET", f"/bookings/{booking_id}", key="desk")
    before = everything(town.world)
    reply = act(town, booking_id, action)
    assert (reply.status_code, body_of(reply), reply.headers["ETag"]) == (200, body_of(shown), shown.headers["ETag"])
    assert everything(town.world) == before


@pytest.mark.parametrize("stale", ['"9"', '"other"'])
@pytest.mark.parametrize(("state", "action"), DO)
def test_an_action_on_a_stale_version_is_refused(town: Town, state: str, action: str, stale: str) -> None:
    booking_id = BRING[state](town)
    before = everything(town.world)
    refused(act(town, booking_id, action, If_Match=stale), 412, "version_conflict")
    assert everything(town.world) == before


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_on_an_overdue_reservation_finds_it_expired(town: Town, action: str) -> None:
    booking_id = reserved(town)
    booking = store_of(town.world).find(town.world.org, booking_id)
    assert booking is not None
    run_out(town.world, booking)
    for _ in range(2):
        refused(act(town, booking_id, action), 409, "invalid_transition")
    shown: dict[str, Any] = body_of(town.call("GET", f"/bookings/{booking_id}", key="desk"))
    assert (shown["status"], shown["version"], shown["history"][-1]["by"]) == ("expired", 2, "system")
