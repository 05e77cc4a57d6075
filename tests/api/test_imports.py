"""POST /imports and GET /imports. What becomes of rows stands in tests/sheets.

What writes needs a real MongoDB, because the fake one knows no such writes.
"""

from __future__ import annotations

from typing import Any

import pytest

from models.imports import MOST_BYTES
from tests.api.town import Town, body_of, fault_codes, refused
from tests.world import World

ADMIN = frozenset({"admin"})
FILE = "id,name\nbob,Bob Example\n"


@pytest.fixture
def real_town(world: World) -> Town:
    return Town(world)


def sent(town: Town, csv: str = FILE, **changed: Any) -> dict[str, Any]:
    return body_of(town.call("POST", "/imports", {"kind": "technicians", "csv": csv} | changed, key="admin"))


def test_only_admins_import(town: Town) -> None:
    town.check_admission("POST", "/imports", {"kind": "technicians", "csv": FILE}, roles=ADMIN)
    town.check_admission("GET", "/imports?kind=technicians", roles=ADMIN)


def test_nothing_is_written_unless_the_request_says_so(real_town: Town) -> None:
    checked = sent(real_town)
    assert (checked["dry_run"], checked["rows"], checked["created"], checked["faults"]) == (True, 1, 1, [])
    assert checked["preview"] == {"columns": ["id", "name"], "rows": [{"line": 2, "cells": ["bob", "Bob Example"]}]}
    refused(real_town.call("GET", "/technicians/bob", key="admin"), 404, "technician_not_found")
    written = sent(real_town, dry_run=False)
    assert (written["dry_run"], written["created"], written["left"]) == (False, 1, 0)
    assert "preview" not in written
    assert body_of(real_town.call("GET", "/technicians/bob", key="admin"))["name"] == "Bob Example"


def test_the_admin_of_another_org_imports_there_alone(real_town: Town) -> None:
    body = {"kind": "technicians", "csv": FILE, "dry_run": False}
    assert body_of(real_town.call("POST", "/imports", body, key="rival"))["created"] == 1
    refused(real_town.call("GET", "/technicians/bob", key="admin"), 404, "technician_not_found")


def test_an_import_with_a_mistake_is_refused_and_names_line_and_column(real_town: Town) -> None:
    csv = FILE + "eve,\ntech-1,Other\n"
    assert [(each["line"], each["column"]) for each in sent(real_town, csv)["faults"]] == [(3, "name"), (4, "id")]
    body = {"kind": "technicians", "csv": csv, "dry_run": False}
    reply = real_town.call("POST", "/imports", body, key="admin")
    assert fault_codes(reply) == {("csv.3.name", "bad_row"), ("csv.4.id", "bad_row")}
    refused(real_town.call("GET", "/technicians/bob", key="admin"), 404, "technician_not_found")
    assert sent(real_town, FILE + "tech-1,Other\n", dry_run=False, update=True)["changed"] == 1


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"kind": "customers"}, ("kind", "not_allowed")),
        ({"csv": ""}, ("csv", "too_short")),
        ({"times_in": "Mars/Base"}, ("times_in", "bad_timezone")),
        ({"file": "x"}, ("file", "unknown_field")),
    ],
)
def test_a_wrong_request_is_refused(town: Town, changed: dict[str, Any], fault: tuple[str, str]) -> None:
    reply = town.call("POST", "/imports", {"kind": "technicians", "csv": FILE} | changed, key="admin")
    assert fault_codes(reply) == {fault}


def test_a_repeat_with_the_same_key_gets_the_first_answer_and_no_customer_is_kept(real_town: Town) -> None:
    body = {"kind": "technicians", "csv": FILE}
    first = real_town.call("POST", "/imports", body, key="admin", Idempotency_Key="import-1")
    sent(real_town, dry_run=False)
    again = real_town.call("POST", "/imports", body, key="admin", Idempotency_Key="import-1")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert body_of(again) == body_of(first)
    assert body_of(again)["preview"]["rows"]
    redis = real_town.world.services.redis
    kept = [redis.hgetall(key) for key in redis.scan_iter("*") if redis.type(key) == "hash"]
    assert any("fault_count" in each.get("body", "") for each in kept)
    assert not any("Bob Example" in str(each) for each in kept)


def test_a_file_may_be_larger_than_other_bodies_up_to_its_own_limit(town: Town) -> None:
    rows = "".join(f"home-{number},{'x' * 190}\n" for number in range(400))
    assert sent(town, "id,name\n" + rows, kind="properties")["created"] == 400
    body = {"kind": "properties", "csv": "x" * MOST_BYTES}
    problem = refused(town.call("POST", "/imports", body, key="admin"), 413, "too_large")
    assert problem["detail"] == "The request body is larger than 2048 KiB."
    problem = refused(town.call("POST", "/properties", {"name": "x" * 70_000}, key="admin"), 413, "too_large")
    assert problem["detail"] == "The request body is larger than 64 KiB."


def test_the_columns_of_each_kind_are_named(town: Town) -> None:
    shown = body_of(town.call("GET", "/imports?kind=bookings", key="admin"))
    needed = [each["name"] for each in shown["columns"] if each["required"]]
    assert needed == ["property_id", "technician_id", "start", "customer_name"]
    assert shown["example"].startswith("reference,property_id,")
    assert fault_codes(town.call("GET", "/imports?kind=customers", key="admin")) == {("kind", "not_allowed")}
