"""Null in a body: as good as left out, except where a change empties a field with it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from api.app import all_endpoints
from api.openapi.document import openapi
from models.fields import Request
from tests.api.stubs import SLOT, Send, Stubbed
from tests.api.test_sentences import good
from tests.api.town import Town, body_of

BODIES = sorted({each.body for each in all_endpoints() if each.body is not None}, key=lambda model: model.__name__)
CHANGES = {"service_id", "description", "internal_note", "metadata", "external_reference"}
EMPTIED = {
    "BookingPatch": CHANGES,
    "SeriesPatch": CHANGES,
    "CustomerPatch": {"phone", "email", "notes"},
    "PropertyPatch": {"address", "area", "parent_id"},
    "ServicePatch": {"price_text", "skill"},
    "TechnicianPatch": {"working_hours"},
}


def optional(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items() if not field.is_required()]


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
def test_null_for_an_optional_field_is_as_good_as_left_out(model: type[Request]) -> None:
    for name in optional(model):
        if name in model.emptied_by_null:
            continue
        fine: dict[str, Any] = {other: value for other, value in good(model).items() if other != name}
        if model.__name__ == "BookRequest":
            fine = {**SLOT, "customer": {"name": "Alice"}} if name == "hold_id" else {"hold_id": "h_1", **fine}
        if model.__name__ == "PersonRequest":
            fine = {"email": "alice@example.com"} if name == "phone" else {"phone": "+1 555 0100"}
        if model.__name__ == "SessionRequest":
            fine = {"email": "alice@example.com", "password": "x"} if name == "key" else {"key": "hf_desk_1"}
        if (model.__name__, name) == ("SeriesRequest", "customer"):
            fine["dry_run"] = True
        with_null = model.model_validate({**fine, name: None})
        assert with_null == model.model_validate(fine)
        assert name not in with_null.model_fields_set


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
def test_the_document_says_that_optional_fields_may_be_null(model: type[BaseModel]) -> None:
    schemas = openapi(all_endpoints())["components"]["schemas"]
    forms = [schemas[form.name] for form in getattr(model, "forms", ())] or [schemas[model.__name__]]
    for described in forms:
        for name in set(optional(model)) - set(described.get("required", ())):
            field = described["properties"][name]
            assert {"type": "null"} in field.get("anyOf", [{"type": field.get("type")}]), name


def test_null_empties_these_fields_of_changes_and_no_others() -> None:
    emptied = {model.__name__: set(model.emptied_by_null) for model in BODIES if issubclass(model, Request)}
    del emptied["PolicyPatch"]  # of which a test of the policy says more
    assert {name: fields for name, fields in emptied.items() if fields} == EMPTIED


def test_a_hold_may_say_null_to_all_that_it_leaves_out(send: Send, stubbed: Stubbed) -> None:
    nulls = dict.fromkeys(("fallback", "suggest", "duration_minutes", "ttl_seconds", "holder", "buffer_after_minutes"))
    assert send("POST", "/hold", json={**SLOT, **nulls}).status_code == 201
    asked = stubbed.holds.asked[0][1]
    assert (asked.fallback, asked.suggest, asked.duration_minutes) == ("none", 0, None)


def test_a_booking_may_say_null_to_all_that_it_leaves_out(town: Town) -> None:
    nulls = dict.fromkeys(("description", "priority", "if_expired", "fallback", "suggest", "hold_id"))
    customer = {"name": "Alice", "phone": None, "email": None}
    made = body_of(town.call("POST", "/book", {**town.slot(), **nulls, "customer": customer}, key="bot"))
    assert (made["description"], made["priority"], made["customer"]) == ("", "medium", {"name": "Alice"})


@pytest.mark.parametrize("blank", ["", "  ", "\u00a0\u200b"])
def test_a_text_that_a_form_leaves_empty_is_left_out(town: Town, blank: str) -> None:
    path = f"/bookings/{town.book()['booking_id']}/cancel"
    cancelled = body_of(town.call("POST", path, {"reason": blank}, key="desk"))
    assert "reason" not in cancelled["history"][-1]["changes"]
    made = town.call("POST", "/properties", {"name": "Mill", "address": blank}, key="admin")
    assert (made.status_code, body_of(made)["address"]) == (201, None)
    path = f"/properties/{body_of(made)['id']}"
    town.call("PATCH", path, {"address": "Quay 1"}, key="admin")
    assert body_of(town.call("PATCH", path, {"address": blank}, key="admin"))["address"] is None


def test_null_for_a_required_field_is_a_fault(send: Send) -> None:
    reply = send("POST", "/hold", json={**SLOT, "property_id": None})
    assert [each["field"] for each in reply.get_json()["errors"]] == ["property_id"]
