"""The turns of one worker: so many requests at a time, first come, first served. No request waits for one long."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from api.server.porch import CAME
from models.errors import StoreUnavailable
from services.stores.faults import StoreTrouble

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

AT_ONCE = 32
"""Requests that one worker works on at a time; the others wait their turn here, where waiting costs nothing.

With a thousand at once, each would wait so long between two steps that stores seem stalled and time-outs strike. Taken
in order, 16, 32 and 64 turns measured the same throughput and the same p99 at 32 connections; at 1,600 connections 32
kept the worker busier than 16, and 64 gained nothing.
"""
KEYLESS_AT_ONCE = 2
"""Further turns, for requests to endpoints without a key and for look-ups of keys that are not in memory."""
HASHING_AT_ONCE = 8
"""Further turns, for sign-ins. A worker hashes one password at a time, which takes long on a busy machine, so most of
these wait for that; they keep no other request waiting."""
INSIDE = AT_ONCE + 16
"""Requests that may be in the app at a time: those with a turn, and a few that are ready for the next or need none."""

LONGEST_WAIT_SECONDS = 1.0
"""A request that has no turn so long after it came has not begun, and is refused."""
OUTSIDE_SECONDS = 0.8
"""A request that has not got in after this time is refused."""
INSIDE_SECONDS = 0.3
"""A request that has got in may wait this long in any case. To refuse it there costs as much as to serve it: where an
overloaded worker did so, it served a third of what it could."""
LOOK_SECONDS = 0.5
"""How often a request that waits looks whether waiting is useless, because a store no longer answers."""
SPARE = 0.2
"""In the last part of its time, this share of the whole, a request begins no claim and no mirroring in Redis."""
LEFT = "holdfast.left"
"""Where the environ of a request keeps how many seconds MongoDB has left for it."""


class Overloaded(StoreUnavailable):
    sentence = "The server has too much to do and did not begin this request. Please send it again."


class Queue:
    """A number of turns, each of which `take` gives and `give_back` ends.

    seconds: how long a request may wait. in_vain: whether waiting is pointless just now.
    """

    def __init__(self, turns: int, seconds: float, in_vain: Callable[[], bool]) -> None:
        self._free = turns
        self._seconds = seconds
        self._in_vain = in_vain
        self._waiting: deque[threading.Lock] = deque()
        self._changing = threading.Lock()

    def take(self, came: float) -> bool:
        """Waits for a turn, behind all that asked before. came: when the request did, by the monotonic clock.

        False if none comes in time, or if waiting is useless.
        """
        with self._changing:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        return self._comes(turn, came + self._seconds) or not self._gives_up(turn)

    def give_back(self) -> None:
        """Ends a turn: the request that has waited longest gets it."""
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

    def _comes(self, turn: threading.Lock, until: float) -> bool:
        while (left := until - monotonic()) > 0:
            if turn.acquire(timeout=min(left, LOOK_SECONDS)):
                return True
            if self._in_vain():
                break
        return False

    def _gives_up(self, turn: threading.Lock) -> bool:
        """Leaves the queue. False if the turn came in this very moment."""
        with self._changing:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True


class Turns:
    """The turns of one app, and the memory of its stores' failures. porch: where requests wait before they get in.

    request_seconds: how long MongoDB may take for all that one request asks of it.
    """

    def __init__(self, request_seconds: float) -> None:
        self._request_seconds = request_seconds
        self.trouble = StoreTrouble()
        self.porch = Queue(INSIDE, OUTSIDE_SECONDS, self.trouble.lately)
        self._keyed = Queue(AT_ONCE, LONGEST_WAIT_SECONDS, self.trouble.lately)
        self._long = Queue(1, LONGEST_WAIT_SECONDS, self.trouble.lately)
        self._keyless = Queue(KEYLESS_AT_ONCE, LONGEST_WAIT_SECONDS, self.trouble.lately)
        self._hashing = Queue(HASHING_AT_ONCE, LONGEST_WAIT_SECONDS, self.trouble.lately)

    def keyed(self, environ: WSGIEnvironment) -> AbstractContextManager[None]:
        """A turn for a request with a known key. Raises Overloaded."""
        return _turn(self._keyed, environ)

    def long(self, environ: WSGIEnvironment, seconds: float) -> AbstractContextManager[None]:
        """A turn for a request of which the stores may take so many seconds. Raises Overloaded."""
        environ[LEFT] = seconds
        return _turn(self._long, environ)

    def keyless(self, environ: WSGIEnvironment) -> AbstractContextManager[None]:
        """A turn for a request without one. Raises Overloaded."""
        return _turn(self._keyless, environ)

    def hashing(self, environ: WSGIEnvironment) -> AbstractContextManager[None]:
        """A turn for a request without a key that hashes a password. Raises Overloaded."""
        return _turn(self._hashing, environ)

    @contextmanager
    def asking(self, environ: WSGIEnvironment) -> Iterator[None]:
        """Around what a request asks of the stores, in one block or one after another: all of them share one time."""
        left, began = environ.get(LEFT, self._request_seconds), monotonic()
        try:
            with self.trouble.watch_for(left, SPARE * self._request_seconds):
                yield
        finally:
            environ[LEFT] = left - (monotonic() - began)


@contextmanager
def _turn(queue: Queue, environ: WSGIEnvironment) -> Iterator[None]:
    now = monotonic()
    if not queue.take(max(environ.get(CAME, now), now - LONGEST_WAIT_SECONDS + INSIDE_SECONDS)):
        raise Overloaded
    try:
        yield
    finally:
        queue.give_back()
