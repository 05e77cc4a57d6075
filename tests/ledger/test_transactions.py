"""Several writes are made as one, or not at all, whatever fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Event
from typing import Any

import pytest
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from services.ledger.outcomes import NothingSent, Unclear, WriteRefused
from services.ledger.transactions import in_transaction
from tests.bookings.moving import failing as failing_on
from tests.world import World

SOON, BRIEF = 10.0, 1.0


def failing(world: World, mode: Any, command: str = "commitTransaction", **data: Any) -> AbstractContextManager[None]:
    return failing_on(world, mode, namespace=None, failCommands=[command], **data)


class Pair:
    """Two documents that belong together. `missing`: a step at which the writer stops with this error."""

    def __init__(self, world: World, missing: Exception | None = None) -> None:
        self.client = world.services.db.client
        self.documents = world.services.db["pairs"]
        self.ids = [f"{world.org}-{half}" for half in ("one", "other")]
        self._missing = missing
        self.attempts = 0
        self.documents.insert_one({})  # the collection is there before a transaction begins
        self.documents.delete_many({})

    def write(self, session: ClientSession | None) -> str:
        self.attempts += 1
        self.documents.insert_one({"_id": self.ids[0]}, session=session)
        if self._missing:
            raise self._missing
        self.documents.insert_one({"_id": self.ids[1]}, session=session)
        return "both"

    def there(self) -> list[str]:
        return sorted(each["_id"] for each in self.documents.find())

    def commit(self, seconds: float = SOON) -> str:
        return in_transaction(self.client, self.write, seconds)


def test_all_that_a_transaction_wrote_is_there_after_it(world: World) -> None:
    pair = Pair(world)
    assert pair.commit() == "both"
    assert pair.there() == pair.ids


def test_of_a_writer_that_stops_between_two_writes_nothing_is_there(world: World) -> None:
    pair = Pair(world, ValueError("stopped"))
    with pytest.raises(ValueError, match="stopped"):
        pair.commit()
    assert pair.there() == []


def test_without_a_transaction_the_first_half_is_there(world: World) -> None:
    pair = Pair(world, ValueError("stopped"))
    with pytest.raises(ValueError, match="stopped"):
        pair.write(None)
    assert pair.there() == pair.ids[:1]


def test_a_write_that_a_unique_index_refuses_takes_back_the_others(world: World) -> None:
    pair = Pair(world)
    pair.documents.insert_one({"_id": pair.ids[1]})
    with pytest.raises(DuplicateKeyError):
        pair.commit()
    assert pair.there() == pair.ids[1:]
    assert pair.attempts == 1


def test_a_transaction_that_meets_another_one_begins_again(world: World) -> None:
    pair, open_, closing = Pair(world), Event(), Event()

    def hold(session: ClientSession) -> None:
        pair.documents.insert_one({"_id": pair.ids[1]}, session=session)
        open_.set()
        assert closing.wait(SOON)
        raise ValueError("given up")

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(in_transaction, pair.client, hold, SOON)
        assert open_.wait(SOON)

        def write(session: ClientSession) -> str:
            if pair.attempts == 3:
                closing.set()
                other.exception()
            return pair.write(session)

        assert in_transaction(pair.client, write, SOON) == "both"
    assert pair.attempts > 3
    assert pair.there() == pair.ids


def test_a_transaction_that_meets_another_one_to_the_end_of_its_time_writes_nothing(world: World) -> None:
    pair = Pair(world)
    with pair.client.start_session() as session, session.start_transaction():
        pair.documents.insert_one({"_id": pair.ids[1]}, session=session)
        with pytest.raises(NothingSent):
            pair.commit(0.1)
        session.abort_transaction()
    assert pair.attempts > 1
    assert pair.there() == []


LOST: dict[str, dict[str, Any]] = {
    "lost on the way": {"closeConnection": True},
    "made without an answer": {"writeConcernError": {"code": 64, "errmsg": "no majority yet"}},
}


@pytest.mark.parametrize("data", LOST.values(), ids=LOST.keys())
def test_a_commit_whose_answer_is_lost_is_sent_again(world: World, data: dict[str, Any]) -> None:
    pair = Pair(world)
    with failing(world, {"times": 1}, **data):
        assert pair.commit() == "both"
    assert pair.there() == pair.ids
    assert pair.attempts == 1


def test_a_commit_that_is_never_answered_is_unclear(world: World) -> None:
    pair = Pair(world)
    with failing(world, "alwaysOn", closeConnection=True), pytest.raises(Unclear):
        pair.commit(BRIEF)


def test_a_commit_that_was_made_and_never_answered_is_unclear_and_there(world: World) -> None:
    pair, lost = Pair(world), LOST["made without an answer"]
    with failing(world, "alwaysOn", **lost), pytest.raises(Unclear):
        pair.commit(BRIEF)
    assert pair.there() == pair.ids


def test_without_a_store_nothing_was_sent(world: World) -> None:
    pair = Pair(world)
    with failing(world, "alwaysOn", command="insert", closeConnection=True), pytest.raises(NothingSent):
        pair.commit(BRIEF)
    assert pair.there() == []


def test_what_the_validator_refuses_takes_back_the_others(world: World) -> None:
    pair = Pair(world)

    def write(session: ClientSession) -> None:
        pair.documents.insert_one({"_id": pair.ids[0]}, session=session)
        world.services.db["bookings"].insert_one({"_id": pair.ids[0], "org": world.org}, session=session)

    with pytest.raises(WriteRefused):
        in_transaction(pair.client, write, SOON)
    assert pair.there() == []
