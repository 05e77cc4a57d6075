"""What the office does with customers, on real stores: correct, merge, erase and export."""

from __future__ import annotations

from typing import Any

import pytest

from models.customers import CustomerPatch, CustomerQuery, CustomerRecord, PersonRequest
from models.errors import AlreadyExists, InvalidRequest, NotFound, VersionConflict
from tests.customers.keeping import ANN, BEN, book, customer_of, keep, listed, names, read
from tests.world import World

BY_PHONE = PersonRequest(phone="0045-12345678")


@pytest.fixture
def world(lonely_world: World) -> World:
    """A world alone in its database, whose relay has begun to follow the log."""
    keep(lonely_world)
    return lonely_world


def correct(world: World, customer_id: str, version: int | None = None, **changed: Any) -> CustomerRecord:
    given = CustomerPatch.model_validate(changed)
    return world.services.customers.patch(world.caller("desk"), customer_id, given, version)


def merge(world: World, customer_id: str, into: str) -> CustomerRecord:
    return world.services.customers.merge(world.caller("desk"), customer_id, into)


def both(world: World) -> tuple[str, str]:
    """The ids of Ann and Ben, each with a visit."""
    bookings = book(world, 8, ANN), book(world, 9, BEN)
    keep(world)
    ann, ben = (customer_of(world, each) for each in bookings)
    assert ann
    assert ben
    return ann, ben


def stored(world: World) -> str:
    return repr([list(world.services.db[name].find()) for name in ("bookings", "customers", "meta", "relay_state")])


def test_the_office_corrects_a_customer(world: World) -> None:
    ann, _ = both(world)
    changed = correct(world, ann, name="Anne Marker", phone="+45 55 55 55 55", email=None, notes="A dog.")
    assert (changed.name, changed.phone, changed.email, changed.notes) == (
        "Anne Marker",
        "+45 55 55 55 55",
        None,
        "A dog.",
    )
    assert read(world, ann).record == changed
    assert correct(world, ann, notes="A dog.") == changed
    assert correct(world, ann, phone=None, notes=None).phone is None


def test_a_correction_stands_until_a_newer_booking_says_otherwise(world: World) -> None:
    ann, _ = both(world)
    correct(world, ann, name="Anne Marker")
    world.services.db["relay_state"].delete_many({})
    keep(world)
    assert read(world, ann).record.name == "Anne Marker"
    book(world, 12, ANN | {"name": "Ann Newer"})
    keep(world)
    assert read(world, ann).record.name == "Ann Newer"


def test_later_bookings_with_a_corrected_phone_are_of_the_same_customer(world: World) -> None:
    ann, ben = both(world)
    correct(world, ann, phone="+45 55 55 55 55")
    later = book(world, 12, {"name": "Ann", "phone": "0045 55555555"})
    keep(world)
    assert customer_of(world, later) == ann
    assert read(world, ann).record.visits == 2
    with pytest.raises(AlreadyExists):
        correct(world, ben, phone="+45 12345678")


def test_a_stale_version_changes_nothing(world: World) -> None:
    ann, _ = both(world)
    version = read(world, ann).record.version
    assert correct(world, ann, version, notes="One").version == version + 1
    with pytest.raises(VersionConflict):
        correct(world, ann, version, notes="Two")
    assert read(world, ann).record.notes == "One"


def test_a_merge_keeps_the_id_and_the_bookings_of_both(world: World) -> None:
    ann, ben = both(world)
    correct(world, ann, notes="A dog.")
    correct(world, ben, notes="A cat.")
    whole = merge(world, ann, ben)
    assert (whole.customer_id, whole.name, whole.visits, whole.notes) == (ben, "Ben Other", 2, "A cat.\nA dog.")
    assert whole.email == ANN["email"]
    assert len(read(world, ben).bookings) == 2
    with pytest.raises(NotFound):
        read(world, ann)
    with pytest.raises(NotFound):
        merge(world, ann, ben)
    later = book(world, 12, {"name": "Ann", "phone": "0045 12345678"})
    keep(world)
    assert customer_of(world, later) == ben
    assert [each.visits for each in listed(world)] == [3]


def test_a_merge_with_itself_or_with_nobody_is_refused(world: World) -> None:
    ann, ben = both(world)
    with pytest.raises(InvalidRequest):
        merge(world, ann, ann)
    with pytest.raises(NotFound):
        merge(world, ann, "cu_nobody")
    rival = world.services.access.authenticate(world.rival_key)
    with pytest.raises(NotFound):
        world.services.customers.merge(rival, ann, ben)
    assert len(listed(world)) == 2


def test_bookings_come_page_by_page_the_latest_first(world: World) -> None:
    bookings = [book(world, number, ANN if number % 2 else BEN) for number in range(9)]
    keep(world)
    ids = [customer_of(world, each) for each in bookings[:2]]
    merge(world, str(ids[0]), str(ids[1]))
    query, seen = CustomerQuery(limit=4), list[str]()
    while True:
        found = world.services.customers.get(world.caller("desk"), str(ids[1]), query)
        seen += [each.booking_id for each in found.bookings]
        if found.next_cursor is None:
            break
        query = CustomerQuery(limit=4, cursor=found.next_cursor)
    assert seen == [each.booking_id for each in reversed(bookings)]
    with pytest.raises(InvalidRequest):
        world.services.customers.get(world.caller("desk"), str(ids[1]), CustomerQuery(cursor="nonsense"))


def test_an_erased_person_is_no_customer_any_more(world: World) -> None:
    ann, ben = both(world)
    correct(world, ann, notes="Ann Marker has a dog.")
    erased = world.services.personal_data.erase_person(world.caller("admin"), BY_PHONE)
    assert (erased.bookings, erased.customers) == (1, 1)
    keep(world)
    assert [each.customer_id for each in listed(world)] == [ben]
    assert not [text for text in ("Marker", "marker", "12345678", "12 34 56 78", "dog") if text in stored(world)]
    again = world.services.personal_data.erase_person(world.caller("admin"), BY_PHONE)
    assert (again.bookings, again.customers) == (0, 0)


def test_the_rest_of_a_household_stays_a_customer_without_the_notes(world: World) -> None:
    book(world, 8, BEN)
    book(world, 9, BEN | {"name": "Ann Marker", "email": ANN["email"]})
    keep(world)
    (before,) = listed(world)
    correct(world, before.customer_id, notes="Ann Marker has a dog.")
    by_email = PersonRequest(email=str(ANN["email"]))
    assert world.services.personal_data.erase_person(world.caller("admin"), by_email).customers == 1
    keep(world)
    (after,) = listed(world)
    assert (after.customer_id, after.name, after.email, after.notes, after.visits) == (
        before.customer_id,
        "Ben Other",
        None,
        None,
        1,
    )
    assert not [text for text in ("Marker", "marker", "dog") if text in stored(world)]


def test_an_email_that_another_customer_owns_is_erased_too(world: World) -> None:
    _, ben = both(world)
    correct(world, ben, email=ANN["email"])
    by_email = PersonRequest(email=str(ANN["email"]))
    assert world.services.personal_data.erase_person(world.caller("admin"), by_email).customers == 2
    assert (names(world), read(world, ben).record.email) == (["Ben Other"], None)
    assert "marker" not in stored(world)


def test_with_the_last_booking_of_a_customer_the_customer_is_erased(world: World) -> None:
    first, second = book(world, 8, ANN), book(world, 9, ANN)
    keep(world)
    admin, desk = world.caller("admin"), world.services.personal_data
    desk.erase_booking(admin, first.booking_id)
    assert [(each.name, each.visits) for each in listed(world)] == [("Ann Marker", 1)]
    assert desk.erase_booking(admin, second.booking_id).customers == 1
    assert listed(world) == []


def test_an_export_has_the_customer_with_the_notes(world: World) -> None:
    ann, _ = both(world)
    correct(world, ann, notes="A dog.")
    held = world.services.personal_data.export_person(world.caller("admin"), BY_PHONE)
    assert [(each.customer_id, each.notes, each.visits) for each in held.customers] == [(ann, "A dog.", 1)]
