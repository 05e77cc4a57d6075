"""POST /hold/{hold_id}/extend."""

from __future__ import annotations

import pytest

from tests.api.town import Town, body_of, fault_codes, refused


def extend(town: Town, hold_id: str, seconds: object, key: str = "checkout", **headers: str) -> object:
    return town.call("POST", f"/hold/{hold_id}/extend", {"ttl_seconds": seconds}, key=key, **headers)


def test_it_lets_a_hold_live_longer(town: Town) -> None:
    held = town.hold(ttl_seconds=60)
    reply = town.call("POST", f"/hold/{held['hold_id']}/extend", {"ttl_seconds": 600})
    body = body_of(reply)
    assert reply.status_code == 200
    assert body["expires_at"] > held["expires_at"]
    assert body_of(town.call("GET", f"/hold/{held['hold_id']}"))["expires_at"] == body["expires_at"]


def test_admission(town: Town) -> None:
    path = f"/hold/{town.hold()['hold_id']}/extend"
    town.check_admission("POST", path, {"ttl_seconds": 60}, roles=frozenset({"checkout"}))


def test_a_hold_never_lives_longer_than_the_longest_total(town: Town) -> None:
    held = town.hold(ttl_seconds=60)
    path = f"/hold/{held['hold_id']}"
    refused(town.call("POST", f"{path}/extend", {"ttl_seconds": 901}), 409, "hold_limit")
    assert body_of(town.call("GET", path))["expires_at"] == held["expires_at"]


def test_another_orgs_hold_is_not_found(town: Town) -> None:
    path = f"/hold/{town.hold()['hold_id']}/extend"
    refused(town.call("POST", path, {"ttl_seconds": 60}, key="rival"), 404, "hold_not_found")


def test_a_missing_hold_is_not_found(town: Town) -> None:
    refused(town.call("POST", "/hold/h_nobody/extend", {"ttl_seconds": 60}), 404, "hold_not_found")


def test_a_bad_id_is_named_with_the_other_faults(town: Town) -> None:
    reply = town.call("POST", "/hold/a%20b/extend", {})
    assert fault_codes(reply) == {("hold_id", "bad_id"), ("ttl_seconds", "missing")}


@pytest.mark.parametrize("seconds", [0, -1, 1.5, "60", None, True, 86_401])
def test_a_wrong_lifetime_is_a_fault(town: Town, seconds: object) -> None:
    reply = town.call("POST", "/hold/h_x/extend", {"ttl_seconds": seconds})
    assert {field for field, _ in fault_codes(reply)} == {"ttl_seconds"}


def test_a_released_hold_is_gone(town: Town) -> None:
    path = f"/hold/{town.hold()['hold_id']}"
    town.call("DELETE", path)
    refused(town.call("POST", f"{path}/extend", {"ttl_seconds": 60}), 410, "hold_released")


def test_a_booked_hold_cannot_be_extended(town: Town) -> None:
    hold_id = town.hold()["hold_id"]
    town.call("POST", "/book", {"hold_id": hold_id, "customer": {"name": "Alice"}})
    refused(town.call("POST", f"/hold/{hold_id}/extend", {"ttl_seconds": 60}), 409, "invalid_transition")


def test_an_idempotency_key_gives_the_first_answer_again(town: Town) -> None:
    path = f"/hold/{town.hold(ttl_seconds=60)['hold_id']}/extend"
    first = town.call("POST", path, {"ttl_seconds": 600}, Idempotency_Key="longer")
    again = town.call("POST", path, {"ttl_seconds": 600}, Idempotency_Key="longer")
    assert (first.status_code, body_of(again)) == (200, body_of(first))
    assert again.headers["Idempotency-Replayed"] == "true"
    refused(town.call("POST", path, {"ttl_seconds": 700}, Idempotency_Key="longer"), 422, "idempotency_key_reused")
