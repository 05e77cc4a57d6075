"""DELETE /hold/{hold_id}."""

from __future__ import annotations

from tests.api.town import EVERYBODY, Town, body_of, fault_codes, refused


def test_it_frees_the_slot_and_again_is_fine(town: Town) -> None:
    path = f"/hold/{town.hold()['hold_id']}"
    for _ in range(2):
        reply = town.call("DELETE", path)
        assert (reply.status_code, reply.data) == (204, b"")
        assert "Content-Type" not in reply.headers
    assert town.world.marks() == {}
    town.hold(key="bot")


def test_admission(town: Town) -> None:
    town.check_admission("DELETE", f"/hold/{town.hold()['hold_id']}", roles=EVERYBODY - {"bot"})


def test_only_its_key_and_staff_release_it(town: Town) -> None:
    path = f"/hold/{town.hold()['hold_id']}"
    refused(town.call("DELETE", path, key="bot"), 403, "forbidden")
    assert len(town.world.marks()) == 8
    assert town.call("DELETE", path, key="desk").status_code == 204
    assert town.world.marks() == {}


def test_releasing_again_does_not_free_the_next_persons_hold(town: Town) -> None:
    path = f"/hold/{town.hold()['hold_id']}"
    town.call("DELETE", path)
    town.hold(key="bot")
    assert town.call("DELETE", path).status_code == 204
    refused(town.call("POST", "/hold", town.slot()), 409, "slot_held")


def test_another_orgs_hold_is_not_found(town: Town) -> None:
    refused(town.call("DELETE", f"/hold/{town.hold()['hold_id']}", key="rival"), 404, "hold_not_found")
    assert len(town.world.marks()) == 8


def test_a_missing_hold_is_not_found(town: Town) -> None:
    refused(town.call("DELETE", "/hold/h_nobody"), 404, "hold_not_found")


def test_a_bad_id_is_a_fault(town: Town) -> None:
    assert fault_codes(town.call("DELETE", "/hold/a%20b")) == {("hold_id", "bad_id")}


def test_a_booked_hold_is_not_released(town: Town) -> None:
    hold_id = town.hold()["hold_id"]
    booking = body_of(town.call("POST", "/book", {"hold_id": hold_id, "customer": {"name": "Alice"}}))
    refused(town.call("DELETE", f"/hold/{hold_id}"), 409, "invalid_transition")
    assert [found["_id"] for found in town.world.bookings(active=True)] == [booking["booking_id"]]
