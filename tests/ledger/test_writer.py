"""Requests whose documents go to MongoDB in one command each get the outcome of their own document."""

from __future__ import annotations

from typing import Any

import pytest
from bson.timestamp import Timestamp

from models.booking import Booking
from models.errors import StoreUnavailable
from scripts.dev_server.child import wait_until
from services.ledger import writer
from services.ledger.documents import document_of
from services.ledger.outcomes import NothingSent, WriteRefused
from services.ledger.store import BookingStore
from services.observability import Metrics
from services.settings import StoreTimeouts
from services.stores.connections import connect_mongo
from services.stores.faults import StoreTrouble
from tests.ledger.batching import (
    SOON,
    Ending,
    alone,
    booking,
    crowd,
    ending,
    failing_inserts,
    patient,
    together,
)
from tests.world import World

RETRIED = {"errorCode": 262, "errorLabels": ["RetryableWriteError"]}
NO_MAJORITY = {"writeConcernError": {"code": 64, "errmsg": "no majority in time"}}
TOO_LONG = "x" * (writer.LARGEST_BYTES + 1)
UNSENDABLE = {
    "too large": {"description": TOO_LONG},
    "no such number": {"duration_minutes": 2**70},
    "no text": {"customer": {"name": "\ud800"}},
}


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)


def mixed(world: World) -> tuple[list[Booking], list[Ending]]:
    """Bookings of every kind for one batch, and how the insert of each must end."""
    store = BookingStore(world.services.db, 15)
    there, earlier = booking(world, 1), booking(world, 2)
    assert {store.insert(there).outcome, store.insert(earlier).outcome} == {"inserted"}
    first, second = booking(world, 3), booking(world, 4)
    wishes: list[tuple[Booking, Ending]] = [
        (first, "inserted"),
        (booking(world, 1), "taken"),
        (second, "inserted"),
        (booking(world, 3), "taken"),
        (booking(world, 5, claims=()), WriteRefused),
        (second, "repeated"),
        (earlier, "repeated"),
        (booking(world, 6, **UNSENDABLE["no such number"]), WriteRefused),
        (booking(world, 6), "inserted"),
    ]
    return [each for each, _ in wishes], [end for _, end in wishes]


def stored(world: World) -> list[str]:
    return sorted(document["_id"] for document in world.bookings())


def test_the_metrics_have_the_size_of_each_batch(world: World) -> None:
    metrics = Metrics()
    with crowd(world, BookingStore(world.services.db, 15, note_batch=metrics.batches.observe)) as made:
        asked = made.insert(*(booking(world, hour) for hour in (1, 2, 3)))
        made.gate.opened.set()
        assert [ending(each) for each in asked] == ["inserted"] * 3
    name = "holdfast_insert_batch_size"
    assert [metrics.registry.get_sample_value(f"{name}_{each}") for each in ("count", "sum")] == [2, 4]


def test_every_document_of_a_batch_has_its_own_outcome(world: World) -> None:
    bookings, expected = mixed(world)
    before = stored(world)
    assert together(world, *bookings) == expected
    new = [each.booking_id for each, end in zip(bookings, expected, strict=True) if end == "inserted"]
    assert stored(world) == sorted([*before, *new])
    assert world.double_booked() == []


def test_with_one_outcome_for_a_batch_most_requests_would_be_wrong(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: all documents share the first error."""

    def share(batch: list[Any], error: Any) -> None:
        for each in batch:
            each.ends(writer._refusal(error.details["writeErrors"][0]), error)

    monkeypatch.setattr(writer, "_sort_out", share)
    bookings, expected = mixed(world)
    assert together(world, *bookings) != expected


@pytest.mark.parametrize("what", UNSENDABLE)
def test_what_cannot_be_sent_is_refused_before_it_waits(world: World, what: str) -> None:
    bad, good = booking(world, 1, **UNSENDABLE[what]), booking(world, 1)
    assert alone(world, bad) == [WriteRefused]
    assert together(world, bad, good) == [WriteRefused, "inserted"]


def test_each_kind_of_outcome_is_the_same_without_others(world: World) -> None:
    first = booking(world, 1)
    for made, expected in (
        (first, "inserted"),
        (first, "repeated"),
        (booking(world, 1), "taken"),
        (booking(world, 2, claims=()), WriteRefused),
    ):
        assert alone(world, made) == [expected]


@pytest.mark.parametrize("others", [0, 2], ids=["alone", "in a batch"])
def test_mongodb_gets_the_document_as_it_is_and_puts_the_time_of_its_log_into_it(world: World, others: int) -> None:
    wanted = booking(world, 9)
    if others:
        together(world, wanted, *(booking(world, hour) for hour in range(others)))
    else:
        alone(world, wanted)
    (found,) = world.bookings(_id=wanted.booking_id)
    changed = found.pop("changed")
    assert isinstance(changed, Timestamp)
    assert changed.time > 0
    sent = document_of(wanted)
    del sent["changed"]
    assert found == sent
    assert [*found] == [*sent]


def test_after_an_error_of_the_write_concern_each_request_reads_its_own_booking_back(world: World) -> None:
    bookings, expected = mixed(world)
    with failing_inserts(world, {"times": 1}, **NO_MAJORITY):
        assert together(world, *bookings) == expected


def test_without_reading_back_an_inserted_booking_would_be_lost_to_its_client(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""

    def give_up(_store: BookingStore, _booking: Booking, cause: Exception) -> Booking:
        raise StoreUnavailable from cause

    monkeypatch.setattr(BookingStore, "_read_back", give_up)
    bookings = [booking(world, hour) for hour in range(3)]
    with failing_inserts(world, {"times": 1}, **NO_MAJORITY):
        assert together(world, *bookings) == [StoreUnavailable] * 3
    assert stored(world) == sorted(each.booking_id for each in bookings)


@pytest.mark.parametrize("fault", [{"closeConnection": True}, RETRIED], ids=["connection lost", "error to retry"])
def test_one_fault_that_pymongo_may_retry_is_mended(world: World, fault: dict[str, Any]) -> None:
    bookings, expected = mixed(world)
    with failing_inserts(world, {"times": 1}, **fault):
        assert together(world, *bookings) == expected


@pytest.mark.parametrize(
    "fault",
    [{"closeConnection": True}, RETRIED, {"errorCode": 11601}],
    ids=["connections lost", "errors to retry", "interrupted"],
)
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.usefixtures("brief_writes")
def test_after_a_fault_that_lasts_the_outcome_of_each_is_open(world: World, fault: dict[str, Any], size: int) -> None:
    bookings = [booking(world, hour) for hour in range(size)]
    with failing_inserts(world, **fault):
        endings = together(world, *bookings) if size > 1 else alone(world, bookings[0])
    assert endings == [StoreUnavailable] * size
    assert stored(world) == []


@pytest.mark.usefixtures("brief_writes")
def test_where_no_mongodb_is_reached_nothing_was_sent_for_any_of_them(world: World) -> None:
    nowhere, brief = "mongodb://127.0.0.1:1/?directConnection=true", StoreTimeouts(mongo_connect_seconds=0.05)
    away = connect_mongo(nowhere, world.services.db.name, brief)
    store = BookingStore(away, 15)
    store._grid_is_ours = True
    assert alone(world, booking(world, 1), store) == [NothingSent]
    with crowd(world, store) as made:
        asked = made.insert(*(booking(world, hour) for hour in range(3)))
        made.gate.opened.set()
        assert [ending(each) for each in asked] == [NothingSent] * 3
    assert wait_until(lambda: not store._writer._under_way, seconds=SOON)
    away.client.close()


@pytest.mark.usefixtures("brief_writes")
def test_the_app_of_a_request_learns_of_its_failed_insert(world: World) -> None:
    trouble = StoreTrouble()

    def watched() -> Any:
        with trouble.watch():
            return made.store.insert(booking(world, 1))

    with crowd(world) as made, failing_inserts(world, closeConnection=True):
        asked = [made.ask(watched), *made.insert(booking(world, 2))]
        assert not trouble.lately()
        made.gate.opened.set()
        assert [ending(each) for each in asked] == [StoreUnavailable] * 2
    assert trouble.lately()


class _Exhausted:
    """A client of pymongo that cannot start the threads with which it seeks a primary."""

    @property
    def is_primary(self) -> bool:
        raise RuntimeError("can't start new thread")


def test_an_unknown_fault_while_a_primary_is_sought_leaves_no_request_without_an_answer(world: World) -> None:
    bookings = [booking(world, hour) for hour in range(2)]
    with crowd(world) as made:
        made.store._writer._client = _Exhausted()  # type: ignore[assignment]
        asked = made.insert(*bookings)
        made.gate.opened.set()
        assert [ending(each) for each in asked] == ["inserted"] * 2
    assert wait_until(lambda: not made.store._writer._under_way, seconds=SOON)
