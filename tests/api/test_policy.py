"""GET and PATCH /policy, GET /policy/public."""

from __future__ import annotations

from typing import Any

from services.catalogue.documents import ensure_catalogue_indexes
from tests.api.town import EVERYBODY, Town, body_of, fault_codes, refused

DEFAULTS: dict[str, Any] = {
    "default_duration_minutes": 60,
    "max_duration_minutes": 480,
    "allowed_duration_minutes": None,
    "buffer_before_minutes": 0,
    "buffer_after_minutes": 0,
    "hold_seconds": 300,
    "max_hold_seconds": 900,
    "holds_per_holder": 3,
    "min_lead_minutes": 0,
    "horizon_days": 90,
    "blackout_dates": [],
    "cancel_window_minutes": 0,
    "max_buffer_minutes": 120,
    "public_holds_per_address": 10,
    "public_bookings_per_address_per_day": 30,
    "public_requests_per_minute": 300,
    "public_holds_most": 200,
    "public_max_duration_minutes": 240,
    "public_services_only": False,
    "timezone": "UTC",
    "country": None,
    "display_name": None,
    "phone": None,
    "sms_number": None,
    "reminder_hours": [24],
    "quiet_hours": None,
    "language": "en",
}
PUBLIC = {
    *("timezone", "country", "display_name", "phone", "default_duration_minutes", "max_duration_minutes"),
    *("allowed_duration_minutes", "hold_seconds", "max_hold_seconds", "min_lead_minutes", "horizon_days"),
    *("cancel_window_minutes", "public_max_duration_minutes", "public_services_only"),
}
LIMITS = {name for name in DEFAULTS if name.startswith("public_")} - {"public_services_only"}
ADMIN = frozenset({"admin"})


def test_it_shows_the_defaults_where_nothing_was_set(town: Town) -> None:
    reply = town.call("GET", "/policy", key="admin")
    assert (reply.status_code, body_of(reply)) == (200, DEFAULTS)


def test_it_changes_what_is_named(town: Town) -> None:
    changes = {"default_duration_minutes": 30, "allowed_duration_minutes": [30, 60], "blackout_dates": ["2026-12-25"]}
    reply = town.call("PATCH", "/policy", changes, key="admin")
    assert (reply.status_code, body_of(reply)) == (200, DEFAULTS | changes)
    assert body_of(town.call("GET", "/policy", key="admin")) == DEFAULTS | changes


def test_it_says_how_customers_are_written_to(town: Town) -> None:
    given = {
        "sms_number": "+4570102030",
        "reminder_hours": [2, 48, 2],
        "quiet_hours": ["22:00", "07:00"],
        "language": "is",
    }
    kept = given | {"reminder_hours": [48, 2]}
    assert body_of(town.call("PATCH", "/policy", given, key="admin")) == DEFAULTS | kept
    emptied = {"sms_number": None, "quiet_hours": None, "reminder_hours": []}
    assert body_of(town.call("PATCH", "/policy", emptied, key="admin")) == DEFAULTS | kept | emptied


def test_it_refuses_what_no_message_can_be_sent_by(town: Town) -> None:
    wrong: list[dict[str, Any]] = [
        {"sms_number": "70102030"},
        {"quiet_hours": ["22:00"]},
        {"quiet_hours": ["22:00", "24:00"]},
        {"quiet_hours": ["22:00", "22:00"]},
        {"reminder_hours": [0]},
        {"reminder_hours": [1, 2, 3, 4, 5, 6]},
        {"language": "xx"},
    ]
    for fields in wrong:
        refused(town.call("PATCH", "/policy", fields, key="admin"), 400, "invalid_request")
    assert body_of(town.call("GET", "/policy", key="admin")) == DEFAULTS


def test_null_lifts_a_limit_of_the_public_and_leaves_others_as_they_are(town: Town) -> None:
    lifted = dict.fromkeys(LIMITS)
    assert body_of(town.call("PATCH", "/policy", lifted, key="admin")) == DEFAULTS | lifted
    reply = town.call("PATCH", "/policy", {"max_buffer_minutes": None}, key="admin")
    assert (reply.status_code, body_of(reply)) == (200, DEFAULTS | lifted)


def test_limits_of_the_public_are_within_bounds(town: Town) -> None:
    wrong = dict.fromkeys(LIMITS, 0)
    assert fault_codes(town.call("PATCH", "/policy", wrong, key="admin")) == {(name, "out_of_range") for name in wrong}
    wrong = {"max_buffer_minutes": 1441, "public_holds_most": 1_000_001, "public_max_duration_minutes": 1441}
    assert fault_codes(town.call("PATCH", "/policy", wrong, key="admin")) == {(name, "out_of_range") for name in wrong}


def test_a_change_counts_from_the_next_hold_on(town: Town) -> None:
    town.hold(8)
    town.call("PATCH", "/policy", {"default_duration_minutes": 30, "max_duration_minutes": 60}, key="admin")
    assert town.hold(10)["duration_minutes"] == 30
    assert {field for field, _ in fault_codes(town.call("POST", "/hold", town.slot(12, duration_minutes=90)))} == {
        "duration_minutes"
    }


def test_admission(town: Town) -> None:
    town.check_admission("GET", "/policy", roles=ADMIN)
    town.check_admission("PATCH", "/policy", {"horizon_days": 1}, roles=ADMIN)
    assert body_of(town.call("GET", "/policy", key="admin")) == DEFAULTS


def test_another_orgs_policy_is_its_own(town: Town) -> None:
    town.call("PATCH", "/policy", {"horizon_days": 7}, key="admin")
    assert body_of(town.call("GET", "/policy", key="rival")) == DEFAULTS


def test_every_fault_is_named_at_once_and_nothing_is_changed(town: Town) -> None:
    wrong = {"horizon_days": 0, "blackout_dates": ["25.12.2026"], "hold_seconds": "300", "colour": "red"}
    assert fault_codes(town.call("PATCH", "/policy", {**wrong, "min_lead_minutes": 30}, key="admin")) == {
        ("horizon_days", "out_of_range"),
        ("blackout_dates.0", "bad_date"),
        ("hold_seconds", "wrong_type"),
        ("colour", "unknown_field"),
    }
    assert body_of(town.call("GET", "/policy", key="admin")) == DEFAULTS


def test_rules_that_do_not_fit_each_other_are_faults(town: Town) -> None:
    reply = town.call("PATCH", "/policy", {"max_duration_minutes": 30, "hold_seconds": 901}, key="admin")
    assert fault_codes(reply)
    assert body_of(town.call("GET", "/policy", key="admin")) == DEFAULTS


def test_every_key_and_a_manage_token_read_the_public_part(town: Town) -> None:
    changes = {"min_lead_minutes": 120, "phone": "+354 555 1234", "country": "IS", "public_max_duration_minutes": None}
    changes |= {"public_services_only": True}
    town.call("PATCH", "/policy", changes, key="admin")
    shown = {name: (DEFAULTS | changes)[name] for name in PUBLIC} | {"grid_minutes": 15}
    for key in (*sorted(EVERYBODY), town.book()["manage_token"]):
        reply = town.call("GET", "/policy/public", key=key)
        assert (reply.status_code, body_of(reply)) == (200, shown), key
    assert body_of(town.call("GET", "/policy/public", key="rival"))["min_lead_minutes"] == 0
    town.check_admission("GET", "/policy/public", roles=EVERYBODY)


def test_the_desk_does_not_even_read_it(town: Town) -> None:
    refused(town.call("GET", "/policy", key="desk"), 403, "forbidden")


def test_a_number_for_texts_belongs_to_one_org(town: Town) -> None:
    ensure_catalogue_indexes(town.world.services.db)
    number = {"sms_number": "+4570102030"}
    for _ in range(2):
        assert town.call("PATCH", "/policy", number, key="admin").status_code == 200
    problem = refused(town.call("PATCH", "/policy", number | {"hold_seconds": 60}, key="rival"), 409, "already_exists")
    assert "sms_number" in problem["detail"]
    assert body_of(town.call("GET", "/policy", key="rival")) == DEFAULTS
    town.call("PATCH", "/policy", {"sms_number": None}, key="admin")
    assert town.call("PATCH", "/policy", number, key="rival").status_code == 200
