"""/services: what is done on a visit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import EVERYBODY, Town, body_of, fault_codes, refused

ADMIN = frozenset({"admin"})
BOILER: dict[str, Any] = {
    "id": "boiler",
    "name": "Boiler check",
    "duration_minutes": 90,
    "buffer_before_minutes": 15,
    "buffer_after_minutes": 30,
    "skill": "heating",
    "price_text": "From 120 euros",
    "public": True,
}
LEAK = {"id": "leak", "name": "Leak", "duration_minutes": 60}


@pytest.fixture
def town(town: Town) -> Town:
    """With a public service and one that is not."""
    for service in (BOILER, LEAK):
        assert town.call("POST", "/services", service, key="admin").status_code == 201
    return town


def ids(town: Town, query: str = "", key: str = "checkout") -> list[str]:
    return [each["id"] for each in body_of(town.call("GET", f"/services{query}", key=key))["services"]]


def test_one_is_made_and_read_back(town: Town) -> None:
    reply = town.call("POST", "/services", {**BOILER, "id": "boiler-2"}, key="admin")
    assert (reply.status_code, reply.headers["Location"], reply.headers["ETag"]) == (201, "/services/boiler-2", '"1"')
    assert body_of(reply) == {**BOILER, "id": "boiler-2", "version": 1}
    for key in EVERYBODY:
        assert body_of(town.call("GET", "/services/boiler-2", key=key)) == body_of(reply)


def test_what_is_left_out_is_no_travel_no_skill_no_price_and_not_public(town: Town) -> None:
    shown = body_of(town.call("GET", "/services/leak", key="desk"))
    assert shown == {
        **LEAK,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "skill": None,
        "price_text": None,
        "public": False,
        "version": 1,
    }


def test_strangers_see_public_ones_alone(town: Town) -> None:
    token = town.book()["manage_token"]
    for key in ("checkout", token):
        assert ids(town, key=key) == ["boiler"]
        assert ids(town, "?q=leak", key=key) == []
        assert town.call("GET", "/services/boiler", key=key).status_code == 200
        refused(town.call("GET", "/services/leak", key=key), 404, "service_not_found")
    for key in ("bot", "desk", "admin"):
        assert ids(town, key=key) == ["boiler", "leak"]


def test_they_are_listed_by_id_page_by_page_and_found_by_words(town: Town) -> None:
    first = body_of(town.call("GET", "/services?limit=1", key="desk"))
    assert [each["id"] for each in first["services"]] == ["boiler"]
    rest = body_of(town.call("GET", f"/services?limit=1&cursor={first['next_cursor']}", key="desk"))
    assert ([each["id"] for each in rest["services"]], rest["next_cursor"]) == (["leak"], None)
    assert ids(town, "?q=CHECK", key="desk") == ["boiler"]
    assert fault_codes(town.call("GET", "/services?status=available", key="desk")) == {("status", "unknown_field")}


def test_the_version_is_the_etag_and_a_stale_one_is_a_conflict(town: Town) -> None:
    changed = town.call("PATCH", "/services/leak", {"price_text": "90 euros"}, key="admin", If_Match='"1"')
    assert (changed.status_code, changed.headers["ETag"], body_of(changed)["price_text"]) == (200, '"2"', "90 euros")
    for method, body in (("PATCH", {"name": "Late"}), ("DELETE", None)):
        refused(town.call(method, "/services/leak", body, key="admin", If_Match='"1"'), 412, "version_conflict")
    assert town.call("DELETE", "/services/leak", key="admin", If_Match='"2"').status_code == 204


def test_null_empties_the_skill_and_the_price_and_leaves_the_rest(town: Town) -> None:
    nulls = dict.fromkeys(("name", "duration_minutes", "skill", "price_text", "public"))
    changed = body_of(town.call("PATCH", "/services/boiler", nulls, key="admin"))
    assert changed == {**BOILER, "skill": None, "price_text": None, "version": 2}


def test_one_is_removed_whatever_lies_ahead(town: Town) -> None:
    town.book()
    assert town.call("DELETE", "/services/leak", key="admin").status_code == 204
    for method, body in (("GET", None), ("PATCH", {"name": "Leak"}), ("DELETE", None)):
        refused(town.call(method, "/services/leak", body, key="admin"), 404, "service_not_found")


@pytest.mark.parametrize(
    ("wrong", "faults"),
    [
        ({"duration_minutes": 50}, {("duration_minutes", "off_grid")}),
        ({"duration_minutes": 495}, {("duration_minutes", "too_long")}),
        (
            {"buffer_before_minutes": 20, "buffer_after_minutes": 135},
            {("buffer_before_minutes", "off_grid"), ("buffer_after_minutes", "too_long")},
        ),
        ({"duration_minutes": 0, "skill": "a b"}, {("duration_minutes", "out_of_range"), ("skill", "bad_id")}),
        ({"name": "", "public": "yes"}, {("name", "too_short"), ("public", "bad_type")}),
    ],
)
def test_what_is_wrong_is_named_in_a_new_one_and_in_a_change(
    town: Town, wrong: dict[str, Any], faults: set[tuple[str, str]]
) -> None:
    made = town.call("POST", "/services", {**LEAK, "id": "new", **wrong}, key="admin")
    changed = town.call("PATCH", "/services/leak", wrong, key="admin")
    for reply in (made, changed):
        assert {field for field, _ in fault_codes(reply)} == {field for field, _ in faults}
        assert faults & {("duration_minutes", "out_of_range"), ("name", "too_short")} or fault_codes(reply) == faults
    assert town.call("GET", "/services/new", key="admin").status_code == 404


def test_a_name_and_a_duration_are_required(town: Town) -> None:
    reply = town.call("POST", "/services", {"id": "new"}, key="admin")
    assert fault_codes(reply) == {("name", "missing"), ("duration_minutes", "missing")}


def test_a_stricter_policy_leaves_a_service_that_may_still_get_another_name(town: Town) -> None:
    town.call("PATCH", "/policy", {"max_duration_minutes": 60, "allowed_duration_minutes": [60]}, key="admin")
    assert body_of(town.call("PATCH", "/services/boiler", {"name": "Boiler"}, key="admin"))["duration_minutes"] == 90
    reply = town.call("PATCH", "/services/boiler", {"duration_minutes": 75}, key="admin")
    assert fault_codes(reply) == {("duration_minutes", "too_long")}
    assert town.call("PATCH", "/services/boiler", {"duration_minutes": 45}, key="admin").status_code == 200


def test_an_idempotency_key_makes_one(town: Town) -> None:
    new = {"name": "Lock", "duration_minutes": 45}
    first = town.call("POST", "/services", new, key="admin", Idempotency_Key="k")
    again = town.call("POST", "/services", new, key="admin", Idempotency_Key="k")
    assert (again.status_code, body_of(again)) == (201, body_of(first))
    assert again.headers["Idempotency-Replayed"] == "true"
    refused(town.call("POST", "/services", LEAK, key="admin", Idempotency_Key="k"), 422, "idempotency_key_reused")
    assert len(ids(town, key="admin")) == 3


def test_an_id_is_taken_once_in_its_org(town: Town) -> None:
    refused(town.call("POST", "/services", LEAK, key="admin"), 409, "already_exists")
    refused(town.call("GET", "/services/leak", key="rival"), 404, "service_not_found")
    assert town.call("POST", "/services", LEAK, key="rival").status_code == 201
    assert ids(town, key="rival") == ["leak"]


def test_admission(town: Town) -> None:
    town.check_admission("GET", "/services", roles=EVERYBODY)
    town.check_admission("GET", "/services/boiler", roles=EVERYBODY)
    town.check_admission("POST", "/services", {"name": "New", "duration_minutes": 60}, roles=ADMIN)
    town.check_admission("PATCH", "/services/leak", {"name": "New"}, roles=ADMIN)
    town.check_admission("DELETE", "/services/leak", roles=ADMIN)
    assert fault_codes(town.call("GET", "/services/a%20b")) == {("service_id", "bad_id")}
