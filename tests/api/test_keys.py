"""/keys: making, listing, rotating and revoking API keys."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.api.town import Town, body_of, fault_codes, refused
from tests.redis_dump import dump

ADMIN = frozenset({"admin"})
HTTPS = "https://www.example.com"


def make(town: Town, **wanted: Any) -> dict[str, Any]:
    reply = town.call("POST", "/keys", {"role": "desk"} | wanted, key="admin")
    assert reply.status_code == 201, reply.text
    return body_of(reply)


def listed(town: Town, key: str = "admin") -> dict[str, dict[str, Any]]:
    """All keys that an admin sees, by id."""
    return {each["key_id"]: each for each in body_of(town.call("GET", "/keys?limit=200", key=key))["keys"]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/keys", {"role": "desk"}),
        ("GET", "/keys", None),
        ("POST", "/keys/key_1/rotate", {"overlap_seconds": 0}),
        ("DELETE", "/keys/key_1", None),
    ],
)
def test_only_an_admin_may(town: Town, method: str, path: str, body: Any) -> None:
    town.check_admission(method, path, body, roles=ADMIN)


@pytest.mark.parametrize("role", ["checkout", "bot", "desk", "admin"])
def test_a_new_key_works_at_once_with_its_role(town: Town, role: str) -> None:
    reply = town.call("POST", "/keys", {"role": role}, key="admin")
    made = body_of(reply)
    assert made.keys() == {"key_id", "key"}
    assert reply.headers["Cache-Control"] == "no-store"
    assert town.call("GET", "/properties", key=made["key"]).status_code == 200
    assert town.call("GET", "/policy", key=made["key"]).status_code == (200 if role == "admin" else 403)
    assert listed(town)[made["key_id"]]["role"] == role


def test_the_list_shows_no_key_and_no_hash(town: Town) -> None:
    made = make(town, role="checkout", name="Web site", origins=[HTTPS])
    reply = town.call("GET", "/keys", key="admin")
    shown = listed(town)[made["key_id"]]
    record = town.world.services.db["api_keys"].find_one({"key_id": made["key_id"]})
    assert made["key"] not in reply.text
    assert record["_id"] not in reply.text
    assert shown.keys() == {"key_id", "role", "name", "origins", "created_at", "expires_at", "revoked"}
    assert (shown["name"], shown["origins"], shown["expires_at"], shown["revoked"]) == (
        "Web site",
        [HTTPS],
        None,
        False,
    )


def test_the_list_comes_in_pages_oldest_first(town: Town) -> None:
    made = [make(town)["key_id"] for _ in range(3)]
    shown, path = [], "/keys?limit=2"
    while path:
        page = body_of(town.call("GET", path, key="admin"))
        shown += page["keys"]
        path = page["next_cursor"] and f"/keys?limit=2&cursor={page['next_cursor']}"
    assert len(shown) == 7
    assert {each["key_id"] for each in shown[4:]} == set(made)
    assert [each["created_at"] for each in shown] == sorted(each["created_at"] for each in shown)
    assert fault_codes(town.call("GET", "/keys?cursor=bm9uZQ", key="admin")) == {("cursor", "bad_cursor")}


def test_a_rotated_key_lives_on_beside_its_successor_until_the_overlap_is_over(town: Town) -> None:
    old = make(town, role="checkout", name="Web site", origins=[HTTPS])
    reply = town.call("POST", f"/keys/{old['key_id']}/rotate", {"overlap_seconds": 3600}, key="admin")
    new = body_of(reply)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (201, "no-store")
    for each in (old, new):
        assert town.call("GET", "/properties", key=each["key"]).status_code == 200
    shown = listed(town)
    assert [shown[new["key_id"]][name] for name in ("role", "name", "origins")] == ["checkout", "Web site", [HTTPS]]
    assert shown[old["key_id"]]["expires_at"] is not None
    assert shown[new["key_id"]]["expires_at"] is None
    town.call("POST", f"/keys/{old['key_id']}/rotate", {"overlap_seconds": 0}, key="admin")
    refused(town.call("GET", "/properties", key=old["key"]), 401, "unauthenticated")
    again = town.call("POST", f"/keys/{old['key_id']}/rotate", {"overlap_seconds": 0}, key="admin")
    refused(again, 409, "invalid_transition")


def test_a_rotated_key_goes_on_with_what_the_one_before_began(town: Town) -> None:
    old = make(town, role="bot")
    hold = town.hold(key=old["key"])
    wanted = town.slot(15) | {"customer": {"name": "Alice"}}
    booked = body_of(town.call("POST", "/book", wanted, key=old["key"], Idempotency_Key="sms-1"))
    new = old
    for _ in range(2):
        new = body_of(town.call("POST", f"/keys/{new['key_id']}/rotate", {"overlap_seconds": 0}, key="admin"))
    confirmed = town.call("POST", "/book", {"hold_id": hold["hold_id"], "customer": {"name": "Alice"}}, key=new["key"])
    assert confirmed.status_code == 201
    again = town.call("POST", "/book", wanted, key=new["key"], Idempotency_Key="sms-1")
    assert (again.headers["Idempotency-Replayed"], body_of(again)) == ("true", booked)


def test_histories_and_the_log_name_the_key_that_acted(town: Town) -> None:
    keys = [make(town, role="desk")]
    path = f"/bookings/{town.book(key=keys[0]['key'])['booking_id']}"
    for _ in range(2):
        keys.append(
            body_of(town.call("POST", f"/keys/{keys[-1]['key_id']}/rotate", {"overlap_seconds": 60}, key="admin"))
        )
    with capture_logs() as lines:
        for number, made in enumerate(keys):
            reply = town.call("PATCH", path, {"description": str(number)}, key=made["key"], If_Match=f'"{number + 1}"')
            assert reply.status_code == 200, reply.text
    assert [line["key_id"] for line in lines if line["event"] == "request"] == [made["key_id"] for made in keys]
    history = body_of(town.call("GET", path, key="desk"))["history"]
    assert [entry["by"] for entry in history] == [f"desk:{made['key_id']}" for made in [keys[0], *keys]]


def test_a_repeated_change_is_recognised_after_its_key_was_rotated(town: Town) -> None:
    keys = [make(town, role="desk")]
    path = f"/bookings/{town.book(key=keys[0]['key'])['booking_id']}"
    keys.append(body_of(town.call("POST", f"/keys/{keys[0]['key_id']}/rotate", {"overlap_seconds": 60}, key="admin")))
    keys.append(body_of(town.call("POST", f"/keys/{keys[1]['key_id']}/rotate", {"overlap_seconds": 60}, key="admin")))

    def change(key: str) -> int:
        return town.call("PATCH", path, {"description": "x"}, key=key, If_Match='"1"').status_code

    assert [change(keys[1]["key"]), change(keys[2]["key"])] == [200, 200]
    refused(town.call("PATCH", path, {"description": "x"}, key="desk", If_Match='"1"'), 412, "version_conflict")


def test_a_hold_that_staff_released_names_the_key_that_did_it(town: Town) -> None:
    old = make(town, role="desk")
    new = body_of(town.call("POST", f"/keys/{old['key_id']}/rotate", {"overlap_seconds": 60}, key="admin"))
    hold_id = town.hold()["hold_id"]
    assert town.call("DELETE", f"/hold/{hold_id}", key=new["key"]).status_code == 204
    kept = repr(dump(town.world.services.redis, town.world.org))
    assert (new["key_id"] in kept, old["key_id"] in kept) == (True, False)


def test_a_revoked_key_is_refused_and_revoking_it_again_is_fine(town: Town) -> None:
    made = make(town)
    for _ in range(2):
        reply = town.call("DELETE", f"/keys/{made['key_id']}", key="admin")
        assert (reply.status_code, reply.data) == (204, b"")
        refused(town.call("GET", "/properties", key=made["key"]), 401, "unauthenticated")
    assert listed(town)[made["key_id"]]["revoked"] is True
    again = town.call("POST", f"/keys/{made['key_id']}/rotate", {"overlap_seconds": 0}, key="admin")
    refused(again, 409, "invalid_transition")


def test_an_admin_of_another_org_sees_and_touches_no_key(town: Town) -> None:
    made = make(town)
    assert made["key_id"] not in listed(town, key="rival")
    for key_id in (made["key_id"], "key_none"):
        rotate = town.call("POST", f"/keys/{key_id}/rotate", {"overlap_seconds": 0}, key="rival")
        refused(rotate, 404, "not_found")
        refused(town.call("DELETE", f"/keys/{key_id}", key="rival"), 404, "not_found")
    assert town.call("GET", "/properties", key=made["key"]).status_code == 200


def test_no_secret_is_kept_for_a_repeat(town: Town) -> None:
    world = town.world
    replies = [town.call("POST", "/keys", {"role": "bot"}, key="admin", Idempotency_Key="one and the same")] * 2
    replies += [town.call("POST", "/keys", {"role": "bot"}, key="admin", Idempotency_Key="one and the same")]
    assert all("Idempotency-Replayed" not in reply.headers for reply in replies)
    assert body_of(replies[0]) != body_of(replies[-1])
    stored = repr(dump(world.services.redis, world.org)) + repr(list(world.services.db["api_keys"].find()))
    for reply in replies:
        assert body_of(reply)["key"] not in stored


def test_a_publishable_key_answers_only_the_pages_that_it_was_made_for(town: Town) -> None:
    key = make(town, role="checkout", origins=[HTTPS, "http://localhost:3000"])["key"]
    for origin in (HTTPS, "http://localhost:3000"):
        assert town.call("GET", "/properties", key=key, Origin=origin).status_code == 200
    assert town.call("GET", "/properties", key=key).status_code == 200  # no page of a browser
    for origin in ("https://evil.example", "https://www.example.com.evil.example", "http://www.example.com", "null"):
        refused(town.call("GET", "/properties", key=key, Origin=origin), 403, "forbidden")
        refused(town.call("POST", "/hold", town.slot(), key=key, Origin=origin), 403, "forbidden")
    preflight = town.call("OPTIONS", "/hold", key=None, Origin="https://evil.example")
    assert preflight.status_code == 204
    assert town.call("GET", "/properties", Origin="https://evil.example").status_code == 200  # a key without origins


@pytest.mark.parametrize(
    "origin",
    [
        "www.example.com",
        "https://",
        "https://www.example.com/",
        "https://www.example.com/page",
        "https://*.example.com",
        "https://user@example.com",
        "https://example.com:0",
        "https://example.com\n",
        "ftp://example.com",
        "null",
        "*",
        "",
        7,
    ],
)
def test_what_is_no_origin_is_refused(town: Town, origin: Any) -> None:
    reply = town.call("POST", "/keys", {"role": "checkout", "origins": [HTTPS, origin]}, key="admin")
    assert {field for field, _ in fault_codes(reply)} == {"origins.1"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("HTTPS://WWW.Example.com", HTTPS),
        ("https://www.example.com:443", HTTPS),
        ("http://www.example.com:443", "http://www.example.com:443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(town: Town, given: str, kept: str) -> None:
    made = make(town, role="checkout", origins=[given])
    assert listed(town)[made["key_id"]]["origins"] == [kept]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {("role", "missing")}),
        ({"role": "customer"}, {("role", "not_allowed")}),
        ({"role": "desk", "origins": [HTTPS]}, {("origins", "origins_not_allowed")}),
        ({"role": "checkout", "origins": []}, {("origins", "too_short")}),
        ({"role": "desk", "name": "", "org": "other"}, {("name", "too_short"), ("org", "unknown_field")}),
    ],
)
def test_a_faulty_wish_makes_no_key(town: Town, body: Any, faults: set[tuple[str, str]]) -> None:
    before = listed(town)
    assert fault_codes(town.call("POST", "/keys", body, key="admin")) == faults
    assert listed(town) == before


@pytest.mark.parametrize(
    "body", [{}, {"overlap_seconds": -1}, {"overlap_seconds": 2_592_001}, {"overlap_seconds": "1"}]
)
def test_a_faulty_overlap_makes_no_key(town: Town, body: Any) -> None:
    made = make(town)
    before = listed(town)
    reply = town.call("POST", f"/keys/{made['key_id']}/rotate", body, key="admin")
    assert {field for field, _ in fault_codes(reply)} == {"overlap_seconds"}
    assert listed(town) == before
