"""In how many writes a reply leaves, and that all of it arrives."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from gunicorn.config import Config

from api.http.replies import FinalResponse
from api.server.limits import Limits
from api.server.response import PlainResponse
from api.server.wire import PlainRequest, Wire

PEER = ("127.0.0.1", 50_000)
HEAD_END = b"\r\n\r\n"


class CountedSocket(socket.socket):
    """Counts the pieces that are handed to the kernel."""

    writes = 0

    def send(self, *given: Any) -> int:
        self.writes += 1
        return super().send(*given)

    def sendall(self, *given: Any) -> None:
        self.writes += 1
        super().sendall(*given)


class Link:
    """A client's end of a connection, and the server's end, which counts."""

    def __init__(self) -> None:
        ours, self.client = socket.socketpair()
        self.server = CountedSocket(fileno=ours.detach())
        self.server.settimeout(30)
        self.client.settimeout(30)

    def ask(self, method: str = "GET", version: str = "1.1") -> PlainResponse:
        """The response to a request that the client sent."""
        self.client.sendall(f"{method} /x HTTP/{version}\r\nHost: x\r\n\r\n".encode())
        wire = Wire(self.server, set())
        wire.allow(5, 10_000)
        wire.gather_head()
        return PlainResponse(PlainRequest(Config(), wire, PEER, 1, Limits()), self.server, Config())

    def received(self) -> tuple[bytes, bytes]:
        """(head, body) of all that is sent until the server's end is closed."""
        found = b""
        while data := self.client.recv(65_536):
            found += data
        head, _, body = found.partition(HEAD_END)
        return head, body


@pytest.fixture
def link() -> Iterator[Link]:
    made = Link()
    yield made
    made.client.close()
    made.server.close()


def send(response: PlainResponse, pieces: Any) -> None:
    for piece in pieces:
        response.write(piece)
    response.close()


def reply_of_the_app(response: PlainResponse, body: bytes, method: str = "GET", status: int = 200) -> None:
    made = FinalResponse(body, status, [], "application/json")
    send(response, made({"REQUEST_METHOD": method}, response.start_response))


def test_a_reply_of_the_app_is_one_write(link: Link) -> None:
    reply_of_the_app(link.ask(), b'{"a":1}')
    assert link.server.writes == 1
    link.server.close()
    head, body = link.received()
    assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
    assert {b"Connection: keep-alive", b"Content-Length: 7"} <= set(head.split(b"\r\n"))
    assert body == b'{"a":1}'


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_a_reply_without_a_body_is_one_write(link: Link, method: str, status: int) -> None:
    reply_of_the_app(link.ask(method), b'{"a":1}' if status == 200 else b"", method, status)
    assert link.server.writes == 1
    link.server.close()
    head, body = link.received()
    assert (b"Content-Length: 7" in head) == (status == 200)
    assert b"Transfer-Encoding" not in head
    assert body == b""


def test_a_reply_above_the_sockets_buffer_arrives_whole(link: Link) -> None:
    link.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    response, large = link.ask(), b"x" * 1_000_000
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(reply_of_the_app, response, large)
        sending.add_done_callback(lambda _: link.server.close())
        head, body = link.received()
        sending.result(timeout=30)
    assert body == large
    assert head.startswith(b"HTTP/1.1 200")


def test_pieces_that_come_later_leave_one_by_one(link: Link) -> None:
    response, writes = link.ask(), []
    response.start_response("200 OK", [("Content-Type", "text/plain")])
    for piece in (b"one", b"twelve bytes", b""):
        response.write(piece)
        writes.append(link.server.writes)
    response.close()
    assert (writes, link.server.writes) == ([1, 2, 2], 3)
    link.server.close()
    head, body = link.received()
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"3\r\none\r\nC\r\ntwelve bytes\r\n0\r\n\r\n"


def test_an_empty_first_piece_sends_the_head(link: Link) -> None:
    response = link.ask()
    response.start_response("200 OK", [("Content-Type", "text/event-stream")])
    response.write(b"")
    assert link.client.recv(65_536).endswith(HEAD_END)


def test_without_a_length_a_client_of_http_1_0_sees_the_end_by_the_close(link: Link) -> None:
    response = link.ask(version="1.0")
    response.start_response("200 OK", [("Content-Type", "text/plain")])
    send(response, [b"one", b"two"])
    assert response.must_close
    link.server.close()
    head, body = link.received()
    assert b"Connection: close" in head
    assert body == b"onetwo"
