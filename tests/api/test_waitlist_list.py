"""GET /waitlist, and what staff may do with the entries of others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.app import all_endpoints
from tests.api.any_endpoint import roles_of, some_path
from tests.api.test_waitlist import KEPT_CUSTOMER, join, read, wish
from tests.api.town import Town, body_of, fault_codes, refused
from tests.waitlist.waiting import offered
from tests.world import rfc3339, tomorrow


def listed(town: Town, query: str = "", *, key: str = "desk") -> dict[str, Any]:
    reply = town.call("GET", f"/waitlist{query}", key=key)
    assert reply.status_code == 200, reply.text
    return body_of(reply)


def ids(town: Town, query: str = "") -> list[str]:
    return [entry["waitlist_id"] for entry in listed(town, query)["waitlist"]]


@pytest.fixture
def entries(town: Town) -> list[str]:
    """Two entries for prop-1, of which the second is cancelled, and one for prop-2, in this order."""
    made = [join(town, property_id=which)["waitlist_id"] for which in ("prop-1", "prop-1", "prop-2")]
    for seconds, waitlist_id in enumerate(made):  # two of one millisecond would come in any order
        joined = {"$set": {"created_at": tomorrow(0) - timedelta(days=2) + timedelta(seconds=seconds)}}
        town.world.services.db["waitlist"].update_one({"_id": waitlist_id}, joined)
    town.call("DELETE", f"/waitlist/{made[1]}", key="desk")
    return made


def test_admission_to_the_list(town: Town) -> None:
    town.check_admission("GET", "/waitlist", roles=frozenset({"desk", "admin"}))


def test_staff_see_all_entries_as_they_read_them_one_by_one(town: Town, entries: list[str]) -> None:
    for key in ("desk", "admin"):
        found = listed(town, key=key)
        assert found["next_cursor"] is None
        assert found["waitlist"] == [read(town, each, key=key) for each in entries]
    assert found["waitlist"][0]["customer"] == KEPT_CUSTOMER


def test_a_filter_takes_a_property_a_status_or_both(town: Town, entries: list[str]) -> None:
    assert ids(town, "?property_id=prop-1") == entries[:2]
    assert ids(town, "?status=waiting") == [entries[0], entries[2]]
    assert ids(town, "?property_id=prop-1&status=cancelled") == [entries[1]]
    assert ids(town, "?property_id=prop-9") == []


@pytest.mark.parametrize("query", ["", "property_id=prop-1&", "status=waiting&"])
def test_pages_lead_through_the_whole_list(town: Town, query: str) -> None:
    made = [join(town)["waitlist_id"] for _ in range(5)]
    found, cursor = [], ""
    while True:
        page = listed(town, f"?{query}limit=2{cursor}")
        found += [entry["waitlist_id"] for entry in page["waitlist"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(found) == sorted(made)
    assert found == ids(town, f"?{query}limit=200")


def test_another_orgs_entries_are_not_listed(town: Town, entries: list[str]) -> None:
    assert entries
    assert listed(town, key="rival")["waitlist"] == []


def test_every_fault_of_a_query_is_named_at_once(town: Town) -> None:
    reply = town.call("GET", "/waitlist?property_id=a%20b&status=gone&limit=0&why=1", key="desk")
    assert fault_codes(reply) == {
        ("property_id", "bad_id"),
        ("status", "not_allowed"),
        ("limit", "out_of_range"),
        ("why", "unknown_field"),
    }
    for cursor in ("x", "MQ", "bm9uc2Vuc2V-d2xfMQ"):
        assert fault_codes(town.call("GET", f"/waitlist?cursor={cursor}", key="desk")) == {("cursor", "bad_cursor")}


def test_staff_remove_a_strangers_entry(town: Town) -> None:
    town.book()
    entry = body_of(town.call("POST", "/waitlist", wish()))
    for _ in range(2):
        assert town.call("DELETE", f"/waitlist/{entry['waitlist_id']}", key="desk").status_code == 204
    assert read(town, entry["waitlist_id"], key="checkout")["status"] == "cancelled"
    refused(town.call("DELETE", f"/waitlist/{entry['waitlist_id']}", key="bot"), 403, "forbidden")


def test_only_staff_and_its_holder_see_the_hold_of_an_offer(town: Town) -> None:
    entry = offered(town.world)
    secret = str(entry.held_as)
    path = f"/waitlist/{entry.waitlist_id}"
    for key in ("desk", "admin"):
        assert [each["hold_id"] for each in listed(town, key=key)["waitlist"]] == [secret]
    assert read(town, entry.waitlist_id, key="bot")["hold_id"] == secret
    refused(town.call("GET", path, key="checkout"), 403, "forbidden")
    refused(town.call("DELETE", path, key="checkout"), 403, "forbidden")
    slot = {"property_id": "prop-1", "technician_id": "tech-1", "start": rfc3339(tomorrow(10)), "suggest": 5}
    shown = [town.call(*asked, key="checkout") for asked in (("GET", "/waitlist"), ("POST", "/hold", slot))]
    assert [reply.status_code for reply in shown] == [403, 409]
    queries = {"/availability": f"?property_id=prop-1&from={tomorrow().date()}"}
    for endpoint in all_endpoints():
        if endpoint.method == "GET" and "checkout" in roles_of(endpoint):
            shown.append(town.call("GET", some_path(endpoint) + queries.get(endpoint.path, ""), key="checkout"))
    assert {reply.status_code for reply in shown} >= {200, 403, 404, 409}
    assert not [reply.text for reply in shown if secret in reply.text or str(entry.hold_id) in reply.text]
