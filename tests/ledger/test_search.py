"""Searches of bookings on a real mongod: what a text finds, and that an index finds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.booking import Booking, Customer
from models.booking_changes import BookingPatch
from models.booking_lists import BookingQuery
from services.ledger.documents import document_of
from services.ledger.filling import STEP
from services.ledger.listing import BookingList
from services.ledger.search import LONGEST_KEY
from tests.bookings.sample import sample
from tests.ledger.test_listing import stages
from tests.world import World, tomorrow

CAST = {
    "anna": {"name": "Anna María O'Brien-Sørensen", "phone": "+45 (12) 34 56 78"},
    "bjorn": {"name": "Björn Þórsson", "phone": "020 7946 0958"},
    "anders": {"name": "ANDERS Müller", "phone": "555 1234 ext. 9"},
    "long": {"name": "Maximilianus Featherstonehaugh-Cholmondeley", "email": "anna@example.com"},
    "wang": {"name": "王小明"},
}
"""Bookings by their ids, an hour apart."""


def put(world: World, cast: dict[str, dict[str, Any]] = CAST, **changed: Any) -> None:
    bookings = [
        sample(
            tomorrow(0) + timedelta(hours=number),
            booking_id=f"bk_{world.org}_{name}",
            org=world.org,
            property_id=f"prop-{name}",
            customer=Customer(**customer).record("GB"),
            made_by=world.caller("desk").key_id,
            **changed,
        )
        for number, (name, customer) in enumerate(cast.items())
    ]
    world.services.db["bookings"].insert_many([document_of(each) for each in bookings])


def name_in(booking: Booking) -> str:
    return booking.booking_id.rpartition("_")[2]


def found(world: World, text: str, **further: Any) -> list[str]:
    query = BookingQuery.model_validate({"q": text, **further})
    page, _ = BookingList(world.services.db).page(world.org, query)
    return [name_in(booking) for booking in page]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("anna", ["anna"]),
        ("AN", ["anna", "anders"]),
        ("maria", ["anna"]),
        ("María", ["anna"]),
        ("obrien", ["anna"]),
        ("O\u2019Brien", ["anna"]),
        ("sorensen", ["anna"]),
        ("anna sør", ["anna"]),
        ("sor an", ["anna"]),
        ("anna müller", []),
        ("bjorn", ["bjorn"]),
        ("thorsson", ["bjorn"]),
        ("nna", []),
        ("featherstoneh", ["long"]),
        ("featherstonex", []),
        ("maximilianus chol", ["long"]),
        ("王小", ["wang"]),
        ("bk_{org}_anna", ["anna"]),
        ("bk_{org}_ann", []),
        (" prop-bjorn ", ["bjorn"]),
        ("PROP-BJORN", []),
        ("5678", ["anna"]),
        ("345 678", ["anna"]),
        ("00 45 12 34 56 78", ["anna"]),
        ("tel:+45-12345678", ["anna"]),
        ("\u202a1234\u00a05678\u202c", ["anna"]),
        ("12 34 56 78 ext. 5", ["anna"]),
        ("+4512345678;x99", ["anna"]),
        ("678", []),
        ("020 7946 0958", ["bjorn"]),
        ("+44 20 7946 0958", ["bjorn"]),
        ("0044 (0)20-7946.0958", ["bjorn"]),
        ("7946 0959", []),
        ("1234", ["anders"]),
        ("---", []),
        (".*", []),
        ("$where", []),
    ],
)
def test_a_text_finds(world: World, text: str, names: list[str]) -> None:
    put(world)
    assert found(world, text.replace("{org}", world.org)) == names


def test_another_org_finds_nothing(world: World) -> None:
    put(world)
    query = BookingQuery(q="anna")
    assert BookingList(world.services.db).page("another", query) == ([], None)


def test_a_search_goes_with_other_filters_and_page_by_page(world: World) -> None:
    many = {f"{number:02}": {"name": f"Anna {number}"} for number in range(9)}
    put(world, many)
    assert found(world, "anna", property_id="prop-04") == ["04"]
    assert found(world, "anna", status=["cancelled"]) == []
    listing, query, seen = BookingList(world.services.db), BookingQuery(q="anna", limit=4), list[str]()
    while True:
        page, cursor = listing.page(world.org, query)
        seen += [name_in(booking) for booking in page]
        if cursor is None:
            break
        query = query.model_copy(update={"cursor": cursor})
    assert seen == list(many)


@pytest.mark.parametrize("text", ["anna", "anna 3", "annabell" + "e", "+4512345678", "bk_{org}_03", "prop-03"])
def test_the_index_finds_it_in_order(world: World, text: str) -> None:
    """No scan of the collection, and no sort in memory."""
    put(world, {f"{number:02}": {"name": f"Anna {number}", "phone": "+45 12345678"} for number in range(30)})
    plan = (
        BookingList(world.services.db).documents(world.org, BookingQuery(q=text.replace("{org}", world.org))).explain()
    )
    used = stages(plan["queryPlanner"]["winningPlan"])
    assert {stage["indexName"] for stage in used if stage["stage"] == "IXSCAN"} == {"by_search"}
    assert {"COLLSCAN", "SORT"}.isdisjoint(stage["stage"] for stage in used)
    for stage in used:
        for bounds in stage.get("indexBounds", {}).get("search.keys", []):
            low, high = bounds.strip("[]").split(", ")
            assert low == high


def test_a_change_of_the_customer_or_the_property_changes_what_finds_it(world: World) -> None:
    book = world.services.bookings.book(world.caller("desk"), world.direct_request(), None)
    life, desk = world.services.booking_life, world.caller("desk")

    assert found(world, "alice") == [name_in(book.booking)]
    patch = BookingPatch.model_validate({"customer": {"name": "Zoë", "phone": "5550199"}, "property_id": "prop-2"})
    life.reschedule(desk, book.booking.booking_id, patch, 1)
    assert found(world, "alice") == found(world, "prop-1") == []
    assert found(world, "zoe") == found(world, "0199") == found(world, "prop-2") != []


def test_an_erased_person_leaves_no_search_fields(world: World) -> None:
    request = world.direct_request(customer={"name": "Zoë Quirk", "phone": "+45 12 34 56 78"})
    booking = world.services.bookings.book(world.caller("desk"), request, None).booking
    world.services.personal_data.erase_booking(world.caller("admin"), booking.booking_id)
    stored = world.services.db["bookings"].find_one({"_id": booking.booking_id})
    assert stored is not None
    assert stored["search"] == {
        "keys": sorted([f"i:{booking.booking_id}", f"i:{booking.property_id}"]),
        "name": "",
        "phones": [],
    }
    assert found(world, "zoe") == found(world, "5678") == found(world, "erased") == []
    assert found(world, booking.booking_id) != []


def test_bookings_of_an_earlier_release_are_found_after_the_next_start(world: World) -> None:
    bookings = world.services.db["bookings"]
    put(world, {f"{number:04}": {"name": f"Anna {number}"} for number in range(STEP + 3)})
    bookings.update_many({"org": world.org}, {"$unset": {"search": ""}})
    assert found(world, "anna") == []
    plan = bookings.find({"search": None}).hint("by_no_search").explain()
    assert plan["executionStats"]["totalDocsExamined"] >= STEP + 3
    world.services.prepare()
    assert len(found(world, "anna", limit=200)) == 200
    assert bookings.count_documents({"org": world.org, "search": None}) == 0


def test_a_key_is_short_however_long_the_name_is(world: World) -> None:
    put(world, {"long": {"name": "x" * 200}})
    stored = world.services.db["bookings"].find_one({"org": world.org})
    assert stored is not None
    assert len([key for key in stored["search"]["keys"] if key.startswith("n:")]) == LONGEST_KEY
