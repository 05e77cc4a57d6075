"""Runs several writes of bookings as one: MongoDB makes all of them, or none.

Until the commit is sent nothing is made, whatever fails: MongoDB takes back what a transaction wrote that is not
committed, of a dead worker after `transactionLifetimeLimitSeconds`. A commit whose answer is lost is sent again, which
is harmless.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextvars import Context
from time import monotonic
from typing import Final, TypeVar

import pymongo
from pymongo import MongoClient, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from services.ledger.outcomes import DEFINITELY_REFUSED, NothingSent, Unclear, WriteRefused
from services.stores.connections import Document
from services.stores.faults import NO_TIME, mongo_until

Work = Callable[[ClientSession], "Result"]
Result = TypeVar("Result")

ABORT_SECONDS: Final = 0.2
"""For taking a transaction back, beyond the time of its request: until then other writes of the same claims wait."""
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.002, 0.02
"""Before a transaction that met another one begins again: so long the other one mostly needs to end."""
TRANSIENT, UNKNOWN = "TransientTransactionError", "UnknownTransactionCommitResult"


class _Met(Exception):
    """The transaction met another one, or a store that changes its primary. Nothing is written; it may begin again."""


def in_transaction(client: MongoClient[Document], work: Work[Result], seconds: float) -> Result:
    """What `work` gives, once a majority has in its journal all that it wrote with the session that it gets.

    work: may run several times, and writes nothing without the session. seconds: for all attempts; the request may
    have less time left.
    Raises DuplicateKeyError, BulkWriteError, WriteRefused, NothingSent and what `work` raises of its own: nothing was
    written. Unclear: the commit was sent, and its outcome is open.
    """
    until = min(monotonic() + seconds, mongo_until.get())
    with pymongo.timeout(max(until - monotonic(), NO_TIME)), client.start_session() as session:
        while True:
            try:
                return _attempt(session, work, until)
            except _Met as met:
                if monotonic() >= until:
                    raise NothingSent from met.__cause__
                time.sleep(random.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))


def _attempt(session: ClientSession, work: Work[Result], until: float) -> Result:
    session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority", j=True))
    try:
        result = work(session)
    except BaseException as error:
        # With a time of its own, because that of the request may be over.
        Context().run(_abort, session)
        if isinstance(error, PyMongoError):
            meaning = _of_a_write(error)
            if meaning is not error:
                raise meaning from error
        raise
    _commit(session, until)
    return result


def _abort(session: ClientSession) -> None:
    with pymongo.timeout(ABORT_SECONDS):
        session.abort_transaction()


def _of_a_write(error: PyMongoError) -> Exception:
    """What an error before the commit means."""
    if isinstance(error, DuplicateKeyError | BulkWriteError):
        return error
    if error.has_error_label(TRANSIENT):
        return _Met()
    refused = isinstance(error, OperationFailure) and error.code in DEFINITELY_REFUSED
    return WriteRefused() if refused else NothingSent()


def _commit(session: ClientSession, until: float) -> None:
    while True:
        try:
            session.commit_transaction()
        except PyMongoError as error:
            if error.has_error_label(TRANSIENT):
                raise _Met from error
            if monotonic() >= until or not error.has_error_label(UNKNOWN):
                raise Unclear from error
        else:
            return
