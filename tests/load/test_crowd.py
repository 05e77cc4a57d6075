"""The load client over real sockets: lost connections, hung-up clients, slow and broken servers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from scripts.load.client.crowd import carry
from scripts.load.client.steps import Exchange, Pause, Play, Send
from scripts.load.client.wire import WireError, request_bytes, take_reply

OK = b"HTTP/1.1 201 CREATED\r\nContent-Length: 15\r\n\r\n" + b'{"hold_id":"h"}'


@contextmanager
def scripted(*connections: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """A server that treats its first connection with the first function, and so on, then accepts no more."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(30)

        def serve() -> None:
            for treat in connections:
                connection, _ = listener.accept()
                with closing(connection):
                    connection.settimeout(30)
                    treat(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            thread.join()


def replies(*parts: bytes) -> Callable[[socket.socket], None]:
    def treat(connection: socket.socket) -> None:
        connection.recv(65536)
        for part in parts:
            connection.sendall(part)
        connection.recv(65536)

    return treat


def closes(connection: socket.socket) -> None:
    connection.recv(65536)


def asks(*, drop: bool = False, times: int = 1) -> Play:
    for _ in range(times):
        yield Send("hold", "0:hold", "web", "POST", "/hold", "key", {"a": 1}, drop=drop)


def run(address: tuple[str, int], play: Play, *, reply_seconds: float = 5) -> list[Exchange]:
    return carry(address, [play], lambda _: time.monotonic(), reply_seconds=reply_seconds)


def test_a_reply_in_pieces_is_put_together() -> None:
    with scripted(replies(OK[:10], OK[10:50], OK[50:])) as address:
        [exchange] = run(address, asks())
    assert (exchange.status, exchange.reply, exchange.attempts) == (201, {"hold_id": "h"}, 1)


def test_a_connection_that_dies_before_the_reply_is_opened_anew() -> None:
    with scripted(closes, replies(OK)) as address:
        [exchange] = run(address, asks())
    assert (exchange.status, exchange.attempts) == (201, 2)


def test_a_server_that_always_hangs_up_leaves_the_outcome_unknown() -> None:
    with scripted(closes, closes, closes, closes) as address:
        [exchange] = run(address, asks())
    assert (exchange.status, exchange.unknown, exchange.dropped) == (0, True, False)


def test_a_reply_that_does_not_come_in_time_is_unknown() -> None:
    with scripted(replies()) as address:
        [exchange] = run(address, asks(), reply_seconds=0.2)
    assert exchange.status == 0
    assert exchange.milliseconds >= 200


def test_a_client_that_hangs_up_sends_the_whole_request_and_reads_nothing() -> None:
    received: list[bytes] = []
    with scripted(lambda connection: received.append(connection.recv(65536))) as address:
        [exchange] = run(address, asks(drop=True))
    assert received == [request_bytes("POST", "/hold", key="key", body={"a": 1})]
    assert (exchange.status, exchange.dropped) == (0, True)


def test_two_requests_share_a_connection() -> None:
    def twice(connection: socket.socket) -> None:
        for _ in range(2):
            connection.recv(65536)
            connection.sendall(OK)
        connection.recv(65536)

    with scripted(twice) as address:
        assert [exchange.status for exchange in run(address, asks(times=2))] == [201, 201]


def test_what_is_not_http_is_an_answer_that_the_verdict_refuses() -> None:
    with scripted(replies(b"oops oops\r\n\r\n")) as address:
        [exchange] = run(address, asks())
    assert exchange.status == 599


def test_a_play_may_begin_with_a_pause() -> None:
    def late() -> Play:
        yield Pause(0.2)
        yield from asks()

    released = time.monotonic()
    with scripted(replies(OK)) as address:
        [exchange] = run(address, late())
    assert exchange.sent - released >= 0.2


def test_a_reply_without_a_length_is_refused() -> None:
    with pytest.raises(WireError):
        take_reply(bytearray(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))


def test_two_replies_in_one_buffer_are_taken_one_by_one() -> None:
    buffer = bytearray(OK + b"HTTP/1.1 204 NO CONTENT\r\n\r\n" + OK[:5])
    taken = [take_reply(buffer) for _ in range(3)]
    assert [reply and reply.status for reply in taken] == [201, 204, None]
    assert bytes(buffer) == OK[:5]
