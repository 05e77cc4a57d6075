"""How many requests a minute a key or an address may send."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from models.catalogue import Policy
from services.stores.connections import connect_redis
from tests.api.stubs import SLOT, StubAccess, Stubbed

HERE = {"environ_overrides": {"REMOTE_ADDR": "10.0.0.1"}}
ELSEWHERE = {"environ_overrides": {"REMOTE_ADDR": "10.0.0.2"}}


def test_the_rate_is_limited_per_key_and_address(stubbed: Stubbed) -> None:
    stubbed.rate_limit_per_minute = 2
    send = stubbed.send()

    def status(key: str, address: str) -> Any:
        return send("POST", "/hold", key=key, json=SLOT, environ_overrides={"REMOTE_ADDR": address})

    assert [status("desk", "10.0.0.1").status_code for _ in range(2)] == [201, 201]
    refused = status("desk", "10.0.0.1")
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert status("desk", "10.0.0.2").status_code == 201
    assert status("admin", "10.0.0.1").status_code == 201


def limited(reply: TestResponse, figure: str) -> bool:
    """Whether the reply is a whole refusal by the limit that this figure sets."""
    if reply.status_code != 429:
        return False
    problem = reply.get_json()
    assert (problem["code"], figure in problem["detail"]) == ("rate_limited", True)
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
    return True


@pytest.mark.parametrize(("key", "path"), [("checkout", "/hold"), ("manage-token", "/bookings/bk_alice/cancel")])
def test_a_caller_that_anyone_can_be_is_limited_by_address_as_the_policy_says(
    stubbed: Stubbed, key: str, path: str
) -> None:
    stubbed.policy = Policy(public_requests_per_minute=2)
    send = stubbed.send()
    codes = [send("POST", path, key=key, json=SLOT, **HERE).status_code for _ in range(2)]
    assert 429 not in codes
    assert limited(send("POST", path, key=key, json=SLOT, **HERE), "public_requests_per_minute")
    assert not limited(send("POST", path, key=key, json=SLOT, **ELSEWHERE), "")
    for other in {"checkout", "desk", "bot", "admin"} - {key}:
        assert not limited(send("POST", "/hold", key=other, json=SLOT, **HERE), ""), other


def test_without_a_figure_in_the_policy_the_publishable_key_has_no_limit(stubbed: Stubbed) -> None:
    stubbed.policy = Policy(public_requests_per_minute=None)
    send = stubbed.send()
    assert {send("POST", "/hold", key="checkout", json=SLOT).status_code for _ in range(400)} == {201}


@pytest.mark.parametrize("forwarded", ["2001:db8:1:2::{0}", "[2001:db8:1:2::{0}]:443", "8.8.8.8:100{0}", "nobody-{0}"])
def test_an_address_counts_as_one_however_it_is_written(stubbed: Stubbed, forwarded: str) -> None:
    stubbed.policy = Policy(public_requests_per_minute=2)
    stubbed.trusted_proxies = 1
    send = stubbed.send()
    sent = [{"X-Forwarded-For": forwarded.format(number)} for number in (1, 2, 3)]
    replies = [send("POST", "/hold", key="checkout", json=SLOT, headers=headers) for headers in sent]
    assert [reply.status_code for reply in replies] == [201, 201, 429]


@pytest.mark.parametrize("key", [None, "nobody", "unread"])
def test_unknown_and_missing_keys_count_against_their_address_and_known_keys_are_served_all_the_same(
    stubbed: Stubbed, key: str | None
) -> None:
    stubbed.keyless_per_minute = 2
    stubbed.access = StubAccess(frozenset({"unread"}))
    send = stubbed.send()
    assert [send("POST", "/hold", key=key, json=SLOT, **HERE).status_code for _ in range(2)] == [401, 401]
    assert limited(send("POST", "/hold", key=key, json=SLOT, **HERE), "HOLDFAST_KEYLESS_PER_MINUTE")
    assert send("POST", "/hold", key=key, json=SLOT, **ELSEWHERE).status_code == 401
    for known in ("checkout", "desk", "manage-token"):
        assert send("GET", "/bookings/bk_alice", key=known, **HERE).status_code not in (401, 429)


def test_a_key_that_has_to_be_looked_up_and_is_found_counts_nothing(stubbed: Stubbed) -> None:
    stubbed.keyless_per_minute = 1
    stubbed.access = StubAccess(frozenset({"desk"}))
    send = stubbed.send()
    assert {send("POST", "/hold", key="desk", json=SLOT).status_code for _ in range(5)} == {201}
    assert stubbed.access.looked_up == ["desk"] * 5


def test_a_refused_address_makes_nobody_look_into_mongodb(stubbed: Stubbed) -> None:
    stubbed.keyless_per_minute = 1
    stubbed.access = StubAccess(frozenset({"a", "b", "c"}))
    send = stubbed.send()
    assert [send("GET", "/policy", key=guess).status_code for guess in "abc"] == [401, 429, 429]
    assert stubbed.access.looked_up == ["a"]


def test_a_wrong_calendar_token_counts_and_a_right_one_does_not(stubbed: Stubbed) -> None:
    stubbed.keyless_per_minute = 2
    stubbed.feeds.right = "right"
    send = stubbed.send()

    def read(token: str, where: dict[str, Any]) -> TestResponse:
        return send("GET", f"/technicians/tech-7/calendar.ics?token={token}", key=None, **where)

    assert {read("right", HERE).status_code for _ in range(5)} == {200}
    assert [read(token, HERE).status_code for token in "ab"] == [404, 404]
    assert limited(read("c", HERE), "HOLDFAST_KEYLESS_PER_MINUTE")
    assert stubbed.feeds.asked == ["right"] * 5 + ["a", "b"]
    assert read("d", ELSEWHERE).status_code == 404
    assert send("POST", "/hold", key="desk", json=SLOT, **HERE).status_code == 201


STRAYS = [
    ("GET", "/nowhere", 404),
    ("GET", "http://localhost//readyz", 404),
    ("PUT", "/hold", 405),
    ("GET", "/openapi.json", 200),
]
"""Requests that need no key, because no endpoint answers them, or one that is for all."""


@pytest.mark.parametrize(("method", "path", "status"), STRAYS)
@pytest.mark.parametrize("key", [None, "nobody", "unread"])
def test_what_needs_no_key_counts_against_the_address_too(
    stubbed: Stubbed, method: str, path: str, status: int, key: str | None
) -> None:
    stubbed.keyless_per_minute = 2
    stubbed.access = StubAccess(frozenset({"unread"}))
    send = stubbed.send()
    assert [send(method, path, key=key, **HERE).status_code for _ in range(2)] == [status] * 2
    assert limited(send(method, path, key=key, **HERE), "HOLDFAST_KEYLESS_PER_MINUTE")
    assert limited(send("POST", "/hold", key=None, json=SLOT, **HERE), "HOLDFAST_KEYLESS_PER_MINUTE")
    assert send(method, path, key=key, **ELSEWHERE).status_code == status
    assert stubbed.access.looked_up == (["unread"] * 3 if key == "unread" else [])


@pytest.mark.parametrize(("method", "path", "status"), STRAYS)
def test_what_needs_no_key_counts_against_the_key_that_it_shows(
    stubbed: Stubbed, method: str, path: str, status: int
) -> None:
    stubbed.keyless_per_minute = 1
    stubbed.policy = Policy(public_requests_per_minute=3)
    send = stubbed.send()
    assert [send(method, path, key=None, **HERE).status_code for _ in range(2)] == [status, 429]
    stubbed.access.unread = frozenset({"bot"})
    for key in ("desk", "bot"):
        assert {send(method, path, key=key, **ELSEWHERE).status_code for _ in range(9)} == {status}
    assert send(method, path, key="desk", **HERE).status_code == status
    for key in ("checkout", "manage-token"):
        assert [send(method, path, key=key, **HERE).status_code for _ in range(4)] == [status] * 3 + [429]


def test_a_preflight_names_no_key_and_is_answered_however_many_strangers_ask_from_its_address(
    stubbed: Stubbed,
) -> None:
    stubbed.keyless_per_minute = 1
    send = stubbed.send()
    assert [send("POST", "/hold", key=None, **HERE).status_code for _ in range(2)] == [401, 429]
    assert {send("OPTIONS", "/hold", key=None, **HERE).status_code for _ in range(3)} == {204}
    assert send("OPTIONS", "/nowhere", key=None, **HERE).status_code == 429


def test_probes_count_for_no_rate(stubbed: Stubbed) -> None:
    stubbed.rate_limit_per_minute = stubbed.keyless_per_minute = 1
    send = stubbed.send()
    for path in ("/healthz", "/readyz"):
        assert [send("GET", path, key=None).status_code for _ in range(3)] == [200] * 3, path


def test_limits_hold_in_each_process_while_redis_is_away(stubbed: Stubbed) -> None:
    stubbed.rate_limit_per_minute = 2
    stubbed.redis = connect_redis("redis://127.0.0.1:1/0")
    send = stubbed.send()
    assert [send("POST", "/hold", json=SLOT).status_code for _ in range(3)] == [201, 201, 429]
