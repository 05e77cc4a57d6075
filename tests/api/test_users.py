"""/users: the people of an org who sign in."""

from __future__ import annotations

from typing import Any

import pytest

from services.access.people import ensure_user_indexes
from tests.api.browser import PASSWORD, Browser, person
from tests.api.town import Town, body_of, fault_codes, refused

ADMIN = frozenset({"admin"})


def add(town: Town, *, key: str = "admin", **changed: Any) -> dict[str, Any]:
    reply = town.call("POST", "/users", person(town.world, **changed), key=key)
    assert reply.status_code == 201, reply.text
    return body_of(reply)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/users", {"name": "x"}),
        ("GET", "/users", None),
        ("GET", "/users/dana", None),
        ("PATCH", "/users/dana", {"name": "x"}),
        ("DELETE", "/users/dana", None),
    ],
)
def test_only_an_admin_may(town: Town, method: str, path: str, body: Any) -> None:
    town.check_admission(method, path, body, roles=ADMIN)


def test_a_person_is_shown_without_the_password_and_kept_without_it(town: Town) -> None:
    reply = town.call("POST", "/users", person(town.world), key="admin")
    made = body_of(reply)
    assert (reply.status_code, reply.headers["Location"]) == (201, "/users/dana")
    email = f"dana@{town.world.org}.example"
    assert made.pop("created_at")
    assert made == {"id": "dana", "name": "Dana", "email": email, "role": "desk", "status": "active"}
    (kept,) = town.world.services.db["users"].find({"org": town.world.org})
    assert PASSWORD not in repr(kept)
    assert kept["password"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    shown = [town.call("GET", path, key="admin").text for path in ("/users", "/users/dana")]
    assert not [text for text in shown if "argon2" in text or "password" in text]


def test_a_person_without_an_id_gets_one(town: Town) -> None:
    made = add(town, id=None)
    assert body_of(town.call("GET", f"/users/{made['id']}", key="admin")) == made


def test_the_list_comes_in_pages_by_id(town: Town) -> None:
    for name in ("cleo", "anna", "bert"):
        add(town, user_id=name)
    first = body_of(town.call("GET", "/users?limit=2", key="admin"))
    rest = body_of(town.call("GET", f"/users?cursor={first['next_cursor']}", key="admin"))
    assert [each["id"] for each in first["users"] + rest["users"]] == ["anna", "bert", "cleo"]
    assert rest["next_cursor"] is None


def test_an_id_and_an_email_address_belong_to_one_person(town: Town) -> None:
    """An address signs in without an org's name, so it is one person's in the whole installation."""
    ensure_user_indexes(town.world.services.db)
    email = add(town)["email"]
    other = f"other@{town.world.org}.example"
    same_id = town.call("POST", "/users", person(town.world, email=other), key="admin")
    assert "id" in refused(same_id, 409, "already_exists")["detail"]
    for key in ("admin", "rival"):
        wanted = person(town.world, user_id="erik", email=email.upper())
        same_email = town.call("POST", "/users", wanted, key=key)
        assert "e-mail" in refused(same_email, 409, "already_exists")["detail"]
    add(town, user_id="erik")
    taken = town.call("PATCH", "/users/erik", {"email": email}, key="admin")
    assert "e-mail" in refused(taken, 409, "already_exists")["detail"]
    assert body_of(town.call("GET", "/users/erik", key="admin"))["email"] != email


def test_the_same_id_in_another_org_is_another_person(town: Town) -> None:
    add(town)
    add(town, key="rival", email="dana@rival.example")
    assert body_of(town.call("GET", "/users/dana", key="rival"))["email"] == "dana@rival.example"
    assert town.call("DELETE", "/users/dana", key="rival").status_code == 204
    assert town.call("GET", "/users/dana", key="admin").status_code == 200


def test_a_removed_person_is_forgotten_and_the_id_stays_taken(town: Town) -> None:
    made = add(town)
    assert town.call("DELETE", "/users/dana", key="admin").status_code == 204
    for method in ("GET", "DELETE"):
        refused(town.call(method, "/users/dana", key="admin"), 404, "not_found")
    refused(town.call("PATCH", "/users/dana", {"name": "x"}, key="admin"), 404, "not_found")
    assert body_of(town.call("GET", "/users", key="admin"))["users"] == []
    (kept,) = town.world.services.db["users"].find({"org": town.world.org})
    assert kept.keys() == {"_id", "org", "id", "removed", "state", "created_at"}
    refused(town.call("POST", "/users", person(town.world), key="admin"), 409, "already_exists")
    assert add(town, user_id="dana2", email=made["email"])["email"] == made["email"]


def test_an_empty_change_changes_nothing(town: Town) -> None:
    made = add(town)
    browser = Browser(town.world)
    browser.sign_in(made["email"])
    assert body_of(town.call("PATCH", "/users/dana", {}, key="admin")) == made
    assert browser.call("GET", "/session").status_code == 200


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({"password": "too short"}, {("password", "too_short")}),
        ({"password": "x" * 201}, {("password", "too_long")}),
        ({"role": "checkout"}, {("role", "not_allowed")}),
        ({"email": "dana"}, {("email", "bad_email")}),
        ({"id": "key_0f3a"}, {("id", "reserved")}),
        ({"id": "dana@example.com"}, {("id", "bad_id")}),
        ({"status": "disabled"}, {("status", "unknown_field")}),
    ],
)
def test_a_faulty_wish_adds_nobody(town: Town, changed: dict[str, Any], faults: set[tuple[str, str]]) -> None:
    assert fault_codes(town.call("POST", "/users", person(town.world, **changed), key="admin")) == faults
    assert body_of(town.call("GET", "/users", key="admin"))["users"] == []
