"""Lets several requests insert in one batch, for certain: they wait behind a first insert that a test holds back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from models.booking import Booking
from scripts.dev_server.child import wait_until
from services.ledger import writer
from services.ledger.outcomes import Insert
from services.ledger.store import BookingStore
from tests.bookings.moving import failing
from tests.bookings.sample import sample
from tests.world import World, tomorrow

SOON = 20
LONG = 10.0

Ending = str | type[Exception]
"""How an insert ended: the word of its outcome, or the class of its error."""


def booking(world: World, hour: int = 0, **changed: Any) -> Booking:
    """A booking of its own id in the world's org, at some hour from tomorrow on."""
    named = {"org": world.org, "booking_id": f"bk_{secrets.token_hex(8)}"}
    return sample(tomorrow(0) + timedelta(hours=hour), **(named | changed))


class Gate:
    """Stands in front of a collection. The first insert waits until the gate opens, and writes nothing.

    batches: their sizes. at_once: how many were under way when each of them began, itself among them.
    """

    def __init__(self, bookings: Any) -> None:
        self._bookings = bookings
        self.reached, self.opened = Event(), Event()
        self.batches: list[int] = []
        self.at_once: list[int] = []
        self._under_way = list[None]()

    @contextmanager
    def _batch(self, size: int) -> Iterator[None]:
        self._under_way.append(None)
        self.batches.append(size)
        self.at_once.append(len(self._under_way))
        try:
            yield
        finally:
            self._under_way.pop()

    def insert_one(self, document: dict[str, Any]) -> None:
        with self._batch(1):
            if self.reached.is_set():
                self._bookings.insert_one(document)
            else:
                self.reached.set()
                assert self.opened.wait(SOON)

    def insert_many(self, documents: Sequence[dict[str, Any]], *, ordered: bool) -> None:
        with self._batch(len(documents)):
            try:
                self._bookings.insert_many(documents, ordered=ordered)
            except BulkWriteError:
                # A later write of ours lets a majority have what this one wrote, if MongoDB did not wait for that.
                self._bookings.database["later"].insert_one({})
                raise


class Crowd:
    """Requests to one store, each on a thread of its own, behind an insert that is held back."""

    def __init__(self, world: World, store: BookingStore, pool: ThreadPoolExecutor) -> None:
        self.store, self._writer, self._pool = store, store._writer, pool
        self.gate = self._writer._bookings = Gate(self._writer._bookings)  # type: ignore[assignment]
        pool.submit(self.store.insert, booking(world, 24 * 300))
        assert self.gate.reached.wait(SOON)

    def ask(self, act: Callable[[], Insert]) -> Future[Insert]:
        """Starts a request, and returns once its document waits, or once it has ended."""
        before = len(self._writer._waiting)
        asked = self._pool.submit(act)
        assert wait_until(lambda: len(self._writer._waiting) > before or asked.done(), seconds=SOON)
        return asked

    def insert(self, *bookings: Booking) -> list[Future[Insert]]:
        """One request for each booking, in this order."""
        return [self.ask(lambda each=each: self.store.insert(each)) for each in bookings]  # type: ignore[misc]


@contextmanager
def crowd(world: World, store: BookingStore | None = None) -> Iterator[Crowd]:
    """A crowd. The gate opens at the end of the block if it has not before."""
    with ThreadPoolExecutor(40) as pool:
        made = Crowd(world, store or BookingStore(world.services.db, 15), pool)
        try:
            yield made
        finally:
            made.gate.opened.set()


def ending(asked: Future[Insert]) -> Ending:
    error = asked.exception(SOON)
    return asked.result().outcome if error is None else type(error)


def together(world: World, *bookings: Booking) -> list[Ending]:
    """Inserts these bookings, and says how each ended. All that are sent are in one batch, in this order."""
    with crowd(world) as made:
        asked = made.insert(*bookings)
        waiting = len(made._writer._waiting)
        made.gate.opened.set()
        endings = [ending(each) for each in asked]
    assert made.gate.batches == [1, waiting]
    return endings


def alone(world: World, made: Booking, store: BookingStore | None = None) -> list[Ending]:
    """Inserts one booking without a batch, and says how it ended."""
    with ThreadPoolExecutor(1) as pool:
        return [ending(pool.submit((store or BookingStore(world.services.db, 15)).insert, made))]


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second batch begins beside a held one: the processors of tests are busy."""
    monkeypatch.setattr(writer, "PATIENCE_SECONDS", LONG)


def failing_inserts(world: World, mode: Any = "alwaysOn", **data: Any) -> Any:
    """MongoDB fails the product's inserts of bookings in this way."""
    return failing(world, mode, **({"failCommands": ["insert"]} | data))
