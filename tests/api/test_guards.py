"""Admission: keys, roles, manage tokens, addresses."""

from __future__ import annotations

import pytest

from api.http.guards import client_address
from tests.api.stubs import SLOT, Send, Stubbed, faults


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic admin", "admin", "Bearer nobody", "Bearer \xe9"]
)
def test_without_a_valid_key_a_request_is_unauthenticated(send: Send, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    reply = send("POST", "/hold", key=None, headers=headers, json=SLOT)
    assert (reply.status_code, reply.get_json()["code"]) == (401, "unauthenticated")
    assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_far_too_long_is_not_even_looked_up(send: Send) -> None:
    assert send("GET", "/policy", key="k" * 5000).status_code == 401


def test_the_scheme_may_be_written_in_any_case(send: Send) -> None:
    assert send("POST", "/hold", key=None, headers={"Authorization": "bearer admin"}, json=SLOT).status_code == 201


def test_without_a_valid_key_nothing_of_the_request_is_checked(send: Send) -> None:
    assert send("POST", "/hold", key="nobody", data=b"{", content_type="text/plain").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "refused"),
    [
        ("GET", "/bookings", {"checkout", "manage-token"}),
        ("POST", "/hold", {"manage-token"}),
        ("POST", "/book", {"manage-token"}),
        ("GET", "/bookings/bk_alice", {"checkout"}),
        ("POST", "/bookings/bk_alice/cancel", {"checkout"}),
        ("GET", "/policy", {"checkout", "bot", "desk", "manage-token"}),
        ("PATCH", "/policy", {"checkout", "bot", "desk", "manage-token"}),
        ("POST", "/properties", {"checkout", "bot", "desk", "manage-token"}),
        ("PATCH", "/properties/p", {"checkout", "bot", "manage-token"}),
        ("GET", "/properties", {"manage-token"}),
        ("POST", "/technicians", {"checkout", "bot", "desk", "manage-token"}),
        ("PATCH", "/technicians/t", {"checkout", "bot", "manage-token"}),
        ("GET", "/holds", {"manage-token"}),
    ],
)
def test_a_role_without_the_right_is_forbidden(send: Send, method: str, path: str, refused: set[str]) -> None:
    for role in ("checkout", "bot", "desk", "admin", "manage-token"):
        if role in refused:
            reply = send(method, path, key=role)
            assert (reply.status_code, reply.get_json()["code"]) == (403, "forbidden"), role


def test_a_manage_token_reaches_its_own_booking_only(send: Send) -> None:
    assert faults(send("POST", "/bookings/bk_alice/cancel", key="manage-token")) == {("stub", "reached")}
    reply = send("POST", "/bookings/bk_bob/cancel", key="manage-token")
    assert (reply.status_code, reply.get_json()["code"]) == (404, "booking_not_found")


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "6.6.6.6", "10.0.0.9"),
        (1, None, "10.0.0.9"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
        (2, "1.2.3.4", "10.0.0.9"),
    ],
)
def test_only_trusted_proxies_are_believed_about_addresses(proxies: int, forwarded: str | None, expected: str) -> None:
    environ = {"REMOTE_ADDR": "10.0.0.9"} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
    assert client_address(environ, proxies) == expected


def test_the_caller_carries_its_address(stubbed: Stubbed) -> None:
    stubbed.trusted_proxies = 1
    stubbed.send()("POST", "/hold", key="checkout", json=SLOT, headers={"X-Forwarded-For": "1.2.3.4"})
    caller = stubbed.holds.asked[0][0]
    assert (caller.org, caller.key_id, caller.address) == ("demo", "key-checkout", "1.2.3.4")
