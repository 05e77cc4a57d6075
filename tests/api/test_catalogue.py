"""/properties and /technicians: the rules of both."""

from __future__ import annotations

import pytest

from tests.api.town import EVERYBODY, Town, body_of, fault_codes, refused

KINDS = [("properties", "prop-1", "property"), ("technicians", "tech-1", "technician")]
STAFF = frozenset({"desk", "admin"})

pytestmark = pytest.mark.parametrize(("kind", "known", "word"), KINDS, ids=["properties", "technicians"])


def test_they_are_listed_by_id_page_by_page(town: Town, kind: str, known: str, word: str) -> None:
    first = body_of(town.call("GET", f"/{kind}?limit=2"))
    assert [found["id"] for found in first[kind]] == [known, known.replace("1", "2")]
    rest = body_of(town.call("GET", f"/{kind}?limit=2&cursor={first['next_cursor']}"))
    assert ([found["id"] for found in rest[kind]], rest["next_cursor"]) == ([known.replace("1", "3")], None)


def test_another_org_sees_its_own(town: Town, kind: str, known: str, word: str) -> None:
    assert [found["name"].split()[-1] for found in body_of(town.call("GET", f"/{kind}", key="rival"))[kind]] == [
        "rival"
    ]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=made-up", "page=2"])
def test_a_wrong_query_of_a_list_is_a_fault(town: Town, kind: str, known: str, word: str, query: str) -> None:
    assert {field for field, _ in fault_codes(town.call("GET", f"/{kind}?{query}"))} == {query.partition("=")[0]}


def test_one_is_read(town: Town, kind: str, known: str, word: str) -> None:
    body = body_of(town.call("GET", f"/{kind}/{known}", key="desk"))
    assert (body["id"], body["timezone"], body["status"]) == (known, "UTC", "available")


def test_one_is_made_under_a_chosen_id(town: Town, kind: str, known: str, word: str) -> None:
    reply = town.call("POST", f"/{kind}", {"id": "new-1", "name": "New", "timezone": "Europe/Paris"}, key="admin")
    assert (reply.status_code, reply.headers["Location"]) == (201, f"/{kind}/new-1")
    assert body_of(town.call("GET", f"/{kind}/new-1", key="desk")) == body_of(reply)
    assert body_of(reply)["timezone"] == "Europe/Paris"


def test_one_is_made_under_an_id_of_our_choice(town: Town, kind: str, known: str, word: str) -> None:
    reply = town.call("POST", f"/{kind}", {"name": "New"}, key="admin")
    assert reply.headers["Location"] == f"/{kind}/{body_of(reply)['id']}"
    assert town.call("GET", reply.headers["Location"]).status_code == 200


def test_an_id_is_taken_once(town: Town, kind: str, known: str, word: str) -> None:
    before = body_of(town.call("GET", f"/{kind}/{known}", key="desk"))
    refused(town.call("POST", f"/{kind}", {"id": known, "name": "Other"}, key="admin"), 409, "already_exists")
    assert body_of(town.call("GET", f"/{kind}/{known}", key="desk")) == before


def test_an_idempotency_key_makes_one(town: Town, kind: str, known: str, word: str) -> None:
    first = town.call("POST", f"/{kind}", {"name": "New"}, key="admin", Idempotency_Key="k")
    again = town.call("POST", f"/{kind}", {"name": "New"}, key="admin", Idempotency_Key="k")
    assert (again.status_code, body_of(again)) == (201, body_of(first))
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    refused(
        town.call("POST", f"/{kind}", {"name": "Else"}, key="admin", Idempotency_Key="k"), 422, "idempotency_key_reused"
    )
    assert len(body_of(town.call("GET", f"/{kind}"))[kind]) == 4


def test_one_is_changed(town: Town, kind: str, known: str, word: str) -> None:
    reply = town.call("PATCH", f"/{kind}/{known}", {"name": "Changed", "status": "unavailable"}, key="admin")
    body = body_of(reply)
    assert (reply.status_code, body["name"], body["status"]) == (200, "Changed", "unavailable")
    assert body_of(town.call("GET", f"/{kind}/{known}", key="desk")) == body


def test_the_desk_changes_the_status_only(town: Town, kind: str, known: str, word: str) -> None:
    assert town.call("PATCH", f"/{kind}/{known}", {"status": "unavailable"}, key="desk").status_code == 200
    for change in ({"name": "Mine"}, {"name": "Mine", "status": "available"}):
        refused(town.call("PATCH", f"/{kind}/{known}", change, key="desk"), 403, "forbidden")
    body = body_of(town.call("GET", f"/{kind}/{known}", key="desk"))
    assert (body["status"], body["name"] == "Mine") == ("unavailable", False)


def test_admission(town: Town, kind: str, known: str, word: str) -> None:
    town.check_admission("GET", f"/{kind}", roles=EVERYBODY)
    town.check_admission("GET", f"/{kind}/{known}", roles=EVERYBODY)
    town.check_admission("POST", f"/{kind}", {"name": "New"}, roles=frozenset({"admin"}))
    town.check_admission("PATCH", f"/{kind}/{known}", {"status": "unavailable"}, roles=STAFF)


def test_another_orgs_or_a_missing_one_is_not_found(town: Town, kind: str, known: str, word: str) -> None:
    for path, key in ((f"/{kind}/{known.replace('1', '2')}", "rival"), (f"/{kind}/nobody", "admin")):
        refused(town.call("GET", path, key=key), 404, f"{word}_not_found")
        refused(town.call("PATCH", path, {"status": "unavailable"}, key=key), 404, f"{word}_not_found")


def test_a_bad_id_is_a_fault(town: Town, kind: str, known: str, word: str) -> None:
    assert fault_codes(town.call("GET", f"/{kind}/a%20b")) == {(f"{word}_id", "bad_id")}
    assert fault_codes(town.call("PATCH", f"/{kind}/a%20b", {}, key="admin")) == {(f"{word}_id", "bad_id")}


def test_every_fault_is_named_at_once(town: Town, kind: str, known: str, word: str) -> None:
    wrong = {"id": "a/b", "timezone": "Mars/Olympus", "status": "open", "colour": "red"}
    assert fault_codes(town.call("POST", f"/{kind}", wrong, key="admin")) == {
        ("id", "bad_id"),
        ("name", "missing"),
        ("timezone", "bad_timezone"),
        ("status", "not_allowed"),
        ("colour", "unknown_field"),
    }
    assert {field for field, _ in fault_codes(town.call("PATCH", f"/{kind}/{known}", {"id": "x"}, key="admin"))} == {
        "id"
    }
