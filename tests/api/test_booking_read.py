"""GET /bookings/{booking_id}."""

from __future__ import annotations

import pytest

from tests.api.town import EVERYBODY, Town, body_of, fault_codes, refused


def test_it_shows_a_booking_with_its_version(town: Town) -> None:
    made = town.book()
    reply = town.call("GET", f"/bookings/{made['booking_id']}", key="bot")
    made.pop("manage_token")
    assert (reply.status_code, body_of(reply)) == (200, made)
    assert reply.headers["ETag"] == '"1"'


def test_admission(town: Town) -> None:
    town.check_admission("GET", f"/bookings/{town.book()['booking_id']}", roles=EVERYBODY - {"checkout"})


def test_the_customer_reads_it_with_the_manage_token(town: Town) -> None:
    made, other = town.book(), town.book(12)
    reply = town.call("GET", f"/bookings/{made['booking_id']}", key=made["manage_token"])
    assert (reply.status_code, body_of(reply)["booking_id"]) == (200, made["booking_id"])
    assert "history" not in body_of(reply)
    refused(town.call("GET", f"/bookings/{other['booking_id']}", key=made["manage_token"]), 404, "booking_not_found")
    refused(town.call("GET", "/bookings", key=made["manage_token"]), 403, "forbidden")


def test_a_changed_manage_token_is_no_token(town: Town) -> None:
    made = town.book()
    refused(town.call("GET", f"/bookings/{made['booking_id']}", key=made["manage_token"][:-2]), 401, "unauthenticated")


def test_staff_see_the_history(town: Town) -> None:
    path = f"/bookings/{town.book()['booking_id']}"
    assert len(body_of(town.call("GET", path, key="desk"))["history"]) == 1
    assert "history" not in body_of(town.call("GET", path, key="bot"))


def test_another_orgs_booking_is_not_found(town: Town) -> None:
    refused(town.call("GET", f"/bookings/{town.book()['booking_id']}", key="rival"), 404, "booking_not_found")


def test_a_missing_booking_is_not_found(town: Town) -> None:
    refused(town.call("GET", "/bookings/bk_nobody", key="desk"), 404, "booking_not_found")


@pytest.mark.parametrize("booking_id", ["a%20b", "x" * 65, "$ne", "%7B%7D"])
def test_a_bad_id_is_a_fault(town: Town, booking_id: str) -> None:
    assert fault_codes(town.call("GET", f"/bookings/{booking_id}", key="desk")) == {("booking_id", "bad_id")}


def test_head_carries_the_version_too(town: Town) -> None:
    reply = town.call("HEAD", f"/bookings/{town.book()['booking_id']}", key="bot")
    assert (reply.status_code, reply.data, reply.headers["ETag"]) == (200, b"", '"1"')
