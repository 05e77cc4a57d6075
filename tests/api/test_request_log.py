"""The request id, the log line and the metrics of each request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prometheus_client import generate_latest

from tests.api.stubs import SECRET_HOLDER, SLOT, Send, Stubbed


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_a_plain_request_id_is_taken_over(send: Send) -> None:
    for path in ("/healthz", "/nowhere", "/policy"):
        assert (
            send("GET", path, key=None, headers={"X-Request-Id": "trace-1.A_b"}).headers["X-Request-Id"]
            == "trace-1.A_b"
        )


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "caf\xe9", "<script>"])
def test_any_other_request_id_is_replaced(send: Send, given: str) -> None:
    made = send("GET", "/healthz", headers={"X-Request-Id": given}).headers.get_all("X-Request-Id")
    assert len(made) == 1
    assert made[0] != given
    assert 16 <= len(made[0]) <= 64


def test_every_request_gets_another_id(send: Send) -> None:
    assert len({send("GET", "/healthz").headers["X-Request-Id"] for _ in range(50)}) == 50


def test_a_request_leaves_one_line(send: Send, capfd: pytest.CaptureFixture[str]) -> None:
    send("POST", "/hold", key="checkout", json=SLOT, headers={"X-Request-Id": "r-1"})
    (line,) = lines(capfd)
    assert line.pop("ms") >= 0
    assert line.pop("at")
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": "r-1",
        "method": "POST",
        "url_rule": "/hold",
        "status": 201,
        "org": "demo",
        "role": "checkout",
        "key_id": "key-checkout",
    }


def test_a_method_that_is_no_method_of_http_leaves_no_word_of_it(send: Send, capfd: pytest.CaptureFixture[str]) -> None:
    send("ANNA.+4531313131", "/hold")
    (line,) = lines(capfd)
    assert (line["method"], line["status"]) == ("other", 405)


def test_a_refusal_leaves_its_code(send: Send, capfd: pytest.CaptureFixture[str]) -> None:
    send("POST", "/hold", key="nobody", json=SLOT)
    send("GET", "/nowhere/at/all")
    refused, unknown = lines(capfd)
    assert (refused["code"], refused["url_rule"], "org" in refused) == ("unauthenticated", "/hold", False)
    assert (unknown["code"], unknown["url_rule"], unknown["status"]) == ("not_found", "unmatched", 404)


def test_no_line_holds_anything_of_a_customer(send: Send, capfd: pytest.CaptureFixture[str]) -> None:
    send("POST", "/hold", key="checkout", json={**SLOT, "holder": SECRET_HOLDER}, headers={"Idempotency-Key": "idem-1"})
    send("POST", "/book", json={"hold_id": "h_alice", "customer": {"name": "Alice", "phone": "oops"}})
    send("GET", "/bookings?cursor=secret-cursor&colour=red")
    send("GET", "/nowhere/alice@example.com")
    log = capfd.readouterr().err
    for secret in (
        SECRET_HOLDER,
        "idem-1",
        "h_alice",
        "Alice",
        "oops",
        "secret-cursor",
        "colour",
        "alice@",
        "127.0.0.1",
    ):
        assert secret not in log


def test_times_are_counted_by_rule_method_and_class_of_status(send: Send, stubbed: Stubbed) -> None:
    send("POST", "/hold", json=SLOT)
    send("DELETE", "/hold/h%20x")
    send("BREW", "/nowhere")
    shown = generate_latest(stubbed.metrics.registry).decode()
    for labels in (
        'method="POST",status_class="2xx",url_rule="/hold"',
        'method="DELETE",status_class="4xx",url_rule="/hold/{hold_id}"',
        'method="other",status_class="4xx",url_rule="unmatched"',
    ):
        assert f"holdfast_request_seconds_count{{{labels}}} 1.0" in shown
    assert 'holdfast_refusals_total{code="not_found"} 1.0' in shown
    assert "demo" not in shown


def test_a_log_that_cannot_be_written_fails_no_request(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_descriptor: int, _line: bytes) -> int:
        raise BrokenPipeError

    monkeypatch.setattr("services.observability.os.write", gone)
    assert send("POST", "/hold", json=SLOT).status_code == 201
