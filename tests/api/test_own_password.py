"""POST /session/password, DELETE /session?everywhere, and what becomes of earlier sessions at a sign-in."""

from __future__ import annotations

import math

from api.http.turns import HASHING_AT_ONCE, KEYLESS_AT_ONCE
from scripts.dev_server.child import wait_until
from services.stores.faults import mongo_until
from tests.api.browser import PASSWORD, Browser, person
from tests.api.test_session import signed_in
from tests.api.test_turns import CROWD, Door, many
from tests.api.town import Town, body_of, fault_codes, refused

NEW = {"current_password": PASSWORD, "new_password": "another long one"}
STAFF = frozenset({"desk", "admin"})


def test_only_staff_may(town: Town) -> None:
    town.check_admission("POST", "/session/password", NEW, roles=STAFF)


def test_a_new_password_ends_all_sessions_and_gives_a_new_cookie(town: Town) -> None:
    browser, elsewhere = signed_in(town), Browser(town.world)
    elsewhere.sign_in(person(town.world)["email"])
    before = browser.cookie
    reply = browser.call("POST", "/session/password", NEW)
    assert (reply.status_code, body_of(reply)["user_id"]) == (200, "dana")
    assert browser.cookie != before
    assert browser.call("GET", "/session").status_code == 200
    for gone in ({"Cookie": before}, {"Cookie": elsewhere.cookie}):
        refused(browser.call("GET", "/session", **gone), 401, "unauthenticated")
    refused(Browser(town.world).sign_in(person(town.world)["email"]), 401, "unauthenticated")
    assert Browser(town.world).sign_in(person(town.world)["email"], NEW["new_password"]).status_code == 201


def test_what_is_wrong_is_named_and_ten_wrong_passwords_are_enough(town: Town) -> None:
    browser = signed_in(town)
    short = browser.call("POST", "/session/password", NEW | {"new_password": "short"})
    assert fault_codes(short) == {("new_password", "too_short")}
    for _ in range(10):
        wrong = browser.call("POST", "/session/password", NEW | {"current_password": "wrong"})
        assert fault_codes(wrong) == {("current_password", "wrong")}
    reply = browser.call("POST", "/session/password", NEW)
    refused(reply, 429, "rate_limited")
    assert 1 <= int(reply.headers["Retry-After"]) <= 900
    assert browser.call("GET", "/session").status_code == 200


def test_a_key_has_no_password_and_another_site_changes_none(town: Town) -> None:
    refused(town.call("POST", "/session/password", NEW, key="admin"), 403, "forbidden")
    browser = signed_in(town)
    refused(browser.call("POST", "/session/password", NEW, Origin="https://evil.example"), 403, "forbidden")
    refused(browser.call("POST", "/session/password", NEW, X_Holdfast=None), 403, "forbidden")


def test_signing_out_everywhere_ends_the_session_of_another_device(town: Town) -> None:
    browser, elsewhere = signed_in(town), Browser(town.world)
    elsewhere.sign_in(person(town.world)["email"])
    assert browser.call("DELETE", "/session?everywhere=true").status_code == 204
    for each in (browser, elsewhere):
        refused(each.call("GET", "/session"), 401, "unauthenticated")


def test_a_sign_in_ends_the_session_that_the_browser_had_and_no_other(town: Town) -> None:
    browser, elsewhere = signed_in(town), Browser(town.world)
    elsewhere.sign_in(person(town.world)["email"])
    before = browser.cookie
    browser.sign_in(person(town.world)["email"])
    refused(browser.call("GET", "/session", Cookie=before), 401, "unauthenticated")
    assert [each.call("GET", "/session").status_code for each in (browser, elsewhere)] == [200, 200]


def test_passwords_that_wait_for_their_hash_are_few_and_keep_no_other_request_waiting(town: Town) -> None:
    """A hash may take longer than a request has, so no clock runs; and calendars have their own turns."""
    wanted = person(town.world)
    town.call("POST", "/users", wanted, key="admin")
    door, clocks, passwords = Door(), list[float](), town.world.services.sessions._passwords
    fits = passwords.fits

    def slow(*given: str) -> bool:
        clocks.append(mongo_until.get())
        door()
        return fits(*given)

    passwords.fits = slow  # type: ignore[method-assign,assignment]
    client = town.world.client()

    def sign_in() -> int:
        body = {"email": wanted["email"], "password": PASSWORD}
        return client.post("/session", json=body).status_code

    with many(door, sign_in) as all_of_them:
        assert door.crowd(HASHING_AT_ONCE)
        assert wait_until(lambda: sum(each.done() for each in all_of_them) == CROWD - HASHING_AT_ONCE, seconds=30)
        assert town.call("GET", "/technicians/tech-1/calendar.ics?token=t", key=None).status_code == 404
        assert door.waiting == HASHING_AT_ONCE > KEYLESS_AT_ONCE
        assert set(clocks) == {math.inf}
    assert sorted(each.result() for each in all_of_them) == [201] * HASHING_AT_ONCE + [503] * (CROWD - HASHING_AT_ONCE)
