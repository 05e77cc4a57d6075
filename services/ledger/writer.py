"""Inserts the documents of many requests in one command, and gives each request the outcome of its own document.

A command costs mongod and us several times what one more document in it costs. No request waits on purpose: if no
batch is under way, it sends its document at once. Else the document waits until that batch is answered, and then all
documents that wait are the next batch. Each batch runs on a thread (or greenlet) of its own, which ends with it: so a
request may leave at its own deadline while its batch goes on, and nothing is left running when nothing waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context
from time import monotonic
from typing import Any, Final

import bson
import pymongo
from bson.errors import BSONError
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, DuplicateKeyError, ServerSelectionTimeoutError, WriteError

from services.crash_points import CrashPoints
from services.ledger.outcomes import DEFINITELY_REFUSED, NothingSent, Unclear, WriteRefused
from services.stores.connections import Document
from services.stores.faults import NO_TIME, mongo_until

MOST_BATCHES: Final = 4
PATIENCE_SECONDS: Final = 0.1
"""A document that has waited so long is behind a batch that stalls. Then one more batch begins, on a connection of its
own, up to MOST_BATCHES. While MongoDB answers there is one: two at a time cost both sides a third more a document."""
MOST_WAITING: Final = 128
"""Documents that may wait: more than the requests that a worker works on at a time (api/http/turns.py)."""
LARGEST_BYTES: Final = 16 * 1024 * 1024
"""The largest document that MongoDB takes."""
DUPLICATE_KEY: Final = 11000


def unnoted(_size: int) -> None:
    """Does nothing with the size of a batch."""


class _Waiting:
    """A document and its outcome, which is unclear until MongoDB has answered. until: when its request leaves."""

    def __init__(self, document: Document, until: float) -> None:
        self.document = document
        self.until = until
        self._error: Exception | None = Unclear()
        self._answered = threading.Lock()
        self._answered.acquire()

    def comes(self, until: float) -> bool:
        """Waits for the answer. False if it has not come by then."""
        return self._answered.acquire(timeout=max(0.0, until - monotonic()))

    def ends(self, error: Exception | None, cause: Exception | None = None) -> None:
        """Sets the outcome; None: it was written."""
        if error is not None:
            error.__cause__ = cause
        self._error = error

    def answer(self) -> None:
        """Wakes the request."""
        self._answered.release()

    def result(self) -> None:
        """Raises what the insert ended with."""
        if self._error is not None:
            raise self._error


class Writer:
    """The writer of one process. It holds no thread before the first document waits, so it may cross a fork unused.

    note_batch: gets the number of documents in each command that is sent.
    """

    def __init__(self, bookings: Collection[Document], crash: CrashPoints, note_batch: Callable[[int], None]) -> None:
        self._bookings = bookings
        self._client = bookings.database.client
        self._crash = crash
        self._note_batch = note_batch
        self._changing = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._under_way = 0

    def insert(self, document: Document, seconds: float) -> None:
        """Returns once a majority has the document in its journal. Waits no longer than this, or than its request may.

        Raises DuplicateKeyError; WriteRefused or NothingSent if the document was definitely not written; Unclear.
        """
        _check(document)
        waiting = _Waiting(document, min(monotonic() + seconds, mongo_until.get()))
        with self._changing:
            is_next = not self._under_way
            if is_next:
                self._under_way = 1
            elif len(self._waiting) < MOST_WAITING:
                self._waiting.append(waiting)
            else:
                raise NothingSent
        if is_next:
            self._run([waiting])
        else:
            self._wait(waiting)
        waiting.result()

    def _wait(self, waiting: _Waiting) -> None:
        patient_until = monotonic() + PATIENCE_SECONDS
        try:
            if waiting.comes(min(waiting.until, patient_until)) or waiting.until <= patient_until:
                return
            with self._changing:
                stalls = waiting in self._waiting and self._under_way < MOST_BATCHES
                self._under_way += stalls
            if stalls:
                self._begin()
            waiting.comes(waiting.until)
        finally:
            with self._changing:
                if waiting in self._waiting:
                    self._waiting.remove(waiting)
                    waiting.ends(NothingSent())

    def _begin(self) -> None:
        """Begins a batch. It runs in a context of its own: that of a request has the deadline of this request."""
        try:
            threading.Thread(target=Context().run, args=(self._run_next,), daemon=True).start()
        except RuntimeError:  # no thread is to be had: the next request may begin a batch
            with self._changing:
                self._under_way -= 1

    def _run_next(self) -> None:
        """Sends all that wait once a primary is known: until then a request can leave with nothing sent."""
        batch: list[_Waiting] = []
        if self._reaches_primary():
            with self._changing:
                batch += self._waiting
                self._waiting.clear()
        self._run(batch)

    def _reaches_primary(self) -> bool:
        """Waits until pymongo knows a primary, or has sought one for long enough. It knows one in the normal case."""
        try:
            self._client.is_primary  # noqa: B018  # it waits
        except ServerSelectionTimeoutError:
            return False
        except Exception:  # the insert meets it too, and then each request is answered
            return True
        return True

    def _run(self, batch: list[_Waiting]) -> None:
        """Sends a batch, and hands on its turn: to those that wait by now, or to the next that comes."""
        try:
            if batch:
                self._send(batch)
        finally:
            for each in batch:
                each.answer()
            with self._changing:
                goes_on = bool(self._waiting)
                self._under_way -= not goes_on
            if goes_on:
                self._begin()

    def _send(self, batch: list[_Waiting]) -> None:
        """Sets the outcome of each. The batch ends with the time of the request that may wait longest.

        A ServerSelectionTimeoutError means that nothing was sent, also where pymongo tries a second time: it then
        raises the error of the first attempt instead (`_ClientConnectionRetryable.run`).
        """
        self._note_batch(len(batch))
        seconds = max(each.until for each in batch) - monotonic()
        try:
            with pymongo.timeout(max(seconds, NO_TIME)):
                self._insert([each.document for each in batch])
            for each in batch:
                each.ends(None)
        except WriteError as error:
            batch[0].ends(_refusal({"code": error.code, **(error.details or {})}), error)
        except BulkWriteError as error:
            _sort_out(batch, error)
        except ServerSelectionTimeoutError as error:
            for each in batch:
                each.ends(NothingSent(), error)
        except Exception as error:  # whatever it is, each request is answered
            for each in batch:
                each.ends(Unclear(), error)

    def _insert(self, documents: list[Document]) -> None:
        if len(documents) == 1:
            self._bookings.insert_one(documents[0])  # a tenth of our time for an insert less than a batch of one
        else:
            self._bookings.insert_many(documents, ordered=False)
            self._crash("after_batch")


def _check(document: Document) -> None:
    """Raises WriteRefused for what cannot be sent: in a batch it would be the fault of all."""
    try:
        size = len(bson.encode(document))
    except (BSONError, OverflowError, TypeError, ValueError) as error:
        raise WriteRefused from error
    if size > LARGEST_BYTES:
        raise WriteRefused


def _sort_out(batch: list[_Waiting], error: BulkWriteError) -> None:
    """Gives each document its own error. Without one it was written, unless a majority may not have it."""
    details: dict[str, Any] = dict(error.details or {})
    refused = {each["index"]: each for each in details.get("writeErrors", ())}
    unclear = bool(details.get("writeConcernErrors"))
    for index, each in enumerate(batch):
        if index in refused:
            each.ends(_refusal(refused[index]), error)
        else:
            each.ends(Unclear() if unclear else None, error)


def _refusal(found: dict[str, Any]) -> Exception:
    """A write error as the outcome of its document. A mongos may report here what a shard never answered."""
    code, text = found["code"], found.get("errmsg", "")
    if code == DUPLICATE_KEY:
        return DuplicateKeyError(text, code, found)
    if code in DEFINITELY_REFUSED:
        return WriteRefused()
    return Unclear()
