"""Strict parsing refuses before any service is called, and names everything that is wrong at once."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.http.turns import AT_ONCE
from tests.api.stubs import SECRET_HOLDER, SLOT, Send, Stubbed, faults


def hold(send: Send, body: dict[str, Any], key: str = "admin", **options: Any) -> Any:
    return send("POST", "/hold", key=key, json=body, **options)


def raw(send: Send, body: bytes, **options: Any) -> Any:
    return send("POST", "/hold", data=body, content_type="application/json", **options)


def test_a_good_body_reaches_the_service(send: Send, stubbed: Stubbed) -> None:
    assert hold(send, SLOT).status_code == 201
    assert stubbed.holds.asked[0][1].property_id == "prop-101"


def test_every_fault_of_a_body_is_named_at_once(send: Send) -> None:
    body = {
        "start": "2026-12-05T10:00:00",
        "technician_id": "tech 7",
        "duration_minutes": True,
        "colour": "red",
        "suggest": 9,
    }
    assert faults(hold(send, body)) == {
        ("property_id", "missing"),
        ("start", "naive_time"),
        ("technician_id", "bad_id"),
        ("duration_minutes", "wrong_type"),
        ("colour", "unknown_field"),
        ("suggest", "out_of_range"),
    }


def test_faults_that_only_services_see_are_named_with_the_others(send: Send) -> None:
    body = {**SLOT, "start": "2026-12-05T10:07:00Z", "colour": "red", "holder": "short", "ttl_seconds": 1000}
    assert faults(hold(send, body, key="checkout")) == {
        ("colour", "unknown_field"),
        ("start", "off_grid"),
        ("holder", "too_short"),
        ("ttl_seconds", "too_long"),
    }


def test_faults_of_the_path_the_headers_and_the_body_are_named_together(send: Send) -> None:
    headers = {"If-Match": "3", "Idempotency-Key": ""}
    reply = send("POST", "/bookings/%20/cancel?why=1", headers=headers, json={"reason": 7})
    assert faults(reply) == {
        ("booking_id", "bad_id"),
        ("If-Match", "bad_if_match"),
        ("Idempotency-Key", "bad_idempotency_key"),
        ("reason", "wrong_type"),
        ("why", "unknown_field"),
    }


def test_a_holder_of_the_publishable_key_must_be_a_secret(send: Send) -> None:
    assert faults(hold(send, {**SLOT, "holder": "short"}, key="checkout")) == {("holder", "too_short")}
    assert hold(send, {**SLOT, "holder": SECRET_HOLDER}, key="checkout").status_code == 201
    assert hold(send, {**SLOT, "holder": "short"}, key="desk").status_code == 201


def test_null_counts_as_left_out(send: Send) -> None:
    body = {"hold_id": None, "property_id": None, "start": None, "customer": {"name": "Alice"}}
    assert faults(send("POST", "/book", json=body)) == {("body", "missing")}
    assert faults(send("POST", "/book", json={**body, "colour": "red"})) == {
        ("body", "missing"),
        ("colour", "unknown_field"),
    }


def test_a_missing_hold_and_slot_is_named_beside_the_other_faults(send: Send) -> None:
    reply = send("POST", "/book", json={"customer": {"name": "Alice", "age": 7}})
    assert faults(reply) == {("body", "missing"), ("customer.age", "unknown_field")}


@pytest.mark.parametrize(
    "body",
    [
        b'{"property_id":',
        b"\xff\xfe",
        b'{"holder": "\\ud800"}',
        b"[" * 5000,
        b'{"a":' * 5000,
        b'{"property_id": "prop-101", "property_id": "prop-102", "start": "2026-12-05T10:00:00Z"}',
    ],
)
def test_malformed_json_is_refused(send: Send, body: bytes) -> None:
    assert faults(raw(send, body)) == {("body", "malformed_json")}


@pytest.mark.parametrize("body", [b"[]", b"null", b'"hold"', b"7"])
def test_json_that_is_no_object_is_refused(send: Send, body: bytes) -> None:
    assert faults(raw(send, body)) == {("body", "wrong_type")}


@pytest.mark.parametrize("value", ["60", 60.5, None, [], True, 10**30])
def test_a_number_of_another_kind_is_refused(send: Send, value: Any) -> None:
    reply = send("POST", "/hold/h_alice/extend", json={"ttl_seconds": value})
    assert [field for field, _ in faults(reply)] == ["ttl_seconds"]


def test_a_whole_float_is_an_integer_as_json_means_it(send: Send, stubbed: Stubbed) -> None:
    assert hold(send, {**SLOT, "duration_minutes": 60.0}).status_code == 201
    assert stubbed.holds.asked[0][1].duration_minutes == 60


def test_a_missing_body_is_a_fault(send: Send) -> None:
    assert faults(send("POST", "/hold")) == {("body", "missing")}


def test_an_optional_body_may_be_left_out(send: Send, stubbed: Stubbed) -> None:
    assert faults(send("POST", "/bookings/bk_alice/cancel")) == {("stub", "reached")}
    assert faults(send("POST", "/bookings/bk_alice/cancel", content_type="application/json")) == {("stub", "reached")}
    assert stubbed.life.cancelled == [(None, None), (None, None)]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", None])
def test_a_body_of_another_type_is_refused(send: Send, content_type: str | None) -> None:
    reply = send("POST", "/hold", data=json.dumps(SLOT).encode(), content_type=content_type)
    assert (reply.status_code, reply.get_json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_type_of_a_body_may_carry_parameters(send: Send, content_type: str) -> None:
    assert send("POST", "/hold", data=json.dumps(SLOT).encode(), content_type=content_type).status_code == 201


class Endless(io.RawIOBase):
    """A body without an end, which counts what is read of it."""

    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0
        self.given += size
        return b" " * size


def test_a_body_over_64_kib_is_refused_unread(send: Send) -> None:
    endless = Endless()
    environ = {"wsgi.input": endless, "CONTENT_LENGTH": "65537"}
    reply = send("POST", "/hold", environ_overrides=environ, content_type="application/json")
    assert (reply.status_code, reply.get_json()["code"], endless.given) == (413, "too_large", 0)


def test_of_an_endless_chunked_body_no_more_than_the_limit_is_read(send: Send) -> None:
    endless = Endless()
    environ = {"wsgi.input": endless, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    reply = send("POST", "/hold", environ_overrides=environ, content_type="application/json")
    assert (reply.status_code, endless.given) == (413, 65_537)


def test_a_body_of_just_64_kib_is_read(send: Send) -> None:
    body = json.dumps(SLOT).encode()
    assert raw(send, body + b" " * (65_536 - len(body))).status_code == 201


class BrokenChunk(Exception):
    """What a server makes of chunks that it cannot read."""


@pytest.mark.parametrize("error", [OSError("connection reset"), BrokenChunk("ZZ")])
def test_a_body_that_does_not_arrive_whole_is_a_fault_of_the_request(send: Send, error: Exception) -> None:
    class Cut(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise error

    environ = {"wsgi.input": Cut(), "CONTENT_LENGTH": "10"}
    reply = send("POST", "/hold", environ_overrides=environ, content_type="application/json")
    assert faults(reply) == {("body", "malformed_body")}


def test_a_body_that_is_shorter_than_its_length_is_not_taken_for_a_whole_one(send: Send) -> None:
    body = json.dumps(SLOT).encode()
    environ = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body) + 1)}
    reply = send("POST", "/hold", environ_overrides=environ, content_type="application/json")
    assert faults(reply) == {("body", "malformed_body")}


def test_a_body_that_trickles_in_takes_no_turn(stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.http.turns.LONGEST_WAIT_SECONDS", 30)  # then all ask for a turn at once
    send = stubbed.send()
    arrives, slow = threading.Event(), 2 * AT_ONCE

    class Slow(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert arrives.wait(30)
            return json.dumps(SLOT).encode()

    def trickle() -> int:
        environ = {"wsgi.input": Slow(), "CONTENT_LENGTH": str(len(json.dumps(SLOT)))}
        return send("POST", "/hold", environ_overrides=environ, content_type="application/json").status_code

    with ThreadPoolExecutor(slow) as pool:
        waiting = [pool.submit(trickle) for _ in range(slow)]
        assert hold(send, SLOT).status_code == 201
        assert not any(each.done() for each in waiting)
        arrives.set()
        assert {each.result(30) for each in waiting} == {201}


def test_a_request_of_many_faults_gets_a_bounded_answer(send: Send) -> None:
    reply = hold(send, {f"f{number}": 1 for number in range(3000)})
    assert len(faults(reply)) == 100


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?colour=red", ("colour", "unknown_field")),
        ("?limit=5&limit=6", ("limit", "repeated")),
        ("?limit=five", ("limit", "wrong_type")),
        ("?limit=1e1", ("limit", "wrong_type")),
        ("?limit=0", ("limit", "out_of_range")),
        ("?property_id=a%20b", ("property_id", "bad_id")),
        ("?from=2026-12-05T10:00:00", ("from", "naive_time")),
        ("?status=open", ("status", "not_allowed")),
        ("?cursor=%ff", ("query", "malformed_query")),
    ],
)
def test_a_query_is_read_strictly(send: Send, query: str, expected: tuple[str, str]) -> None:
    assert faults(send("GET", "/bookings" + query)) == {expected}


def test_text_of_digits_in_a_query_stays_text(send: Send, stubbed: Stubbed) -> None:
    assert send("GET", "/bookings?property_id=101&limit=7").status_code == 200
    assert (stubbed.life.listed[0].property_id, stubbed.life.listed[0].limit) == ("101", 7)


def test_an_endpoint_without_a_query_refuses_any(send: Send) -> None:
    assert faults(hold(send, SLOT, query_string="dry_run=1")) == {("dry_run", "unknown_field")}


@pytest.mark.parametrize(
    ("header", "expected"),
    [('"3"', 3), (' "3" ', 3), ('W/"3"', 3), ("*", None), ('"latest"', -1), ('""', -1), ('"003"', -1)],
)
def test_if_match_names_the_expected_version(send: Send, stubbed: Stubbed, header: str, expected: int | None) -> None:
    send("POST", "/bookings/bk_alice/cancel", headers={"If-Match": header}, json={"reason": "rain"})
    assert stubbed.life.cancelled == [("rain", expected)]


@pytest.mark.parametrize("header", ["3", '"3', '"1", "2"', "", "W/3"])
def test_an_if_match_that_is_no_tag_is_a_fault(send: Send, header: str) -> None:
    reply = send("POST", "/bookings/bk_alice/cancel", headers={"If-Match": header})
    assert faults(reply) == {("If-Match", "bad_if_match")}
