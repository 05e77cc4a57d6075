"""Problem documents: each refusal and accident gives one, with its code and headers and without internals."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from pymongo.errors import AutoReconnect
from redis.exceptions import ConnectionError as RedisConnectionError

from api.http.problem_codes import PROBLEMS
from api.http.problems import ALWAYS_RETRYABLE
from models import errors
from models.errors import Refusal
from models.slot import Block, Opening
from tests.api.stubs import SLOT, START, Send, Stubbed

REFUSALS = [kind for kind in Refusal.__subclasses__() if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.code)
def test_every_refusal_has_a_status_and_a_title_and_reads_as_a_sentence(
    kind: type[Refusal], send: Send, stubbed: Stubbed
) -> None:
    stubbed.holds.trouble = kind()
    reply = send("POST", "/hold", json=SLOT)
    body = reply.get_json()
    status, title = PROBLEMS[kind.code]
    assert (reply.status_code, reply.content_type) == (status, "application/problem+json")
    assert body.items() >= {"title": title, "status": status, "code": kind.code}.items()
    assert body["type"] == f"urn:holdfast:problem:{kind.code}"
    assert kind is errors.InvalidRequest or re.fullmatch(r"[A-Z].*[.>]", body["detail"])
    assert ("Retry-After" in reply.headers) == (kind.code in ALWAYS_RETRYABLE)
    assert (reply.headers.get("WWW-Authenticate") == "Bearer") == (status == 401)


def test_no_code_is_without_a_refusal_that_gives_it() -> None:
    of_flask_and_accidents = {"method_not_allowed", "too_large", "internal_error"}
    assert {kind.code for kind in REFUSALS} | of_flask_and_accidents == set(PROBLEMS)


def test_a_refusal_says_when_to_try_again(send: Send, stubbed: Stubbed) -> None:
    stubbed.holds.trouble = errors.TooManyHolds(retry_after_seconds=42)
    assert send("POST", "/hold", json=SLOT).headers["Retry-After"] == "42"


def test_a_conflict_names_what_is_in_the_way_and_what_is_free(send: Send, stubbed: Stubbed) -> None:
    end = START.replace(hour=11)
    stubbed.holds.trouble = errors.SlotHeld(
        conflicts=[
            Block("property", "prop-101", "held", START, end, 30),
            Block("technician", "tech-7", "booked", START, end),
        ],
        next_available=[Opening(end, end.replace(hour=12), "tech-7")],
    )
    body = send("POST", "/hold", json=SLOT).get_json()
    span = {"start": "2026-12-05T10:00:00Z", "end": "2026-12-05T11:00:00Z"}
    assert body["conflicts"] == [
        {"kind": "property", "id": "prop-101", "state": "held", **span, "retry_after_seconds": 30},
        {"kind": "technician", "id": "tech-7", "state": "booked", **span},
    ]
    assert body["next_available"] == [
        {"start": "2026-12-05T11:00:00Z", "end": "2026-12-05T12:00:00Z", "technician_id": "tech-7"}
    ]


def test_an_unknown_address_is_a_problem_too(send: Send) -> None:
    for path in ("/holding", "/hold//", "http://localhost//hold", "/hold/a/b", "/bookings/bk/cancel/now"):
        reply = send("GET", path)
        assert (reply.status_code, reply.get_json()["code"]) == (404, "not_found"), path


def test_the_refusal_of_a_method_names_the_allowed_ones(send: Send) -> None:
    reply = send("PUT", "/hold/h_alice")
    assert (reply.status_code, reply.get_json()["code"]) == (405, "method_not_allowed")
    assert set(reply.headers["Allow"].split(", ")) == {"DELETE", "GET", "HEAD", "OPTIONS"}


def test_an_accident_shows_nothing_to_the_client_and_only_its_place_to_the_log(
    send: Send, stubbed: Stubbed, capfd: pytest.CaptureFixture[str]
) -> None:
    stubbed.holds.trouble = ValueError("Alice Example, +1 555 0100")
    reply = send("POST", "/hold", json=SLOT, headers={"X-Request-Id": "r-1"})
    assert (reply.status_code, reply.get_json()["code"]) == (500, "internal_error")
    log = capfd.readouterr().err
    assert "Alice" not in reply.text + log
    assert "Traceback" not in reply.text + log
    assert '"error":"ValueError"' in log
    assert "stubs.py" in log
    assert log.count('"request_id":"r-1"') == 2


@pytest.mark.parametrize("error", [RedisConnectionError("10.0.0.7 refused"), AutoReconnect("10.0.0.7 closed")])
def test_a_store_error_that_slipped_through_is_an_outage(send: Send, stubbed: Stubbed, error: Exception) -> None:
    stubbed.holds.trouble = error
    reply = send("POST", "/hold", json=SLOT)
    assert (reply.status_code, reply.get_json()["code"]) == (503, "store_unavailable")
    assert "10.0.0.7" not in reply.text
    assert reply.headers["Retry-After"] == "1"


def test_members_of_a_problem_are_json(send: Send, stubbed: Stubbed) -> None:
    moment = datetime(2026, 12, 5, 12, 30, 15, 999_000, tzinfo=UTC)
    stubbed.holds.trouble = errors.HoldLimit(until=moment, note=None, day=moment.date())
    body = send("POST", "/hold", json=SLOT).get_json()
    assert (body["until"], body["note"], body["day"]) == ("2026-12-05T12:30:15Z", None, "2026-12-05")


def test_readiness_names_what_is_wrong(stubbed: Stubbed) -> None:
    stubbed.checks["mongodb"] = "MongoDB does not answer."
    reply = stubbed.send()("GET", "/readyz", key=None)
    assert (reply.status_code, reply.get_json()["code"]) == (503, "store_unavailable")
    assert reply.get_json()["checks"] == {"redis": "ok", "mongodb": "MongoDB does not answer."}
    assert "MongoDB does not answer." in reply.get_json()["detail"]
    assert int(reply.headers["Retry-After"]) >= 1
