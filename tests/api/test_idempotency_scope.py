"""All browsers share the publishable key, so nobody gets the answer to another's idempotency key by guessing it."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.town import ALICES_BROWSER, Town, body_of, fault_codes, lasting, refused
from tests.world import World

HERE, THERE = "192.0.2.1", "192.0.2.2"
SHORT, LONG = "1", "a-random-key-5f1c9a7be2d0"
TOO_SHORT = {("Idempotency-Key", "too_short")}


def post(world: World, path: str, body: Any, key: str, *, address: str = HERE, role: str = "checkout") -> TestResponse:
    headers = {**world.auth(role), "Idempotency-Key": key}
    return world.client().post(path, json=body, headers=headers, environ_overrides={"REMOTE_ADDR": address})


def test_a_hold_of_another_address_is_not_given_away(fake_world: World, town: Town) -> None:
    victim = post(fake_world, "/hold", town.slot(), LONG)
    assert victim.status_code == 201
    refused(post(fake_world, "/hold", town.slot(), LONG, address=THERE), 409, "slot_held")
    again = post(fake_world, "/hold", town.slot(), LONG)
    assert (lasting(again), again.headers["Idempotency-Replayed"]) == (lasting(victim), "true")


@pytest.mark.parametrize("key", ["1", "x" * 15, '"fifteen letters"'])
def test_a_key_that_only_the_address_scopes_is_not_short(fake_world: World, town: Town, key: str) -> None:
    before = fake_world.marks()
    assert fault_codes(post(fake_world, "/hold", town.slot(), key)) == TOO_SHORT
    assert fake_world.marks() == before
    assert post(fake_world, "/hold", town.slot(), "x" * 16).status_code == 201


def test_a_short_key_is_named_beside_all_other_faults(fake_world: World, town: Town) -> None:
    found = fault_codes(post(fake_world, "/hold", {**town.slot(), "colour": "red"}, SHORT))
    assert {("colour", "unknown_field"), *TOO_SHORT} <= found


def test_another_holder_with_the_same_key_makes_a_request_of_its_own(fake_world: World, town: Town) -> None:
    mine, other = town.slot(holder=ALICES_BROWSER), town.slot(12, holder="another-browser-0123456789")
    first = post(fake_world, "/hold", mine, SHORT)
    assert post(fake_world, "/hold", other, SHORT).status_code == 201
    again = post(fake_world, "/hold", mine, SHORT, address=THERE)
    assert (lasting(again), again.headers["Idempotency-Replayed"]) == (lasting(first), "true")


def test_a_key_of_a_request_about_a_hold_counts_for_that_hold(fake_world: World, town: Town) -> None:
    holds = [town.hold(8, holder=ALICES_BROWSER), town.hold(10, holder=ALICES_BROWSER)]
    for hold in holds:
        path = f"/hold/{hold['hold_id']}/extend"
        assert post(fake_world, path, {"ttl_seconds": 400}, SHORT).status_code == 200
        again = post(fake_world, path, {"ttl_seconds": 400}, SHORT, address=THERE)
        assert again.headers["Idempotency-Replayed"] == "true"
    bookings = set()
    for hold in holds:
        book = {"hold_id": hold["hold_id"], "customer": {"name": "Alice"}}
        first, again = (post(fake_world, "/book", book, "2") for _ in range(2))
        assert (first.status_code, body_of(again)["booking_id"]) == (201, body_of(first)["booking_id"])
        bookings.add(body_of(first)["booking_id"])
    assert len(bookings) == 2


@pytest.mark.parametrize("role", ["bot", "desk", "admin"])
def test_a_key_of_another_role_counts_for_its_api_key_as_before(fake_world: World, town: Town, role: str) -> None:
    first = post(fake_world, "/hold", town.slot(), SHORT, role=role)
    again = post(fake_world, "/hold", town.slot(), SHORT, role=role, address=THERE)
    assert (first.status_code, body_of(again)) == (201, body_of(first))
    refused(post(fake_world, "/hold", town.slot(12), SHORT, role=role), 422, "idempotency_key_reused")


def test_a_place_on_the_waitlist_is_not_given_away(fake_world: World, town: Town) -> None:
    town.hold(10, key="desk")
    wish = {"property_id": "prop-1", "from": town.slot()["start"], "to": town.slot(11)["start"]}
    body = {**wish, "customer": {"name": "Alice"}}
    assert fault_codes(post(fake_world, "/waitlist", body, SHORT)) == TOO_SHORT
    first, again = (post(fake_world, "/waitlist", body, LONG) for _ in range(2))
    assert (first.status_code, body_of(again)["waitlist_id"]) == (201, body_of(first)["waitlist_id"])
    other = post(fake_world, "/waitlist", body, LONG, address=THERE)
    assert other.status_code == 201
    assert body_of(other)["waitlist_id"] != body_of(first)["waitlist_id"]
