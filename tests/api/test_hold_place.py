"""POST /hold."""

from __future__ import annotations

import pytest

from tests.api.town import ALICES_BROWSER, EVERYBODY, Town, body_of, fault_codes, lasting, refused, visit_at_ten
from tests.world import rfc3339, tomorrow

ONCE = "once-5f1c9a7be2d04c6b"


def test_it_holds_a_slot(town: Town) -> None:
    reply = town.call("POST", "/hold", town.slot(duration_minutes=60, ttl_seconds=120, holder=ALICES_BROWSER))
    body = body_of(reply)
    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/hold/{body['hold_id']}"
    assert rfc3339(tomorrow(9)) > body.pop("expires_at") > rfc3339(tomorrow(0).replace(year=2020))
    assert body.pop("hold_id")
    assert len(body.pop("ref")) == 32
    assert body == {
        **visit_at_ten(),
        "status": "held",
        "ttl_seconds": 120,
        "remaining_seconds": 120,
        "source": "web",
    }
    assert len(town.world.marks()) == 8


def test_a_field_that_is_left_out_comes_from_the_policy(town: Town) -> None:
    body = town.hold()
    assert (body["duration_minutes"], body["buffer_before_minutes"], body["ttl_seconds"]) == (60, 0, 300)


def test_admission(town: Town) -> None:
    town.check_admission("POST", "/hold", town.slot(), roles=EVERYBODY)
    assert town.world.marks() == {}


def test_a_held_slot_is_refused_to_others_with_what_is_in_the_way(town: Town) -> None:
    town.hold(key="bot")
    body = refused(town.call("POST", "/hold", town.slot(suggest=2)), 409, "slot_held")
    assert [(block["kind"], block["id"], block["state"]) for block in body["conflicts"]] == [
        ("property", "prop-1", "held"),
        ("technician", "tech-1", "held"),
    ]
    for block in body["conflicts"]:
        assert (block["start"], block["end"]) == (rfc3339(tomorrow(10)), rfc3339(tomorrow(11)))
        assert 290 <= block["retry_after_seconds"] <= 300
    assert body["next_available"][0]["start"] == rfc3339(tomorrow(11))


def test_without_suggest_a_refusal_names_no_alternatives(town: Town) -> None:
    town.hold(key="bot")
    assert "next_available" not in refused(town.call("POST", "/hold", town.slot()), 409, "slot_held")


def test_a_booked_slot_is_refused(town: Town) -> None:
    town.book()
    body = refused(town.call("POST", "/hold", town.slot(minute=30)), 409, "slot_booked")
    assert {block["state"] for block in body["conflicts"]} == {"booked"}
    assert all("retry_after_seconds" not in block for block in body["conflicts"])


def test_a_refused_hold_changes_nothing(town: Town) -> None:
    town.hold(key="bot")
    before = town.world.marks()
    refused(town.call("POST", "/hold", town.slot(technician_id="tech-2")), 409, "slot_held")
    assert town.world.marks() == before


def test_without_a_technician_any_free_one_is_held(town: Town) -> None:
    town.hold(key="bot")
    assert town.hold(property_id="prop-2", technician_id=None)["technician_id"] == "tech-2"


def test_with_fallback_the_next_free_time_is_held(town: Town) -> None:
    town.hold(key="bot")
    body = town.hold(fallback="next_available")
    assert (body["start"], body["requested_start"]) == (rfc3339(tomorrow(11)), rfc3339(tomorrow(10)))
    assert body["fallback_used"] is True


def test_the_same_holder_gets_its_own_hold_again(town: Town) -> None:
    first = town.hold(holder=ALICES_BROWSER)
    again = town.call("POST", "/hold", town.slot(holder=ALICES_BROWSER))
    assert (again.status_code, body_of(again)["hold_id"]) == (200, first["hold_id"])


def test_an_idempotency_key_gives_the_first_answer_again(town: Town) -> None:
    first = town.call("POST", "/hold", town.slot(), Idempotency_Key=f'"{ONCE}"')
    again = town.call("POST", "/hold", town.slot(), Idempotency_Key=ONCE)
    assert (first.status_code, again.status_code) == (201, 201)
    assert lasting(again) == lasting(first)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]


def test_an_idempotency_key_for_another_request_is_refused(town: Town) -> None:
    town.call("POST", "/hold", town.slot(), Idempotency_Key=ONCE)
    refused(town.call("POST", "/hold", town.slot(12), Idempotency_Key=ONCE), 422, "idempotency_key_reused")


def test_a_refusal_keeps_no_idempotency_key(town: Town) -> None:
    blocker = town.hold(key="bot")
    refused(town.call("POST", "/hold", town.slot(), Idempotency_Key=ONCE), 409, "slot_held")
    town.call("DELETE", f"/hold/{blocker['hold_id']}", key="bot")
    assert town.call("POST", "/hold", town.slot(), Idempotency_Key=ONCE).status_code == 201


def test_another_orgs_or_a_missing_property_is_not_found(town: Town) -> None:
    refused(town.call("POST", "/hold", town.slot(property_id="prop-2"), key="rival"), 404, "property_not_found")
    refused(town.call("POST", "/hold", town.slot(technician_id="tech-2"), key="rival"), 404, "technician_not_found")
    refused(town.call("POST", "/hold", town.slot(property_id="nowhere")), 404, "property_not_found")


def test_every_fault_is_named_at_once(town: Town) -> None:
    body = {
        "property_id": "prop 1",
        "start": rfc3339(tomorrow(10, 7)),
        "duration_minutes": 50,
        "holder": "short",
        "ttl_seconds": 100_000,
        "colour": "red",
    }
    assert fault_codes(town.call("POST", "/hold", body)) >= {
        ("property_id", "bad_id"),
        ("start", "off_grid"),
        ("duration_minutes", "off_grid"),
        ("holder", "too_short"),
        ("colour", "unknown_field"),
    }


def test_a_past_start_is_a_fault(town: Town) -> None:
    assert ("start", "past_start") in fault_codes(town.call("POST", "/hold", town.slot(start="2020-01-01T10:00:00Z")))


def test_a_lifetime_over_the_policys_is_a_fault_beside_the_others(town: Town) -> None:
    slot = town.slot(10, 7, ttl_seconds=901)
    assert {field for field, _ in fault_codes(town.call("POST", "/hold", slot))} == {"start", "ttl_seconds"}


def test_one_holder_has_a_limit_of_holds(town: Town) -> None:
    for hour in (8, 10, 12):
        town.hold(hour, holder=ALICES_BROWSER)
    reply = town.call("POST", "/hold", town.slot(14, holder=ALICES_BROWSER))
    refused(reply, 429, "too_many_holds")
    assert int(reply.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("kind", ["properties", "technicians"])
def test_an_unavailable_resource_is_refused_from_the_next_request_on(town: Town, kind: str) -> None:
    town.hold(8)
    one = {"properties": ("prop-1", "property_unavailable"), "technicians": ("tech-1", "technician_unavailable")}[kind]
    town.call("PATCH", f"/{kind}/{one[0]}", {"status": "unavailable"}, key="desk")
    refused(town.call("POST", "/hold", town.slot(), key="bot"), 409, one[1])
