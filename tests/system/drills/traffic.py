"""Customers of all kinds who want the same few slots at the same time, and every answer they get."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scripts.dev_server.child import wait_until
from tests.system.drills.customers import Customers, Deed
from tests.system.drills.installation import SOON, Answer

HOLD_SECONDS = 2
PATIENCE = 4
"""How often a customer sends a request whose outcome is open."""


class Traffic:
    """Threads that hold, book, repeat and cancel until `running()` ends. `answers` keeps every answer."""

    def __init__(self, customers: Customers, slots: list[dict[str, Any]], *, seed: int, threads: int = 4) -> None:
        self._customers = customers
        self._slots = slots
        self._stop = threading.Event()
        self._accounts = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(random.Random(f"{seed} {number}"),)) for number in range(threads)
        ]
        self.answers: list[Answer] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(SOON)
        assert not any(thread.is_alive() for thread in self._threads)

    def await_more(self, answers: int, seconds: float = SOON) -> None:
        """Wait until this many more requests are answered."""
        wanted = len(self.answers) + answers
        assert wait_until(lambda: len(self.answers) >= wanted, seconds=seconds), len(self.answers)

    def _work(self, dice: random.Random) -> None:
        while not self._stop.is_set():
            slot = dice.choice(self._slots)
            with self._accounts:
                deed = self._customers.wish()
            if dice.random() < 0.5:
                self._hold_and_book(deed, slot, dice)
            else:
                self._book(deed, slot, Idempotency_Key=deed.name)
            if dice.random() < 0.8:  # or soon every slot would be taken
                self._cancel(deed)

    def _hold_and_book(self, deed: Deed, slot: dict[str, Any], dice: random.Random) -> None:
        hold = self._noted(self._customers.hold(slot, ttl_seconds=HOLD_SECONDS, holder=deed.name))
        if hold.is_ok:
            # Some send their slot too, so that they can be booked without Redis.
            carried = {"hold_id": hold.body["hold_id"]} | (slot if dice.random() < 0.5 else {})
            self._book(deed, carried)

    def _book(self, deed: Deed, what: dict[str, Any], **headers: str) -> None:
        for _ in range(PATIENCE):
            answer = self._noted(self._customers.book(deed, what, **headers))
            if answer.status not in (0, 503) and answer.body.get("code") != "request_in_progress":
                return

    def _cancel(self, deed: Deed) -> None:
        booked = [answer.body["booking_id"] for answer in deed.answers if answer.is_ok]
        for _ in range(PATIENCE if booked else 0):
            if self._noted(self._customers.cancel(deed, booked[0])).status == 200:
                return

    def _noted(self, answer: Answer) -> Answer:
        self.answers.append(answer)
        return answer
