"""The relay finds or makes the customer of each booking, on real stores."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from models.catalogue import PolicyPatch
from scripts.dev_server.child import wait_until
from services import Services
from services.customers import registry
from services.customers.records import MOST_KEYS
from services.customers.store import GUARD, CustomerStore
from services.ledger.customer_visits import CustomerVisits, Seen
from services.relay import customers as rounds
from tests.bookings.evidence import another_server, lose_redis
from tests.customers.keeping import ANN, BEN, book, customer_of, keep, listed, names, patch, read
from tests.world import World

PLAIN = {"name": "Ann Marker"}


@pytest.fixture
def world(lonely_world: World) -> World:
    """A world alone in its database, whose relay has begun to follow the log."""
    keep(lonely_world)
    return lonely_world


@contextmanager
def running(*relays: Services) -> Iterator[None]:
    threads = [threading.Thread(target=each.relay.run) for each in relays]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for each in relays:
            each.relay.stop()
        for thread in threads:
            thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def test_a_running_relay_finds_the_customer_of_a_booking(world: World) -> None:
    with running(world.services):
        booking = book(world, 8, ANN)
        assert wait_until(lambda: customer_of(world, booking) is not None, seconds=30)
    (found,) = listed(world)
    assert (found.name, found.phone, found.email, found.notes, found.visits) == (*ANN.values(), None, 1)
    assert customer_of(world, booking) == found.customer_id


def test_two_spellings_of_one_number_are_one_customer(world: World) -> None:
    spellings = ("+45 12 34 56 78", "0045-12345678", "tel:+4512345678", "+45 (12) 345678 ext. 5")
    bookings = [book(world, number, PLAIN | {"phone": phone}) for number, phone in enumerate(spellings)]
    keep(world)
    (found,) = listed(world)
    assert found.visits == len(spellings)
    assert {customer_of(world, each) for each in bookings} == {found.customer_id}


def test_a_number_without_a_country_code_has_that_of_the_policy(world: World) -> None:
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(country="DK"))
    book(world, 8, PLAIN | {"phone": "12 34 56 78"})
    book(world, 9, PLAIN | {"phone": "+45 12345678"})
    keep(world)
    assert [each.visits for each in listed(world)] == [2]


def test_a_booking_without_phone_and_email_has_no_customer(world: World) -> None:
    booking = book(world, 8, PLAIN)
    keep(world)
    assert (listed(world), customer_of(world, booking)) == ([], None)


def test_the_phone_decides_before_the_email(world: World) -> None:
    ann = book(world, 8, ANN)
    other_phone = book(world, 9, ANN | {"phone": BEN["phone"]})
    by_email = book(world, 10, {"name": "Ann", "email": "ANN.Marker@example.com"})
    keep(world)
    assert len(listed(world)) == 2
    assert customer_of(world, ann) == customer_of(world, by_email) != customer_of(world, other_phone)


def test_a_customer_with_an_email_alone_gets_the_phone_of_a_later_booking(world: World) -> None:
    first = book(world, 8, {"name": "Ann", "email": ANN["email"]})
    keep(world)
    second = book(world, 9, ANN)
    keep(world)
    (found,) = listed(world)
    assert (found.phone, found.visits) == (ANN["phone"], 2)
    assert customer_of(world, first) == customer_of(world, second) == found.customer_id


def test_a_household_shares_a_customer_and_shows_the_newest_name(world: World) -> None:
    book(world, 12, ANN)
    book(world, 8, ANN | {"name": "Ann's husband"})
    keep(world)
    assert names(world) == ["Ann's husband"]


def test_an_older_booking_that_comes_late_does_not_name_the_customer(world: World) -> None:
    older, newer = book(world, 8, ANN), book(world, 9, ANN | {"name": "Newer"})
    found = registry.Registry(CustomerStore(world.services.db), CustomerVisits(world.services.db))
    found.keep([newer.booking_id])
    found.keep([older.booking_id])
    assert names(world) == ["Newer"]


def test_a_booking_with_another_phone_belongs_to_the_other_customer(world: World) -> None:
    ben, passed_on = book(world, 8, BEN), book(world, 9, ANN)
    keep(world)
    before = customer_of(world, passed_on)
    patch(world, passed_on, customer=BEN)
    keep(world)
    assert customer_of(world, passed_on) == customer_of(world, ben) != before
    assert {each.name: each.visits for each in listed(world)} == {"Ann Marker": 0, "Ben Other": 2}


def test_cancelled_and_expired_bookings_are_no_visits_but_are_shown(world: World) -> None:
    book(world, 8, ANN)
    cancelled = book(world, 9, ANN)
    world.services.booking_life.act(world.caller("desk"), cancelled.booking_id, "cancel", None, None)
    keep(world)
    (found,) = listed(world)
    assert found.visits == 1
    assert read(world, found.customer_id).bookings[0].booking_id == cancelled.booking_id


def test_finding_a_customer_changes_no_booking(world: World) -> None:
    booking = book(world, 8, ANN)
    before = world.bookings()
    keep(world)
    assert customer_of(world, booking)
    assert world.bookings() == before


def test_another_org_has_customers_of_its_own(world: World) -> None:
    booking = book(world, 8, ANN)
    keep(world)
    copy = world.bookings()[0] | {"_id": "bk_copy", "org": world.other_org}
    world.services.db["bookings"].insert_one(copy)
    keep(world)
    stored = list(world.services.db["customers"].find())
    assert sorted(each["org"] for each in stored) == sorted([world.org, world.other_org])
    assert len(listed(world)) == 1
    assert customer_of(world, booking) == listed(world)[0].customer_id


def test_a_relay_that_was_away_reads_on_where_it_stopped(world: World) -> None:
    booking = book(world, 8, ANN)
    lose_redis(world)
    next_one = another_server(world)
    keep(world, next_one)
    next_one.access.close()
    assert customer_of(world, booking) is not None


def test_a_lost_resume_token_loses_no_customer(world: World) -> None:
    booking = book(world, 8, ANN)
    world.services.db["relay_state"].delete_many({})
    keep(world)
    assert customer_of(world, booking) is not None


def test_the_walk_comes_to_bookings_of_an_earlier_release_step_by_step(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "STEP", 2)
    for number in range(5):
        book(world, number, {"name": f"Guest {number}", "phone": f"+45 1000000{number}"})
    world.services.db["bookings"].update_many({}, {"$unset": {"customer_key": ""}})
    world.services.prepare()
    world.services.db["relay_state"].delete_many({})
    counts = []
    for _ in range(4):
        keep(world)
        counts.append(len(listed(world)))
    assert counts == [2, 4, 5, 5]
    assert [each.visits for each in listed(world)] == [1] * 5
    assert CustomerStore(world.services.db).walked_to() is None


def test_a_visit_that_is_long_past_gets_its_customer_too(world: World) -> None:
    booking = book(world, 8, ANN)
    early = {"start": booking.start.replace(year=2001), "end": booking.end.replace(year=2001)}
    world.services.db["bookings"].update_one({"_id": booking.booking_id}, {"$set": early})
    keep(world)
    assert customer_of(world, booking) is not None


def test_many_emails_of_one_phone_do_not_join_its_customer_without_end(world: World) -> None:
    seen = [book(world, number, ANN | {"email": f"guest{number}@example.com"}) for number in range(12)]
    documents = [
        {**document, "_id": f"bk_{number}", "claims": [], "active": False, "status": "cancelled"}
        for number in range(MOST_KEYS + 9)
        for document in [world.bookings(_id=seen[0].booking_id)[0]]
    ]
    for number, document in enumerate(documents):
        document["customer"] = ANN | {"email": f"agent{number}@example.com"}
    world.services.db["bookings"].insert_many(documents)
    keep(world)
    (stored,) = world.services.db["customers"].find()
    assert len(stored["keys"]) == MOST_KEYS


def race(world: World, hour: int = 8) -> list[dict[str, Any]]:
    """Two relays, each of which has seen that a customer is missing before one of them makes it."""
    booking = book(world, hour, ANN)
    looked = threading.Barrier(2, timeout=20)

    class Slow(CustomerStore):
        waited = False

        def write(self, changes: Any) -> bool:
            if not self.waited:
                self.waited = True
                looked.wait()
            return super().write(changes)

    db = world.services.db
    relays = [registry.Registry(Slow(db), CustomerVisits(db)) for _ in range(2)]
    threads = [threading.Thread(target=each.keep, args=([booking.booking_id],)) for each in relays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return list(db["customers"].find())


def test_two_relays_never_make_two_customers_for_one_person(world: World) -> None:
    for hour in range(5):
        assert len(race(world, hour)) == 1
        world.services.db["customers"].delete_many({})


def test_without_the_index_two_relays_make_two(world: World) -> None:
    """The negative control: the same race with the guard off."""
    world.services.db["customers"].drop_index(GUARD)
    try:
        assert len(race(world)) == 2
    finally:
        world.services.db["customers"].delete_many({})
        world.services.prepare()


def test_two_whole_relays_make_one_customer_for_each_person(world: World) -> None:
    other = another_server(world)
    with running(world.services, other):
        bookings = [book(world, number, ANN if number % 2 else BEN) for number in range(20)]
        assert wait_until(lambda: all(customer_of(world, each) for each in bookings), seconds=20)
    other.access.close()
    assert {each.name: each.visits for each in listed(world)} == {"Ann Marker": 10, "Ben Other": 10}


def test_a_booking_that_is_erased_while_its_customer_is_made_leaves_no_customer(world: World) -> None:
    booking = book(world, 8, ANN)
    store, visits = CustomerStore(world.services.db), CustomerVisits(world.services.db)

    class Late(CustomerVisits):
        def seen(self, booking_ids: Any) -> list[Seen]:
            found = visits.seen(booking_ids)
            world.services.personal_data.erase_booking(world.caller("admin"), booking.booking_id)
            return found

    registry.Registry(store, Late(world.services.db)).keep([booking.booking_id])
    assert list(world.services.db["customers"].find()) == []


def test_no_log_names_a_customer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    book(world, 8, ANN)
    # A logger that was used before may write elsewhere.
    monkeypatch.setattr(rounds, "log", structlog.get_logger())
    with capture_logs() as lines:
        world.services.db["relay_state"].delete_many({})
        keep(world)
    assert "customers_walk_begun" in [each["event"] for each in lines]
    assert not [text for text in ("Marker", "12345678", "34 56", "ann.marker") if text in repr(lines)]
