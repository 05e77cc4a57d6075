"""POST /bookings/{booking_id}/cancel."""

from __future__ import annotations

from tests.api.town import EVERYBODY, Town, body_of, fault_codes, refused


def test_it_cancels_and_frees_the_slot(town: Town) -> None:
    made = town.book()
    reply = town.call("POST", f"/bookings/{made['booking_id']}/cancel", {"reason": "It is dry now."}, key="desk")
    body = body_of(reply)
    assert (reply.status_code, body["status"], body["version"], reply.headers["ETag"]) == (200, "cancelled", 2, '"2"')
    assert [entry["action"] for entry in body["history"]][-1] == "cancel"
    assert "It is dry now." in str(body["history"][-1]["changes"])
    (stored,) = town.world.bookings()
    assert (stored["active"], stored["status"]) == (False, "cancelled")
    assert town.world.marks() == {}
    town.book()


def test_repeating_gives_the_same_answer(town: Town) -> None:
    path = f"/bookings/{town.book()['booking_id']}/cancel"
    first = town.call("POST", path, key="desk")
    again = town.call("POST", path, {"reason": "Once more."}, key="desk")
    assert (again.status_code, body_of(again)) == (200, body_of(first))


def test_admission(town: Town) -> None:
    path = f"/bookings/{town.book()['booking_id']}/cancel"
    town.check_admission("POST", path, roles=EVERYBODY - {"checkout"})
    assert len(town.world.bookings(active=True)) == 1


def test_the_customer_cancels_with_the_manage_token(town: Town) -> None:
    made, other = town.book(), town.book(12)
    refused(
        town.call("POST", f"/bookings/{other['booking_id']}/cancel", key=made["manage_token"]), 404, "booking_not_found"
    )
    assert town.call("POST", f"/bookings/{made['booking_id']}/cancel", key=made["manage_token"]).status_code == 200


def test_only_the_version_that_was_read_is_cancelled(town: Town) -> None:
    path = f"/bookings/{town.book()['booking_id']}/cancel"
    for stale in ('"2"', '"other"'):
        refused(town.call("POST", path, key="desk", If_Match=stale), 412, "version_conflict")
    assert fault_codes(town.call("POST", path, key="desk", If_Match="1")) == {("If-Match", "bad_if_match")}
    assert len(town.world.bookings(active=True)) == 1
    assert town.call("POST", path, key="desk", If_Match='"1"').status_code == 200


def test_another_orgs_booking_is_not_found(town: Town) -> None:
    refused(town.call("POST", f"/bookings/{town.book()['booking_id']}/cancel", key="rival"), 404, "booking_not_found")


def test_a_missing_booking_is_not_found(town: Town) -> None:
    refused(town.call("POST", "/bookings/bk_nobody/cancel", key="desk"), 404, "booking_not_found")


def test_a_bad_id_and_body_are_named_together(town: Town) -> None:
    reply = town.call("POST", "/bookings/a%20b/cancel", {"reason": 7, "why": 1}, key="desk")
    assert fault_codes(reply) == {("booking_id", "bad_id"), ("reason", "wrong_type"), ("why", "unknown_field")}


def test_an_idempotency_key_gives_the_first_answer_again(town: Town) -> None:
    path = f"/bookings/{town.book()['booking_id']}/cancel"
    first = town.call("POST", path, key="desk", Idempotency_Key="c-1")
    again = town.call("POST", path, key="desk", Idempotency_Key="c-1")
    assert (again.status_code, body_of(again), again.headers["ETag"]) == (200, body_of(first), '"2"')
    assert again.headers["Idempotency-Replayed"] == "true"
