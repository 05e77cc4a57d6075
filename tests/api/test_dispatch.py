"""POST /bookings/{booking_id}/swap and POST /technicians/{technician_id}/reassign.

What they do to visits stands in tests/dispatch. A swap needs a real MongoDB, because the fake one knows no transaction.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes
from tests.world import World, rfc3339, tomorrow

STAFF = frozenset({"desk", "admin"})
DAY = {"from": rfc3339(tomorrow(0)), "to": rfc3339(tomorrow(23))}


@pytest.fixture
def real_town(world: World) -> Town:
    return Town(world)


def booked(town: Town, number: int, hour: int = 10) -> dict[str, Any]:
    slot = town.slot(hour) | {"property_id": f"prop-{number}", "technician_id": f"tech-{number}"}
    return body_of(town.call("POST", "/book", slot | {"customer": {"name": f"Customer {number}"}}, key="desk"))


@pytest.mark.parametrize(
    ("path", "body"),
    [("/bookings/bk_1/swap", {"with": "bk_2"}), ("/technicians/tech-1/reassign", DAY)],
)
def test_only_staff_decide_who_comes(town: Town, path: str, body: Any) -> None:
    town.check_admission("POST", path, body, roles=STAFF)


def test_staff_swap_two_visits_and_see_both_whole(real_town: Town) -> None:
    one, two = booked(real_town, 1), booked(real_town, 2)
    path = f"/bookings/{one['booking_id']}/swap"
    reply = real_town.call("POST", path, {"with": two["booking_id"]}, key="desk")
    assert reply.status_code == 200, reply.text
    first, second = body_of(reply)["bookings"]
    assert [first["booking_id"], second["booking_id"]] == [one["booking_id"], two["booking_id"]]
    assert [first["technician_ids"], second["technician_ids"]] == [["tech-2"], ["tech-1"]]
    assert (first["customer"]["name"], first["history"][-1]["action"], first["version"]) == ("Customer 1", "swap", 2)
    assert {"customer_id", "history"} <= first.keys()
    assert "manage_token" not in first


def test_a_repeat_of_a_swap_gets_the_first_answer_again(real_town: Town) -> None:
    one, two = booked(real_town, 1), booked(real_town, 2)
    path, body = f"/bookings/{one['booking_id']}/swap", {"with": two["booking_id"]}
    first = real_town.call("POST", path, body, key="desk", Idempotency_Key="swap-1")
    again = real_town.call("POST", path, body, key="desk", Idempotency_Key="swap-1")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert body_of(again) == body_of(first)
    other = real_town.call("POST", path, {"with": "bk_none"}, key="desk", Idempotency_Key="swap-1")
    assert (other.status_code, body_of(other)["code"]) == (422, "idempotency_key_reused")


def test_what_cannot_be_swapped_is_refused(town: Town) -> None:
    one, same = booked(town, 1), booked(town, 1, 14)
    path = f"/bookings/{one['booking_id']}/swap"
    for other in (one, same):
        reply = town.call("POST", path, {"with": other["booking_id"]}, key="desk")
        assert (reply.status_code, fault_codes(reply)) == (400, {("with", "inconsistent")})
    assert fault_codes(town.call("POST", path, {}, key="desk")) == {("with", "missing")}
    missing = town.call("POST", path, {"with": "bk_none"}, key="desk")
    assert (missing.status_code, body_of(missing)["code"]) == (404, "booking_not_found")
    town.call("POST", f"/bookings/{same['booking_id']}/cancel", {}, key="desk")
    ended = town.call("POST", path, {"with": same["booking_id"]}, key="desk")
    assert (ended.status_code, body_of(ended)["code"]) == (409, "invalid_transition")


def test_staff_see_the_plan_and_then_reassign(town: Town) -> None:
    made, blocked = booked(town, 1), booked(town, 1, 14)
    booked(town, 2, 14)
    booked(town, 3, 14)
    plan = town.call("POST", "/technicians/tech-1/reassign", DAY | {"dry_run": True}, key="desk")
    assert plan.status_code == 200, plan.text
    names = ("booking_id", "property_id", "start", "end")
    assert body_of(plan) == {
        "moves": [{name: made[name] for name in names} | {"to_technician_id": "tech-2"}],
        "left": [
            {
                "booking_id": blocked["booking_id"],
                "code": "slot_booked",
                "detail": "Every other technician who may come has another visit then.",
            }
        ],
    }
    assert body_of(town.call("POST", "/technicians/tech-1/reassign", DAY, key="desk")) == body_of(plan)
    now = body_of(town.call("GET", f"/bookings/{made['booking_id']}", key="desk"))
    assert (now["technician_id"], now["version"]) == ("tech-2", 2)


def test_a_time_that_is_none_is_refused(town: Town) -> None:
    path = "/technicians/tech-1/reassign"
    backwards = town.call("POST", path, {"from": DAY["to"], "to": DAY["from"]}, key="desk")
    assert fault_codes(backwards) == {("to", "inconsistent")}
    long = town.call("POST", path, {"from": DAY["from"], "to": "2199-01-01T00:00:00Z"}, key="desk")
    assert fault_codes(long) == {("to", "too_long")}
    assert fault_codes(town.call("POST", path, {}, key="desk")) == {("from", "missing"), ("to", "missing")}
    missing = town.call("POST", "/technicians/tech-9/reassign", DAY, key="desk")
    assert (missing.status_code, body_of(missing)["code"]) == (404, "technician_not_found")
