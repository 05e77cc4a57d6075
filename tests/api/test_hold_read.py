"""GET /hold/{hold_id}."""

from __future__ import annotations

import pytest

from tests.api.town import EVERYBODY, Town, body_of, fault_codes, refused


def test_it_shows_a_hold_as_it_was_answered(town: Town) -> None:
    held = town.hold()
    reply = town.call("GET", f"/hold/{held['hold_id']}")
    assert (reply.status_code, body_of(reply)) == (200, held)


def test_admission(town: Town) -> None:
    town.check_admission("GET", f"/hold/{town.hold()['hold_id']}", roles=EVERYBODY - {"bot"})


def test_a_hold_of_another_key_is_for_staff_only(town: Town) -> None:
    path = f"/hold/{town.hold(key='bot')['hold_id']}"
    refused(town.call("GET", path, key="checkout"), 403, "forbidden")
    for staff in ("desk", "admin"):
        assert town.call("GET", path, key=staff).status_code == 200


def test_another_orgs_hold_is_not_found(town: Town) -> None:
    refused(town.call("GET", f"/hold/{town.hold()['hold_id']}", key="rival"), 404, "hold_not_found")


def test_a_missing_hold_is_not_found(town: Town) -> None:
    refused(town.call("GET", "/hold/h_nobody"), 404, "hold_not_found")


@pytest.mark.parametrize("hold_id", ["a%20b", "x" * 65, "caf%C3%A9", "%00", "*", "a:b", "{x}"])
def test_a_bad_id_is_a_fault(town: Town, hold_id: str) -> None:
    assert fault_codes(town.call("GET", f"/hold/{hold_id}")) == {("hold_id", "bad_id")}


def test_head_gives_the_same_headers_and_no_body(town: Town) -> None:
    path = f"/hold/{town.hold()['hold_id']}"
    head, full = town.call("HEAD", path), town.call("GET", path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(full.data))


def test_a_finished_hold_is_remembered(town: Town) -> None:
    released, booked = town.hold(), town.hold(12)
    town.call("DELETE", f"/hold/{released['hold_id']}")
    made = body_of(town.call("POST", "/book", {"hold_id": booked["hold_id"], "customer": {"name": "Alice"}}))
    assert body_of(town.call("GET", f"/hold/{released['hold_id']}"))["status"] == "released"
    shown = body_of(town.call("GET", f"/hold/{booked['hold_id']}"))
    assert (shown["status"], shown["booking_id"]) == ("booked", made["booking_id"])
