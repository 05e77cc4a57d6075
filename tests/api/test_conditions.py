"""Idempotency keys: how they are written, and what makes two requests one."""

from __future__ import annotations

import pytest

from api.http.conditions import claim, idempotency_key
from tests.api.stubs import Send, Stubbed


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        (r'"a\"b\\c"', r'a"b\c'),
        ("a b", "a b"),
        ("x" * 255, "x" * 255),
        (' "a" ', "a"),
    ],
)
def test_an_idempotency_key_is_bare_or_quoted(header: str, key: str) -> None:
    assert idempotency_key(header) == (key, [])


@pytest.mark.parametrize(
    "header", ["", " ", '""', '"abc', '"a"b"', "x" * 256, '"' + "x" * 256 + '"', "caf\xe9", "a\tb"]
)
def test_another_idempotency_key_is_a_fault(header: str) -> None:
    assert [fault.code for fault in idempotency_key(header)[1]] == ["bad_idempotency_key"]


def test_the_fingerprint_ignores_order_and_whitespace_and_nothing_else(send: Send, stubbed: Stubbed) -> None:
    def fingerprint(body: str) -> str:
        headers = {"Idempotency-Key": "once"}
        assert send("POST", "/hold", data=body, content_type="application/json", headers=headers).status_code == 201
        made = stubbed.holds.asked[-1][2]
        assert made is not None
        assert made.key == "once"
        return made.fingerprint

    first = fingerprint('{"property_id":"p","start":"2026-12-05T10:00:00Z"}')
    assert fingerprint('{ "start": "2026-12-05T10:00:00Z",\n "property_id": "p" }') == first
    assert fingerprint('{"property_id":"q","start":"2026-12-05T10:00:00Z"}') != first


def test_the_fingerprint_covers_method_and_path() -> None:
    prints = {claim("k", method, path, {}).fingerprint for method in ("POST", "PUT") for path in ("/a", "/b")}
    assert len(prints) == 4
