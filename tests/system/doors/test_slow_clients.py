"""Clients that send slowly or not at all: each has a deadline, and the server waits for no body without a known key."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.system.doors.gunicorn import Gunicorn, Line, get, gunicorn, post
from tests.system.drills.installation import Installation

SHORT = 2.0
"""Longer than a client of these tests takes from its connection to its first byte."""
LONG = 60.0
BY_THE_DEADLINE = LONG / 3
"""Long enough for a busy machine, and far below `LONG`."""
BODY = json.dumps({"property_id": "prop-1"}).encode()


@pytest.fixture(scope="module")
def hasty(installation: Installation) -> Iterator[Gunicorn]:
    """A server with short deadlines."""
    with gunicorn(
        installation, installation.folder, HOLDFAST_HEADER_SECONDS=str(SHORT), HOLDFAST_BODY_SECONDS=str(SHORT)
    ) as made:
        yield made


@pytest.fixture(scope="module")
def patient(installation: Installation) -> Iterator[Gunicorn]:
    """A server whose deadlines no test reaches."""
    with gunicorn(
        installation, installation.folder, HOLDFAST_HEADER_SECONDS=str(LONG), HOLDFAST_BODY_SECONDS=str(LONG)
    ) as made:
        yield made


def key_of(server: Gunicorn, role: str = "checkout") -> str:
    return f"Authorization: Bearer {server.world.keys[role]}"


def half(server: Gunicorn, *fields: str) -> Line:
    """A connection that has sent a head and no byte of its body."""
    line = server.line()
    line.send(post("/hold", b"", *fields, length=len(BODY)))
    return line


@pytest.mark.parametrize("fields", [(), ("Authorization: Bearer hf_desk_unknown",), ("Authorization: Basic x",)])
def test_without_a_known_key_the_server_does_not_wait_for_a_body(patient: Gunicorn, fields: tuple[str, ...]) -> None:
    line = half(patient, *fields)
    assert line.receive(BY_THE_DEADLINE).problem["code"] == "unauthenticated"
    assert line.is_closed(BY_THE_DEADLINE)


def test_without_a_known_key_expect_100_continue_is_refused(patient: Gunicorn) -> None:
    line = half(patient, "Expect: 100-continue")
    assert line.receive(BY_THE_DEADLINE).status == 401


def test_with_a_known_key_expect_100_continue_is_answered(patient: Gunicorn) -> None:
    line = half(patient, key_of(patient), "Expect: 100-continue")
    assert line.receive(BY_THE_DEADLINE).status == 100
    line.send(BODY)
    assert line.receive().problem["code"] == "invalid_request"


def test_a_client_without_a_key_may_still_send_after_its_refusal(patient: Gunicorn) -> None:
    line = half(patient)
    assert line.receive().status == 401
    line.send(BODY)
    assert line.is_closed(BY_THE_DEADLINE)


def test_a_client_without_a_key_that_sent_its_whole_body_keeps_the_connection(patient: Gunicorn) -> None:
    line = patient.line()
    line.send(post("/hold", BODY) + get("/healthz"))
    assert [line.receive().status for _ in range(2)] == [401, 200]


@pytest.mark.parametrize("begun", [b"", BODY[:-1]])
def test_with_a_known_key_a_body_has_a_deadline(hasty: Gunicorn, begun: bytes) -> None:
    line = half(hasty, key_of(hasty))
    line.send(begun)
    reply = line.receive(BY_THE_DEADLINE)
    assert (reply.status, reply.problem["code"]) == (408, "request_timeout")
    assert reply.headers["connection"] == "close"
    assert line.is_closed(BY_THE_DEADLINE)


def test_slow_bytes_do_not_extend_the_deadline_of_a_body(hasty: Gunicorn) -> None:
    line = half(hasty, key_of(hasty))
    assert trickle(line, BODY[:-1]).status == 408


def test_a_chunked_body_has_the_same_deadline(hasty: Gunicorn) -> None:
    line = hasty.line()
    head = ("POST /hold HTTP/1.1", "Host: x", key_of(hasty), "Transfer-Encoding: chunked", "", "")
    line.send("\r\n".join(head).encode() + b"5\r\n{")
    assert line.receive(BY_THE_DEADLINE).status == 408


@pytest.mark.parametrize("begun", [b"G", b"GET /healthz HTTP/1.1\r\n", get("/healthz")[:-2]])
def test_headers_have_a_deadline(hasty: Gunicorn, begun: bytes) -> None:
    line = hasty.line()
    line.send(begun)
    assert line.receive(BY_THE_DEADLINE).problem["code"] == "request_timeout"
    assert line.is_closed(BY_THE_DEADLINE)


def test_slow_bytes_do_not_extend_the_deadline_of_headers(hasty: Gunicorn) -> None:
    assert trickle(hasty.line(), get("/healthz", *[f"X-{number}: y" for number in range(60)])).status == 408


def test_a_silent_connection_is_closed_without_a_reply(hasty: Gunicorn) -> None:
    assert hasty.line().is_closed(BY_THE_DEADLINE)


def test_an_idle_connection_may_wait_longer_and_its_next_request_has_a_whole_deadline(hasty: Gunicorn) -> None:
    line = hasty.line()
    line.send(get("/healthz"))
    assert line.receive().status == 200
    assert not line.is_closed(2 * SHORT)
    line.send(get("/healthz")[:-2])
    assert line.receive(BY_THE_DEADLINE).status == 408


def trickle(line: Line, data: bytes) -> object:
    """Sends one byte per tenth of the deadline until the server answers."""
    for byte in data:
        try:
            return line.receive(SHORT / 10)
        except TimeoutError:
            line.send(bytes([byte]))
    return line.receive(BY_THE_DEADLINE)


def test_a_body_of_tiny_chunks_is_too_large_by_its_bytes_on_the_wire(patient: Gunicorn) -> None:
    line = patient.line()
    head = ("POST /hold HTTP/1.1", "Host: x", key_of(patient), "Transfer-Encoding: chunked", "", "")
    line.send("\r\n".join(head).encode() + 20_000 * b"1\r\n \r\n" + b"0\r\n\r\n")
    assert line.receive(BY_THE_DEADLINE).problem["code"] == "too_large"


def test_a_file_for_import_may_be_larger_than_other_bodies(patient: Gunicorn) -> None:
    rows = "".join(f"home-{number},{'x' * 190}\n" for number in range(2_000))
    body = json.dumps({"kind": "properties", "csv": "id,name\n" + rows}).encode()
    assert len(body) > 400_000
    line = patient.line()
    line.send(post("/imports", body, key_of(patient, "admin")))
    reply = line.receive(BY_THE_DEADLINE)
    assert (reply.status, json.loads(reply.body)["created"]) == (200, 2_000)
    line.send(post("/hold", body, key_of(patient, "admin")))
    assert line.receive(BY_THE_DEADLINE).problem["code"] == "too_large"


def test_a_body_above_the_limit_is_refused_before_it_arrives(patient: Gunicorn) -> None:
    line = patient.line()
    began = time.monotonic()
    line.send(post("/hold", b"{", key_of(patient), length=10_000_000))
    assert line.receive(BY_THE_DEADLINE).problem["code"] == "too_large"
    assert line.is_closed(BY_THE_DEADLINE)
    assert time.monotonic() - began < LONG / 2
