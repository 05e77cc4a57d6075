"""POST /bookings/{booking_id}/confirm, /complete and /no-show; and what a customer may do with their own booking.

tests/bookings/test_transitions.py covers each action in every status.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from models.catalogue import PolicyPatch
from tests.api.town import Town, body_of, fault_codes, refused
from tests.bookings.evidence import everything
from tests.bookings.reserving import Clock, seen_by
from tests.redis_dump import dump
from tests.world import services_over

STAFF_ACTIONS = ("confirm", "complete", "no-show")


def bring(town: Town, action: str, hour: int = 10) -> str:
    """Makes a booking that allows this action, and returns its id."""
    if action in ("complete", "no-show"):
        town.world.begin_visits()
    if action != "confirm":
        return str(town.book(hour)["booking_id"])
    wanted = town.slot(hour) | {"reserved_by": "Carol"}
    return str(body_of(town.call("POST", "/reserve", wanted, key="desk"))["booking_id"])


@pytest.mark.parametrize("role", ["desk", "admin"])
@pytest.mark.parametrize("action", STAFF_ACTIONS)
def test_staff_act_on_a_booking_and_give_a_reason(town: Town, action: str, role: str) -> None:
    path = f"/bookings/{bring(town, action)}"
    reply = town.call("POST", f"{path}/{action}", {"reason": "They rang."}, key=role)
    body = body_of(reply)
    assert (reply.status_code, body["version"], reply.headers["ETag"]) == (200, 2, '"2"')
    assert "manage_token" not in body
    last = body["history"][-1]
    assert (last["by"].partition(":")[0], last["changes"]["reason"]) == (role, {"from": None, "to": "They rang."})
    assert "history" not in body_of(town.call("GET", path, key="bot"))
    assert body_of(town.call("GET", path, key="desk")) == body


@pytest.mark.parametrize("action", STAFF_ACTIONS)
def test_admission(town: Town, action: str) -> None:
    booking_id = bring(town, action)
    before = everything(town.world)
    town.check_admission("POST", f"/bookings/{booking_id}/{action}", roles=frozenset({"desk", "admin"}))
    for own_or_not in (booking_id, "bk_another"):
        token = town.world.services.access.manage_tokens.make(town.world.org, own_or_not)
        refused(town.call("POST", f"/bookings/{booking_id}/{action}", key=token), 403, "forbidden")
    assert everything(town.world) == before


@pytest.mark.parametrize("action", [*STAFF_ACTIONS, "cancel"])
def test_another_orgs_booking_or_a_missing_one_is_not_found(town: Town, action: str) -> None:
    booking_id = bring(town, action)
    before = everything(town.world)
    refused(town.call("POST", f"/bookings/{booking_id}/{action}", key="rival"), 404, "booking_not_found")
    refused(town.call("POST", f"/bookings/bk_nobody/{action}", key="desk"), 404, "booking_not_found")
    assert everything(town.world) == before


@pytest.mark.parametrize("action", STAFF_ACTIONS)
def test_a_bad_id_body_and_header_are_named_together(town: Town, action: str) -> None:
    reply = town.call("POST", f"/bookings/a%20b/{action}", {"reason": 7, "why": 1}, key="desk", If_Match="1")
    assert fault_codes(reply) == {
        ("booking_id", "bad_id"),
        ("reason", "wrong_type"),
        ("why", "unknown_field"),
        ("If-Match", "bad_if_match"),
    }


@pytest.mark.parametrize("action", STAFF_ACTIONS)
def test_an_idempotency_key_gives_the_first_answer_again(town: Town, action: str) -> None:
    booking_id = bring(town, action)
    path = f"/bookings/{booking_id}"
    first = town.call("POST", f"{path}/{action}", key="desk", Idempotency_Key="a-1")
    assert first.status_code == 200
    if action == "confirm":
        assert town.call("POST", f"{path}/cancel", key="desk").status_code == 200
    again = town.call("POST", f"{path}/{action}", key="desk", Idempotency_Key="a-1")
    assert (again.status_code, body_of(again), again.headers["ETag"]) == (200, body_of(first), '"2"')
    assert again.headers["Idempotency-Replayed"] == "true"
    other = town.call("POST", f"{path}/{action}", {"reason": "Other."}, key="desk", Idempotency_Key="a-1")
    refused(other, 422, "idempotency_key_reused")


def test_a_refusal_keeps_no_idempotency_key(town: Town) -> None:
    booking_id = bring(town, "confirm")
    path = f"/bookings/{booking_id}/complete"
    town.world.begin_visits()
    refused(town.call("POST", path, key="desk", Idempotency_Key="a-1"), 409, "invalid_transition")
    town.call("POST", f"/bookings/{booking_id}/confirm", key="desk")
    assert town.call("POST", path, key="desk", Idempotency_Key="a-1").status_code == 200


@pytest.mark.parametrize("what", ["book", "reserve"])
def test_inside_the_cancellation_window_only_staff_cancel(town: Town, what: str) -> None:
    town.world.services.catalogue_desk.patch_policy(town.world.org, PolicyPatch(cancel_window_minutes=3 * 24 * 60))
    ids = [bring(town, "confirm" if what == "reserve" else "cancel", hour) for hour in (8, 10)]
    before = everything(town.world)
    token = town.world.services.access.manage_tokens.make(town.world.org, ids[0])
    for key in ("bot", token):
        refused(town.call("POST", f"/bookings/{ids[0]}/cancel", key=key), 409, "too_late")
    assert everything(town.world) == before
    for booking_id, key in zip(ids, ("desk", "admin"), strict=True):
        assert town.call("POST", f"/bookings/{booking_id}/cancel", key=key).status_code == 200
    # A repeat on a cancelled booking answers 200 to the customer too.
    assert town.call("POST", f"/bookings/{ids[0]}/cancel", key=token).status_code == 200


def test_a_customer_reads_and_cancels_their_own_booking_and_nothing_else(town: Town) -> None:
    own = body_of(town.call("POST", "/reserve", town.slot() | {"reserved_by": "Carol"}, key="desk"))
    other, token, path = town.book(12), own["manage_token"], f"/bookings/{own['booking_id']}"
    seen = body_of(town.call("GET", path, key=token))
    assert (seen["status"], seen["reserved_until"]) == ("pending", own["reserved_until"])
    assert not {"history", "manage_token"} & set(seen)
    before = everything(town.world)
    for action in STAFF_ACTIONS:
        refused(town.call("POST", f"{path}/{action}", key=token), 403, "forbidden")
    refused(town.call("GET", "/bookings", key=token), 403, "forbidden")
    refused(town.call("POST", "/book", town.slot(14) | {"customer": {"name": "Eve"}}, key=token), 403, "forbidden")
    for method, action in (("GET", ""), ("POST", "/cancel")):
        refused(town.call(method, f"/bookings/{other['booking_id']}{action}", key=token), 404, "booking_not_found")
    assert everything(town.world) == before
    cancelled = body_of(town.call("POST", f"{path}/cancel", {"reason": "I moved."}, key=token))
    assert (cancelled["status"], "history" in cancelled) == ("cancelled", False)
    last = body_of(town.call("GET", path, key="desk"))["history"][-1]
    assert (last["by"].partition(":")[0], last["changes"]["reason"]["to"]) == ("customer", "I moved.")
    assert "history" not in body_of(town.call("POST", f"{path}/cancel", key="bot"))


@pytest.fixture
def later(town: Town) -> Iterator[tuple[Town, Clock]]:
    """The same town on a server with a movable clock."""
    clock, here = Clock(), town.world.services
    services = services_over(here.redis, here.db, clock)
    services.booking_life._store_clock = clock
    yield Town(seen_by(town.world, services)), clock
    services.access.close()


def test_after_the_visit_the_link_is_refused(later: tuple[Town, Clock]) -> None:
    town, clock = later
    made = town.book()
    path, token = f"/bookings/{made['booking_id']}", made["manage_token"]
    clock.ahead = timedelta(days=2)
    before = everything(town.world)
    refused(town.call("GET", path, key=token), 403, "forbidden")
    for key in (token, "bot"):
        refused(town.call("POST", f"{path}/cancel", key=key), 409, "too_late")
    assert everything(town.world) == before
    assert town.call("POST", f"{path}/complete", key="desk").status_code == 200


@pytest.mark.parametrize("action", STAFF_ACTIONS)
def test_a_refusal_names_the_status_of_the_booking(town: Town, action: str) -> None:
    booking_id = bring(town, "complete")
    ended = "complete" if action == "no-show" else "no-show"
    assert town.call("POST", f"/bookings/{booking_id}/{ended}", key="desk").status_code == 200
    problem = refused(town.call("POST", f"/bookings/{booking_id}/{action}", key="desk"), 409, "invalid_transition")
    assert ("completed" if action == "no-show" else "no show") in problem["detail"]


def test_a_repeat_gets_the_first_answer_and_redis_keeps_no_personal_data_for_it(town: Town) -> None:
    booking_id, world = bring(town, "confirm"), town.world
    confirm = partial(
        town.call,
        "POST",
        f"/bookings/{booking_id}/confirm",
        {"reason": "They rang."},
        key="desk",
        Idempotency_Key="k-1",
    )
    first = confirm()
    town.call("PATCH", f"/bookings/{booking_id}", town.slot(14), key="desk", If_Match="*")
    town.call("POST", f"/bookings/{booking_id}/cancel", key="desk")
    again = confirm()
    assert (again.status_code, body_of(again)) == (200, body_of(first))
    assert (again.headers["ETag"], again.headers["Idempotency-Replayed"]) == (first.headers["ETag"], "true")
    assert "Carol" in first.text
    assert "Carol" not in str(dump(world.services.redis, world.org))
