"""One client's stream: what is sent at once, what waits, and when it is reset or let go."""

from __future__ import annotations

import pytest

from services.live import stream as module
from services.live.stream import BYE, MOST_WAITING, STALLED_SECONDS, Stream

RESET = b"reset;"


class Pipe:
    """A sink that takes so many bytes; then the client must read."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.got = b""
        self.hung_up = False
        self.broken = False

    def frame(self, piece: bytes) -> bytes:
        return b"[" + piece + b"]"

    def write(self, data: bytes) -> int:
        if self.broken:
            raise BrokenPipeError
        taken = data[: self.room]
        self.room -= len(taken)
        self.got += taken
        return len(taken)

    def hang_up(self) -> None:
        self.hung_up = True


def opened(room: int = 10**9) -> tuple[Stream, Pipe, list[Stream]]:
    left: list[Stream] = []
    made, pipe = Stream(b"hello;", leave=left.append, behind=lambda _: RESET), Pipe(room)
    return made, pipe, left


def test_what_comes_before_the_client_is_attached_is_sent_then() -> None:
    stream, pipe, _ = opened()
    assert list(stream) == [b"hello;"]
    assert stream.push(b"one;")
    stream.attach(pipe)
    assert not stream.push(b"two;")
    assert pipe.got == b"[one;][two;]"


def test_a_piece_that_is_sent_in_parts_stays_whole() -> None:
    stream, pipe, _ = opened(room=3)
    stream.attach(pipe)
    assert stream.push(b"one;")
    assert stream.push(b"two;")
    assert pipe.got == b"[on"
    pipe.room = 10**9
    assert not stream.flush()
    assert pipe.got == b"[one;][two;]"


def test_a_client_with_too_much_waiting_gets_reset_in_place_of_it_and_what_follows() -> None:
    stream, pipe, _ = opened(room=3)
    stream.attach(pipe)
    stream.push(b"one;")
    for _ in range(3):
        stream.push(b"x" * (MOST_WAITING // 2))
    stream.push(b"after;")
    pipe.room = 10**9
    stream.flush()
    assert pipe.got == b"[one;][" + RESET + b"][after;]"


def test_a_client_that_takes_nothing_for_long_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    stream, pipe, _ = opened(room=0)
    stream.attach(pipe)
    now[0] += 10 * STALLED_SECONDS
    stream.push(b"one;")
    now[0] += STALLED_SECONDS
    assert stream.flush()
    now[0] += 1
    assert not stream.flush()
    assert pipe.hung_up


def test_the_end_is_said_before_the_connection_ends() -> None:
    stream, pipe, _ = opened()
    stream.attach(pipe)
    stream.stop()
    assert (pipe.got, pipe.hung_up) == (b"[" + BYE + b"]", True)
    assert not stream.push(b"more;")


def test_a_stream_that_ended_before_its_client_was_attached_ends_there() -> None:
    stream, pipe, _ = opened()
    stream.stop()
    stream.attach(pipe)
    assert (pipe.got, pipe.hung_up) == (b"[" + BYE + b"]", True)


def test_a_client_that_is_gone_ends_the_stream_and_it_is_left_once() -> None:
    stream, pipe, left = opened()
    stream.attach(pipe)
    pipe.broken = True
    assert not stream.flush()
    stream.push(b"one;")
    assert pipe.hung_up
    stream.close()
    stream.close()
    assert left == [stream]
