"""An import while clients book: the unique index decides for each line, and all other lines are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.errors import SlotBooked
from services.claims.mirror import ClashUnsettled
from services.ledger.schema import GUARD
from services.sheets.sheet import Unreadable
from services.stores.connections import connect_mongo, connect_redis
from tests.servers import MongoServer, RedisServer
from tests.transfer.office import Office
from tests.world import PATIENT, World, rfc3339, services_over, tomorrow

HOURS = (8, 10, 12, 14)


def rows(office: Office) -> list[dict[str, object]]:
    return [office.row(reference=f"order-{hour}", start=rfc3339(tomorrow(hour))) for hour in HOURS]


def overtake(office: Office) -> tuple[Callable[[str], None], list[str]]:
    """(a function for each phase that books the visit at noon once all lines are checked, the ids of its bookings)."""
    booked: list[str] = []

    def on_phase(phase: str) -> None:
        if phase == "writing bookings":
            request = office.world.direct_request(start=rfc3339(tomorrow(12)))
            confirmed = office.world.services.bookings.book(office.world.caller("desk"), request)
            booked.append(confirmed.booking.booking_id)

    return on_phase, booked


def test_only_the_lines_whose_slot_was_taken_meanwhile_are_refused(office: Office) -> None:
    on_phase, booked = overtake(office)
    problems = office.book(*rows(office), on_phase=on_phase)
    assert problems == [f"bookings.csv:4: Not written, because booking {booked[0]} has taken the slot meanwhile."]
    assert office.status == 1
    assert "1 problem: other clients were faster. All other lines are written." in office.output
    assert len(office.world.bookings()) == 4
    assert office.world.double_booked() == []
    assert len(office.world.marks()) == 32


@pytest.fixture
def unguarded(stores: tuple[RedisServer, MongoServer], tmp_path: Path) -> Iterator[Office]:
    """An office whose database has lost its unique index."""
    redis, mongo = stores
    client, db = connect_redis(redis.url, PATIENT), connect_mongo(mongo.url, "holdfast_unguarded", PATIENT)
    world = World(services_over(client, db))
    office = Office(world, tmp_path)
    db["bookings"].drop_index(GUARD)
    yield office
    world.services.access.close()
    db.client.drop_database("holdfast_unguarded")
    db.client.close()
    client.close()


def test_without_the_unique_index_the_same_run_books_a_slot_twice(unguarded: Office) -> None:
    with pytest.raises(ClashUnsettled):
        unguarded.book(*rows(unguarded), on_phase=overtake(unguarded)[0])
    assert unguarded.world.double_booked() != []


def test_a_second_run_reports_the_refused_line_and_writes_nothing(office: Office) -> None:
    office.book(*rows(office), on_phase=overtake(office)[0])
    problems = office.book(*rows(office))
    assert {problem.split(": ")[0] for problem in problems} == {"bookings.csv:4"}
    assert "nothing was written" in office.output


@pytest.mark.parametrize("start", ["never", "2031-01-01T10:00:00Z"])
def test_a_file_that_changes_between_the_readings_is_not_written(office: Office, start: str) -> None:
    path = office.file("b.csv", rows(office))

    def change(phase: str) -> None:
        if phase == "writing bookings":
            office.file("b.csv", [office.row(reference="unchecked", start=start), *rows(office)])

    with pytest.raises(Unreadable, match="was changed"):
        office.run(bookings=path, on_phase=change)
    assert office.world.bookings() == []


def test_an_imported_booking_takes_the_slot_of_a_live_hold(office: Office) -> None:
    hold = office.world.services.holds.place(office.world.caller(), office.world.hold_request()).hold
    assert office.book(office.row()) == []
    assert all(mark.startswith("booked") for mark in office.world.marks().values())
    request = office.world.book_request(hold_id=hold.hold_id)
    with pytest.raises(SlotBooked):
        office.world.services.bookings.book(office.world.caller(), request)
    assert len(office.world.bookings()) == 1
