"""/session: who may sign in, what the cookie is, and what it may do."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.api.browser import PASSWORD, Browser, person
from tests.api.town import Town, body_of, refused
from tests.redis_dump import dump


@pytest.fixture
def browser(town: Town) -> Browser:
    return Browser(town.world)


def signed_in(town: Town, role: str = "desk", user_id: str = "dana") -> Browser:
    """The browser of a new person who has signed in."""
    wanted = person(town.world, role, user_id)
    assert town.call("POST", "/users", wanted, key="admin").status_code == 201
    browser = Browser(town.world)
    assert browser.sign_in(wanted["email"]).status_code == 201
    return browser


def cookie_of(header: str) -> tuple[str, dict[str, str]]:
    ((name, morsel),) = SimpleCookie(header).items()
    return name, {mark: str(value) for mark, value in morsel.items() if value}


def test_a_person_signs_in_and_is_shown(town: Town, browser: Browser) -> None:
    town.call("POST", "/users", person(town.world), key="admin")
    reply = browser.sign_in(f"Dana@{town.world.org}.EXAMPLE")
    shown = body_of(reply)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (201, "no-store")
    assert shown.pop("expires_at")
    email = f"dana@{town.world.org}.example"
    assert shown == {"org": town.world.org, "role": "desk", "user_id": "dana", "name": "Dana", "email": email}
    assert browser.cookie.partition("=")[2] not in reply.text
    assert body_of(browser.call("GET", "/session")).items() >= shown.items()


@pytest.mark.parametrize(
    ("origin", "name"), [("http://localhost", "holdfast_session"), ("https://localhost", "__Host-holdfast_session")]
)
def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it(town: Town, origin: str, name: str) -> None:
    town.call("POST", "/users", person(town.world), key="admin")
    body = {"email": person(town.world)["email"], "password": PASSWORD}
    reply = town.call("POST", "/session", body, key=None, Origin=origin)
    found, marks = cookie_of(reply.headers["Set-Cookie"])
    secure = {"secure": "True"} if origin.startswith("https") else {}
    assert (found, marks) == (
        name,
        {"path": "/", "max-age": "43200", "httponly": "True", "samesite": "Strict", **secure},
    )


def test_without_an_origin_a_trusted_proxy_says_that_it_is_https(town: Town) -> None:
    body = {"key": town.world.keys["desk"]}
    plain = town.call("POST", "/session", body, key=None, X_Forwarded_Proto="https")
    assert plain.headers["Set-Cookie"].startswith("holdfast_session=")
    object.__setattr__(town.world.services.settings, "trusted_proxies", 1)
    secure = town.call("POST", "/session", body, key=None, X_Forwarded_Proto="https")
    assert secure.headers["Set-Cookie"].startswith("__Host-holdfast_session=")


@pytest.mark.parametrize("role", ["desk", "admin"])
def test_a_session_has_the_rights_of_its_persons_role(town: Town, role: str) -> None:
    browser = signed_in(town, role)
    assert browser.call("GET", "/bookings").status_code == 200
    assert browser.call("GET", "/policy").status_code == (200 if role == "admin" else 403)
    made = browser.call("POST", "/users", person(town.world, user_id="erik"))
    assert made.status_code == (201 if role == "admin" else 403)


def test_the_history_names_the_person(town: Town) -> None:
    browser = signed_in(town)
    booked = body_of(browser.call("POST", "/book", town.slot() | {"customer": {"name": "Alice"}}))
    with capture_logs() as lines:
        path = f"/bookings/{booked['booking_id']}"
        assert browser.call("PATCH", path, {"description": "x"}, If_Match='"1"').status_code == 200
    assert [line["key_id"] for line in lines if line["event"] == "request"] == ["dana"]
    history = body_of(browser.call("GET", path))["history"]
    assert [entry["by"] for entry in history] == ["desk:dana", "desk:dana"]


def test_what_a_person_made_stays_that_persons_own_after_the_next_sign_in(town: Town) -> None:
    browser = signed_in(town)
    slot = town.slot()
    held = body_of(browser.call("POST", "/hold", slot | {"holder": "caller-7"}))
    browser.sign_in(person(town.world)["email"])
    again = browser.call("POST", "/hold", slot | {"holder": "caller-7"})
    assert (again.status_code, body_of(again)["hold_id"]) == (200, held["hold_id"])
    other = signed_in(town, user_id="erik").call("POST", "/hold", slot | {"holder": "caller-7"})
    refused(other, 409, "slot_held")


def test_an_unknown_address_a_wrong_password_and_a_disabled_person_get_the_same_answer(
    town: Town, browser: Browser
) -> None:
    for user_id in ("dana", "erik"):
        town.call("POST", "/users", person(town.world, user_id=user_id), key="admin")
    town.call("PATCH", "/users/erik", {"status": "disabled"}, key="admin")
    email, disabled = (person(town.world, user_id=user_id)["email"] for user_id in ("dana", "erik"))
    replies = [
        browser.sign_in(email, "wrong horse battery"),
        browser.sign_in(disabled, PASSWORD),
        browser.sign_in("nobody@example.com", PASSWORD),
    ]
    assert len({repr(refused(reply, 401, "unauthenticated")) for reply in replies}) == 1
    assert not [reply for reply in replies if "Set-Cookie" in reply.headers]


def test_ten_wrong_passwords_are_enough_for_a_while(town: Town, browser: Browser) -> None:
    town.call("POST", "/users", person(town.world), key="admin")
    for email in (person(town.world)["email"], "nobody@example.com"):
        for _ in range(10):
            refused(browser.sign_in(email, "wrong"), 401, "unauthenticated")
        for password in ("wrong", PASSWORD):
            reply = browser.sign_in(email, password)
            refused(reply, 429, "rate_limited")
            assert 1 <= int(reply.headers["Retry-After"]) <= 900


@pytest.mark.parametrize("role", ["desk", "admin"])
def test_a_key_signs_in_as_itself(town: Town, browser: Browser, role: str) -> None:
    shown = body_of(browser.sign_in(key=town.world.keys[role]))
    assert (shown["role"], shown["user_id"], shown["org"]) == (role, None, town.world.org)
    held = town.hold(key=role)
    assert browser.call("POST", f"/hold/{held['hold_id']}/extend", {"ttl_seconds": 600}).status_code == 200
    booked = body_of(browser.call("POST", "/book", town.slot(15) | {"customer": {"name": "Alice"}}))
    by = {entry["by"] for entry in body_of(browser.call("GET", f"/bookings/{booked['booking_id']}"))["history"]}
    assert by == {town.world.caller(role).name}


@pytest.mark.parametrize("role", ["checkout", "bot"])
def test_a_key_of_another_role_signs_nobody_in(town: Town, browser: Browser, role: str) -> None:
    refused(browser.sign_in(key=town.world.keys[role]), 403, "forbidden")
    refused(browser.sign_in(key="hf_desk_made-up"), 401, "unauthenticated")
    refused(browser.sign_in(key=town.book(9)["manage_token"]), 403, "forbidden")


def test_signing_out_ends_the_session_and_takes_the_cookie_away(town: Town) -> None:
    browser = signed_in(town)
    reply = browser.call("DELETE", "/session")
    assert reply.status_code == 204
    taken = [cookie_of(header) for header in reply.headers.getlist("Set-Cookie")]
    assert {name for name, _ in taken} == {"holdfast_session", "__Host-holdfast_session"}
    assert {marks["max-age"] for _, marks in taken} == {"0"}
    refused(browser.call("GET", "/session"), 401, "unauthenticated")
    assert town.call("GET", "/bookings", key="desk").status_code == 200


def test_a_request_with_a_key_shows_the_key_and_signing_it_out_ends_nothing(town: Town) -> None:
    shown = body_of(town.call("GET", "/session", key="desk"))
    assert (shown["role"], shown["user_id"], shown["expires_at"]) == ("desk", None, None)
    assert town.call("DELETE", "/session", key="desk").status_code == 204
    assert town.call("GET", "/session", key="desk").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Holdfast": None},
        {"X_Holdfast": "0"},
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "http://localhost:81"},
        {"Origin": "https://localhost"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://evil.example", "Host": "localhost"},
    ],
)
def test_a_write_that_no_own_page_made_is_forbidden(town: Town, headers: dict[str, Any]) -> None:
    browser = signed_in(town, "admin")
    writes = [("POST", "/hold", town.slot()), ("PATCH", "/users/dana", {"name": "x"}), ("DELETE", "/session", None)]
    for method, path, body in writes:
        refused(browser.call(method, path, body, **headers), 403, "forbidden")
    assert browser.call("GET", "/session", **headers).status_code == 200
    assert town.world.claim_keys() == []


def test_the_page_of_another_site_signs_nobody_in(town: Town) -> None:
    body = {"key": town.world.keys["desk"]}
    for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
        reply = town.call("POST", "/session", body, key=None, Origin=origin)
        refused(reply, 403, "forbidden")
        assert "Set-Cookie" not in reply.headers


def test_a_sessions_token_counts_in_its_cookie_alone_and_a_key_never_there(town: Town) -> None:
    browser = signed_in(town)
    token = browser.cookie.partition("=")[2]
    refused(town.call("GET", "/bookings", key=token), 401, "unauthenticated")
    key = town.world.keys["desk"]
    refused(town.call("GET", "/bookings", key=None, Cookie=f"holdfast_session={key}"), 401, "unauthenticated")
    refused(browser.call("GET", "/bookings", Authorization="Bearer hf_desk_made-up"), 401, "unauthenticated")


def test_over_https_the_cookie_of_http_makes_no_write(town: Town) -> None:
    """Another host of the same domain can plant a cookie of a plain name, but none that begins with __Host-."""
    browser = signed_in(town)
    refused(browser.call("POST", "/hold", town.slot(), Origin="https://localhost"), 403, "forbidden")
    browser.cookie = f"a=b; {browser.cookie.replace('holdfast', '__Host-holdfast')}; holdfast_session=hfs_planted"
    assert browser.call("POST", "/hold", town.slot(), Origin="https://localhost").status_code == 201


@pytest.mark.parametrize(
    "change", [{"status": "disabled"}, {"role": "admin"}, {"password": "another long one"}, {"email": "d@example.com"}]
)
def test_a_change_of_what_a_person_may_do_ends_the_sessions(town: Town, change: dict[str, Any]) -> None:
    browser, other = signed_in(town), signed_in(town, user_id="erik")
    town.call("PATCH", "/users/dana", {"name": "Dana Smith"}, key="admin")
    assert body_of(browser.call("GET", "/session"))["name"] == "Dana Smith"
    town.call("PATCH", "/users/dana", change, key="admin")
    refused(browser.call("GET", "/bookings"), 401, "unauthenticated")
    assert other.call("GET", "/bookings").status_code == 200
    again = browser.sign_in(change.get("email", person(town.world)["email"]), change.get("password", PASSWORD))
    assert again.status_code == (401 if "status" in change else 201)


def test_a_removed_person_is_signed_out(town: Town) -> None:
    browser = signed_in(town)
    town.call("DELETE", "/users/dana", key="admin")
    refused(browser.call("GET", "/bookings"), 401, "unauthenticated")
    refused(browser.sign_in(person(town.world)["email"]), 401, "unauthenticated")


def test_a_session_is_no_key_of_the_list_and_cannot_be_rotated(town: Town) -> None:
    signed_in(town)
    session_id = town.world.services.db["api_keys"].find_one({"is_session": True})["key_id"]
    assert session_id not in town.call("GET", "/keys?limit=200", key="admin").text
    rotated = town.call("POST", f"/keys/{session_id}/rotate", {"overlap_seconds": 0}, key="admin")
    refused(rotated, 404, "not_found")
    refused(town.call("DELETE", f"/keys/{session_id}", key="admin"), 404, "not_found")


def test_no_log_line_and_no_store_has_a_password_a_token_or_an_email_address(town: Town, browser: Browser) -> None:
    email = person(town.world)["email"]
    with capture_logs() as lines:
        town.call("POST", "/users", person(town.world), key="admin")
        for password in ("wrong horse battery", PASSWORD):
            browser.sign_in(email, password)
        key_browser = Browser(town.world)
        key_browser.sign_in(key=town.world.keys["desk"])
        browser.call("POST", "/hold", town.slot())
        browser.call("DELETE", "/session")
    world = town.world
    tokens = [each.cookie.partition("=")[2] for each in (browser, key_browser)]
    stored = repr(dump(world.services.redis, world.org))
    stored += repr([list(world.services.db[name].find()) for name in ("api_keys", "sign_in_tries")])
    assert any(line["event"] == "signed_in" for line in lines)
    for secret in (*tokens, PASSWORD, "wrong horse", world.keys["desk"], email):
        assert secret not in repr(lines)
        assert secret not in stored
