"""POST /book a second time with the publishable key: who made the booking gets everything, others no personal data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.town import Town, body_of
from tests.bookings.reserving import Clock, seen_by
from tests.world import services_over

ALICE = {"name": "Alice", "phone": "+1 555 0100"}
DRIPS = "The tap drips; the key is under the mat."
KEY = "0123456789abcdef"


@pytest.fixture
def later(town: Town) -> Iterator[tuple[Town, Clock]]:
    """The same town, on a server whose clock can be moved."""
    clock, here = Clock(), town.world.services
    services = services_over(here.redis, here.db, clock)
    yield Town(seen_by(town.world, services)), clock
    services.access.close()


def ask(town: Town, hold: dict[str, Any], *, key: str = "checkout", **changed: Any) -> TestResponse:
    headers = {"Idempotency_Key": changed.pop("idempotency")} if "idempotency" in changed else {}
    body = {"hold_id": hold["hold_id"], "customer": ALICE, "description": DRIPS} | changed
    return town.call("POST", "/book", body, key=key, **headers)


def tells_all(reply: TestResponse) -> bool:
    """Whether the answer has the customer, the description and the token; else it has none of them."""
    body = body_of(reply)
    if "manage_token" in body:
        assert (body["customer"], body["description"]) == (ALICE, DRIPS)
        return True
    assert (body["customer"], body["description"]) == (None, None)
    assert "Alice" not in reply.text
    assert "drips" not in reply.text
    return False


def test_the_same_body_soon_after_gets_the_same_answer(town: Town) -> None:
    hold = town.hold()
    first, again = ask(town, hold), ask(town, hold)
    assert (first.status_code, again.status_code) == (201, 200)
    assert tells_all(first)
    assert body_of(again) == body_of(first)


@pytest.mark.parametrize(
    "changed",
    [
        {"customer": {"name": "z"}},
        {"customer": ALICE | {"phone": "+1 555 0199"}},
        {"description": ""},
        {"priority": "low"},
    ],
)
def test_who_has_the_holds_id_and_another_body_learns_nothing(town: Town, changed: dict[str, Any]) -> None:
    hold = town.hold()
    first = body_of(ask(town, hold))
    stranger = ask(town, hold, **changed)
    assert stranger.status_code == 200
    assert body_of(stranger)["booking_id"] == first["booking_id"]
    assert not tells_all(stranger)


def test_a_guessed_idempotency_key_learns_nothing(town: Town) -> None:
    hold = town.hold()
    ask(town, hold, idempotency=KEY)
    reply = ask(town, hold, idempotency=KEY, customer={"name": "z"})
    assert reply.status_code == 422 or not tells_all(reply)


@pytest.mark.parametrize("headers", [{}, {"idempotency": KEY}], ids=["same body", "same key"])
def test_after_fifteen_minutes_nobody_gets_it(later: tuple[Town, Clock], headers: dict[str, str]) -> None:
    town, clock = later
    hold = town.hold()
    assert tells_all(ask(town, hold, **headers))
    clock.ahead = timedelta(minutes=14, seconds=55)
    assert tells_all(ask(town, hold, **headers))
    clock.ahead = timedelta(minutes=15)
    late = ask(town, hold, **headers)
    assert late.status_code in (200, 201)
    assert not tells_all(late)


@pytest.mark.parametrize("end", ["manage-token", "erase"])
def test_once_staff_ended_the_token_nobody_gets_it(town: Town, end: str) -> None:
    hold = town.hold()
    made = body_of(ask(town, hold, idempotency=KEY))
    town.call("POST", f"/bookings/{made['booking_id']}/{end}", key="admin")
    for reply in (ask(town, hold), ask(town, hold, idempotency=KEY)):
        assert not tells_all(reply)


def test_other_keys_always_get_it(later: tuple[Town, Clock]) -> None:
    town, clock = later
    hold = town.hold(key="bot")
    first = body_of(ask(town, hold, key="bot"))
    clock.ahead = timedelta(minutes=30)
    again = body_of(ask(town, hold, key="bot", customer={"name": "z"}))
    assert (again["customer"], again["manage_token"]) == (ALICE, first["manage_token"])


def test_only_its_holder_sees_a_holds_id(town: Town) -> None:
    hold = town.hold(key="bot")
    made = body_of(ask(town, hold, key="bot"))
    path = f"/bookings/{made['booking_id']}"
    assert made["hold_id"] == hold["hold_id"]
    for key, seen in (("bot", True), (made["manage_token"], True), ("desk", False), ("admin", False)):
        for reply in (
            town.call("GET", path, key=key),
            town.call("PATCH", path, {"description": key}, key=key, If_Match="*"),
        ):
            assert (body_of(reply)["hold_id"] == hold["hold_id"]) is seen, (key, reply.text)
            assert (hold["hold_id"] in reply.text) is seen
    for key in ("bot", "desk", "admin"):
        reply = town.call("GET", "/bookings", key=key)
        assert [each["hold_id"] for each in body_of(reply)["bookings"]] == [None]
        assert hold["hold_id"] not in reply.text
    cancelled = town.call("POST", f"{path}/cancel", key="desk", Idempotency_Key="c")
    again = town.call("POST", f"{path}/cancel", key="desk", Idempotency_Key="c")
    assert hold["hold_id"] not in cancelled.text + again.text
