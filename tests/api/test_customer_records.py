"""GET /customers, GET and PATCH /customers/{customer_id}, POST /customers/{customer_id}/merge.

How customers are found stands in tests/customers.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes, refused

STAFF = frozenset({"desk", "admin"})
ALICE = {"name": "Alice", "phone": "+1 202 555 0100", "email": "alice@example.com"}


def booked(town: Town, hour: int = 10, customer: dict[str, str] = ALICE, key: str = "desk") -> dict[str, Any]:
    """A booking whose customer the relay has found."""
    made = body_of(town.call("POST", "/book", town.slot(hour) | {"customer": customer}, key=key))
    town.world.find_customers()
    return made


def one(town: Town) -> dict[str, Any]:
    (found,) = body_of(town.call("GET", "/customers", key="desk"))["customers"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/customers", None),
        ("GET", "/customers/cu_1", None),
        ("PATCH", "/customers/cu_1", {}),
        ("POST", "/customers/cu_1/merge", {"into": "cu_2"}),
    ],
)
def test_only_staff_see_and_change_customers(town: Town, method: str, path: str, body: Any) -> None:
    town.check_admission(method, path, body, roles=STAFF)


def test_staff_list_and_search_customers(town: Town) -> None:
    booked(town)
    reply = town.call("GET", "/customers?q=alice", key="desk")
    found = body_of(reply)
    assert (reply.status_code, found["next_cursor"]) == (200, None)
    (alice,) = found["customers"]
    customer_id, version = alice.pop("customer_id"), alice.pop("version")
    assert alice == {**ALICE, "notes": None, "visits": 1}
    assert (customer_id[:3], version) == ("cu_", 1)
    assert body_of(town.call("GET", "/customers?q=bob", key="desk"))["customers"] == []
    assert fault_codes(town.call("GET", "/customers?limit=0", key="desk")) == {("limit", "out_of_range")}
    assert fault_codes(town.call("GET", "/customers?cursor=x", key="desk")) == {("cursor", "bad_cursor")}


def test_staff_read_a_customer_with_the_bookings(town: Town) -> None:
    made = [booked(town, 10), booked(town, 12)]
    reply = town.call("GET", f"/customers/{one(town)['customer_id']}?limit=1", key="desk")
    found = body_of(reply)
    assert (reply.status_code, reply.headers["ETag"]) == (200, f'"{found["version"]}"')
    assert [each["booking_id"] for each in found["bookings"]] == [made[1]["booking_id"]]
    assert found["bookings"][0]["customer_id"] == found["customer_id"]
    rest = body_of(town.call("GET", f"/customers/{found['customer_id']}?cursor={found['next_cursor']}", key="desk"))
    assert ([each["booking_id"] for each in rest["bookings"]], rest["next_cursor"]) == ([made[0]["booking_id"]], None)


def test_a_missing_customer_and_that_of_another_org_are_not_found(town: Town) -> None:
    booked(town)
    customer_id = one(town)["customer_id"]
    for path, key in ((f"/customers/{customer_id}", "rival"), ("/customers/cu_nobody", "desk")):
        refused(town.call("GET", path, key=key), 404, "not_found")
        refused(town.call("PATCH", path, {"notes": "x"}, key=key), 404, "not_found")
    assert body_of(town.call("GET", "/customers", key="rival"))["customers"] == []


def test_staff_correct_a_customer(town: Town) -> None:
    booked(town)
    path = f"/customers/{one(town)['customer_id']}"
    reply = town.call("PATCH", path, {"notes": "A dog.", "email": None}, key="desk", If_Match='"1"')
    changed = body_of(reply)
    assert (reply.status_code, reply.headers["ETag"], changed["notes"], changed["email"]) == (
        200,
        '"2"',
        "A dog.",
        None,
    )
    refused(town.call("PATCH", path, {"notes": "x"}, key="desk", If_Match='"1"'), 412, "version_conflict")
    assert body_of(town.call("PATCH", path, {"name": None}, key="desk"))["name"] == "Alice"
    assert fault_codes(town.call("PATCH", path, {"phone": "---"}, key="desk")) == {("phone", "bad_phone")}
    assert fault_codes(town.call("PATCH", path, {"visits": 3}, key="desk")) == {("visits", "unknown_field")}


def test_bookings_name_their_customer_to_staff_alone(town: Town) -> None:
    made, path = booked(town, key="bot"), "/bookings"
    customer_id = one(town)["customer_id"]
    single = f"{path}/{made['booking_id']}"
    for key in ("desk", "admin"):
        assert body_of(town.call("GET", path, key=key))["bookings"][0]["customer_id"] == customer_id
        assert body_of(town.call("GET", single, key=key))["customer_id"] == customer_id
    for key in ("bot", made["manage_token"]):
        assert "customer_id" not in body_of(town.call("GET", single, key=key))
    assert "customer_id" not in body_of(town.call("GET", path, key="bot"))["bookings"][0]
    assert body_of(town.call("POST", f"{single}/cancel", key="desk"))["customer_id"] == customer_id


def test_a_booking_without_phone_and_email_has_null(town: Town) -> None:
    made = booked(town, customer={"name": "Alice"})
    assert body_of(town.call("GET", f"/bookings/{made['booking_id']}", key="desk"))["customer_id"] is None
    assert body_of(town.call("GET", "/bookings", key="desk"))["bookings"][0]["customer_id"] is None


def test_a_list_of_bookings_reads_the_customers_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for hour in (8, 10, 12):
        booked(town, hour)
    store, asked = town.world.services.customers._store, list[object]()
    read = store.owner_ids
    monkeypatch.setattr(store, "owner_ids", lambda *given: asked.append(given) or read(*given))
    town.call("GET", "/bookings", key="desk")
    assert len(asked) == 1


def test_a_merge_with_itself_is_refused(town: Town) -> None:
    booked(town)
    customer_id = one(town)["customer_id"]
    reply = town.call("POST", f"/customers/{customer_id}/merge", {"into": customer_id}, key="desk")
    assert fault_codes(reply) == {("into", "same")}


def test_an_export_and_an_erasure_name_the_customer(town: Town) -> None:
    booked(town)
    held = body_of(town.call("POST", "/customers/export", {"phone": ALICE["phone"]}, key="admin"))
    assert [each["name"] for each in held["customers"]] == ["Alice"]
    erased = town.call("POST", "/customers/erase", {"phone": ALICE["phone"]}, key="admin")
    assert body_of(erased) == {"bookings": 1, "waitlist": 0, "customers": 1, "messages": 0}
    assert body_of(town.call("GET", "/customers", key="desk"))["customers"] == []
