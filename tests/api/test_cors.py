"""Pages of any site may use the publishable key, and may not call what is for the office."""

from __future__ import annotations

import pytest

from tests.api.stubs import SLOT, Send

ORIGIN = {"Origin": "https://shop.example"}


def test_a_preflight_is_answered_without_a_key(send: Send) -> None:
    reply = send("OPTIONS", "/hold", key=None, headers={**ORIGIN, "Access-Control-Request-Method": "POST"})
    assert (reply.status_code, reply.data) == (204, b"")
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Access-Control-Allow-Methods"] == "POST"
    allowed = set(reply.headers["Access-Control-Allow-Headers"].split(", "))
    assert allowed >= {"Authorization", "Content-Type", "Idempotency-Key", "If-Match"}
    assert "Access-Control-Allow-Credentials" not in reply.headers
    assert reply.headers["Allow"] == "OPTIONS, POST"


def test_a_page_can_read_replies_and_refusals_and_their_headers(send: Send) -> None:
    for key in ("checkout", "nobody"):
        reply = send("POST", "/hold", key=key, headers=ORIGIN, json=SLOT)
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        exposed = set(reply.headers["Access-Control-Expose-Headers"].split(", "))
        assert exposed == {"Location", "ETag", "Retry-After", "X-Request-Id", "Idempotency-Replayed", "Date"}


def test_of_a_shared_path_only_the_method_for_browsers_is_offered(send: Send) -> None:
    reply = send("OPTIONS", "/properties", key=None, headers=ORIGIN)
    assert reply.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert "Access-Control-Allow-Origin" not in send("POST", "/properties", headers=ORIGIN).headers


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/hold", 405)])
def test_a_page_can_read_that_nothing_answers(send: Send, method: str, path: str, status: int) -> None:
    reply = send(method, path, headers=ORIGIN)
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (status, "*")
    assert "X-Request-Id" in reply.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in send(method, path).headers


def test_a_preflight_of_an_unknown_address_lets_the_page_read_the_404(send: Send) -> None:
    asked = {**ORIGIN, "Access-Control-Request-Method": "PATCH"}
    reply = send("OPTIONS", "/nowhere", key=None, headers=asked)
    assert (reply.status_code, reply.data) == (204, b"")
    assert "PATCH" in reply.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in reply.headers["Access-Control-Allow-Headers"]
    assert send("OPTIONS", "/nowhere", key=None).status_code == 404


@pytest.mark.parametrize("path", ["/policy", "/readyz"])
def test_no_page_may_call_what_is_for_the_office(send: Send, path: str) -> None:
    for method in ("OPTIONS", "GET"):
        reply = send(method, path, key=None, headers=ORIGIN)
        assert not [name for name, _ in reply.headers if name.startswith("Access-Control")]
