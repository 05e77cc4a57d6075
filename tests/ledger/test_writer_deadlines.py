"""A request leaves at its own deadline, whatever its batch does; a batch that stalls stops no other for long."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from models.booking import Booking
from models.errors import StoreUnavailable
from scripts.dev_server.child import wait_until
from services.ledger import writer
from services.ledger.outcomes import Insert, NothingSent
from services.stores.faults import StoreTrouble
from tests.ledger.batching import SOON, Crowd, booking, crowd, ending, failing_inserts, patient
from tests.own_time import own_time
from tests.servers import MongoServer, RedisServer
from tests.world import DATABASE, World

SHORT = 0.4


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)


def within(seconds: float, made: Crowd, wanted: Booking) -> Callable[[], Insert]:
    """An insert of a request with so much time. It must leave soon after."""

    def act() -> Insert:
        with StoreTrouble().watch_for(seconds, 0), own_time() as passed:
            try:
                return made.store.insert(wanted)
            finally:
                assert passed() < 2 * seconds

    return act


def is_stored(world: World, wanted: Booking) -> bool:
    return bool(world.bookings(_id=wanted.booking_id))


def test_a_request_whose_time_is_up_leaves_and_the_others_of_its_batch_are_inserted(world: World) -> None:
    hasty, first, second = (booking(world, hour) for hour in range(3))
    blocked = failing_inserts(world, {"times": 1}, blockConnection=True, blockTimeMS=int(SHORT * 4000))
    with crowd(world) as made, blocked:
        asked = [made.ask(within(SHORT, made, hasty)), *made.insert(first, second)]
        made.gate.opened.set()
        assert ending(asked[0]) is StoreUnavailable
        assert not asked[1].done()
        assert [ending(each) for each in asked[1:]] == ["inserted", "inserted"]
    assert made.gate.batches == [1, 3]
    assert is_stored(world, hasty)


def test_a_request_that_leaves_while_its_document_waits_has_sent_nothing(world: World) -> None:
    hasty, other = booking(world, 1), booking(world, 2)
    with crowd(world) as made:
        asked = [made.ask(within(SHORT, made, hasty)), *made.insert(other)]
        assert ending(asked[0]) is NothingSent
        made.gate.opened.set()
        assert ending(asked[1]) == "inserted"
    assert not is_stored(world, hasty)


def beside_a_stalled_batch(made: Crowd, world: World) -> list[Future[Insert]]:
    """Requests that come while a batch stalls, and are to be answered all the same."""
    asked = made.insert(booking(world, 1), booking(world, 2))
    wait_until(lambda: all(each.done() for each in asked), seconds=2)
    return asked


def test_a_batch_that_stalls_does_not_hold_up_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with crowd(world) as made:
        monkeypatch.setattr(writer, "PATIENCE_SECONDS", 0.05)
        asked = beside_a_stalled_batch(made, world)
        assert [ending(each) for each in asked] == ["inserted", "inserted"]
        assert not made.gate.opened.is_set()
    assert wait_until(lambda: not made._writer._under_way, seconds=SOON)


def test_without_a_second_batch_they_would_wait_for_the_stalled_one(world: World) -> None:
    """The negative control: no document becomes impatient."""
    with crowd(world) as made:
        assert not any(each.done() for each in beside_a_stalled_batch(made, world))


def test_no_more_batches_stall_than_may(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PATIENCE_SECONDS", 0.01)
    blocked = failing_inserts(world, blockConnection=True, blockTimeMS=1000)
    with crowd(world) as made, blocked:
        asked = [made.ask(within(SHORT, made, booking(world, hour))) for hour in range(writer.MOST_BATCHES + 3)]
        endings = [ending(each) for each in asked]
    assert sum(end is StoreUnavailable for end in endings) >= writer.MOST_BATCHES - 1
    assert set(endings) <= {StoreUnavailable, NothingSent}
    assert max(made.gate.at_once) <= writer.MOST_BATCHES
    assert wait_until(lambda: not made._writer._under_way, seconds=SOON)


def test_a_full_queue_takes_no_further_document(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING", 2)
    with crowd(world) as made:
        asked = made.insert(*(booking(world, hour) for hour in range(3)))
        assert ending(asked[2]) is NothingSent
        made.gate.opened.set()
        assert [ending(each) for each in asked[:2]] == ["inserted", "inserted"]


UNDER_GEVENT = """
import gevent.monkey; gevent.monkey.patch_all()
import sys, secrets, time
from contextvars import copy_context
from datetime import timedelta
import gevent
from services.ledger import writer
from services.ledger.store import BookingStore
from services.stores.connections import connect_mongo
from services.stores.faults import StoreTrouble
from tests.bookings.sample import sample
from tests.world import PATIENT, tomorrow

url, database, org, shared = sys.argv[1:]
if shared: writer.Context = copy_context
BookingStore.write_seconds = writer.PATIENCE_SECONDS = 10
store = BookingStore(connect_mongo(url, database, PATIENT), 15)
store.check_grid()

def insert(hour, seconds):
    made = sample(tomorrow(0) + timedelta(hours=hour), org=org, booking_id="bk_" + secrets.token_hex(8))
    with StoreTrouble().watch_for(seconds, 0):
        try:
            return store.insert(made).outcome
        except Exception as error:
            return type(error).__name__

hasty = gevent.spawn(insert, 1, 1.0)
others = [gevent.spawn(insert, hour, 10) for hour in (2, 3, 4)]
print(hasty.get(), *(each.get() for each in others))
"""


def under_gevent(stores: tuple[RedisServer, MongoServer], world: World, *, shared: str = "") -> list[str]:
    """The outcomes of four inserts in a process that gevent has patched. The first has a second and is quick; the batch
    of the others takes longer than that."""
    argv = [sys.executable, "-c", UNDER_GEVENT, stores[1].url, DATABASE, world.org, shared]
    with failing_inserts(world, {"skip": 1}, blockConnection=True, blockTimeMS=2500):
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=3 * SOON).stdout.split()


def test_under_gevent_a_batch_has_more_time_than_the_request_that_began_it(
    stores: tuple[RedisServer, MongoServer], world: World
) -> None:
    assert under_gevent(stores, world) == ["inserted"] * 4


def test_in_the_context_of_that_request_the_batch_would_end_too_early(
    stores: tuple[RedisServer, MongoServer], world: World
) -> None:
    """The negative control: a greenlet begins in the context of the one that starts it."""
    assert under_gevent(stores, world, shared="shared") == ["inserted", *["StoreUnavailable"] * 3]
