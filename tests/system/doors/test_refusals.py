"""Requests that gunicorn itself refuses get a problem document like any other, and HTTP's odd forms are served."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.system.doors.gunicorn import Gunicorn, get, gunicorn, post
from tests.system.drills.installation import Installation


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Gunicorn]:
    with gunicorn(installation, installation.folder) as made:
        yield made


REFUSED = {
    "no request": (b"hello\r\n\r\n", 400, "invalid_request"),
    "no host": (get("/healthz", host=None), 400, "invalid_request"),
    "two hosts": (get("/healthz", "Host: y"), 400, "invalid_request"),
    "a host with a blank": (get("/healthz", host="a b"), 400, "invalid_request"),
    "a host with a path": (get("/healthz", host="a/b"), 400, "invalid_request"),
    "a host without its bracket": (get("/healthz", host="[::1"), 400, "invalid_request"),
    "an unknown minor version": (get("/healthz", version="1.9"), 505, "invalid_request"),
    "another protocol": (get("/healthz", version="2.0"), 505, "invalid_request"),
    "no version": (get("/healthz", version="x"), 505, "invalid_request"),
    "a bad method": (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "invalid_request"),
    "a bad header name": (get("/healthz", "X (y): z"), 400, "invalid_request"),
    "a header without a colon": (get("/healthz", "nothing"), 400, "invalid_request"),
    "a folded header": (get("/healthz", "X-Y: a", " b"), 400, "invalid_request"),
    "a bare line feed": (b"GET /healthz HTTP/1.1\nHost: x\n\n", 400, "invalid_request"),
    "two lengths": (post("/hold", b"{}", "Content-Length: 3"), 400, "invalid_request"),
    "length and chunks": (post("/hold", b"{}", "Transfer-Encoding: chunked"), 400, "invalid_request"),
    "a length that is no number": (get("/healthz", "Content-Length: +1"), 400, "invalid_request"),
    "an unknown coding": (get("/healthz", "Transfer-Encoding: rot13"), 501, "invalid_request"),
    "an unknown expectation": (get("/healthz", "Expect: tea"), 417, "invalid_request"),
    "a long request line": (get("/" + 9000 * "x"), 414, "too_large"),
    "a long field": (get("/healthz", "X-Long: " + 4100 * "x"), 431, "too_large"),
    "many fields": (get("/healthz", *[f"X-{number}: y" for number in range(64)]), 431, "too_large"),
    "a head that does not end": (get("/healthz", *[f"X-{n}: " + 4000 * "x" for n in range(97)])[:-2], 431, "too_large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_request_gets_a_problem_and_the_connection_closes(server: Gunicorn, name: str) -> None:
    sent, status, code = REFUSED[name]
    line = server.line()
    line.send(sent)
    reply = line.receive()
    assert (reply.status, reply.problem["code"]) == (status, code)
    assert ("errors" in reply.problem) == (code == "invalid_request")
    assert reply.headers["connection"] == "close"
    assert "date" in reply.headers
    assert line.is_closed()


@pytest.mark.parametrize(
    "sent",
    [
        get("/healthz", *[f"X-{number}: y" for number in range(63)]),
        get("/healthz", "X-Long: " + 4000 * "x"),
        get("/healthz", version="1.0", host=None),
        get("/healthz", host="[2001:db8::1]:8080"),
        get("/healthz", host="my_api.example:80"),
        get("/healthz", "Connection: Upgrade", "Upgrade: websocket"),
        get("/healthz", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        get("http://x/healthz"),
        b"\r\n" + get("/healthz"),
    ],
)
def test_a_request_that_http_allows_is_served(server: Gunicorn, sent: bytes) -> None:
    reply = server.exchange(sent)
    assert (reply.status, reply.body) == (200, b'{"status":"ok"}')
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "server" not in reply.headers


EMPTY = {
    "curl -d ''": ("/cancel", b"", "application/x-www-form-urlencoded"),
    "fetch with body ''": ("/complete", b"", "text/plain;charset=UTF-8"),
    "axios.post(url, null)": ("/confirm", b"null", "application/json"),
    "a byte order mark": ("/no-show", b"\xef\xbb\xbf{}", "application/json; charset=utf-8"),
    "a slash at the end": ("/cancel/", b"", "application/octet-stream"),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_body_is_taken_from_every_client(server: Gunicorn, name: str) -> None:
    path, body, kind = EMPTY[name]
    key = f"Authorization: Bearer {server.world.keys['desk']}"
    reply = server.exchange(post(f"/bookings/bk_no{path}", body, key, kind=kind))
    assert reply.problem["code"] == "booking_not_found"


def test_a_script_name_header_changes_nothing(server: Gunicorn) -> None:
    for path in ("/x/healthz", "/x/policy"):
        assert server.exchange(get(path, "SCRIPT_NAME: /x", "Script-Name: /x")).problem["code"] == "not_found"
    assert server.exchange(get("/healthz", "PATH_INFO: /policy")).status == 200


@pytest.mark.parametrize("path", ["//healthz", "///healthz", "//", "//x/healthz", "/%2Fhealthz"])
def test_a_path_that_begins_with_two_slashes_is_not_found(server: Gunicorn, path: str) -> None:
    reply = server.exchange(get(path))
    assert (reply.status, reply.problem["code"]) == (404, "not_found")


def test_one_connection_serves_several_requests(server: Gunicorn) -> None:
    line = server.line()
    line.send(get("/healthz") + get("/nowhere") + get("/healthz"))
    assert [line.receive().status for _ in range(3)] == [200, 404, 200]
    line.send(get("/healthz", "Content-Length: 5") + b"abcde" + get("/healthz"))
    assert [line.receive().status for _ in range(2)] == [200, 200]


def test_every_line_of_the_server_is_json(server: Gunicorn) -> None:
    server.exchange(b"hello\r\n\r\n")
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert "Starting gunicorn" in lines[0]["event"]
    assert all({"event", "level", "at"} <= line.keys() for line in lines)
    (refused,) = [line for line in lines if line["event"] == "request_not_served"][-1:]
    assert (refused["kind"], refused["status"]) == ("InvalidRequestLine", 400)
