"""Lists of bookings on a real mongod: every filter reads along one index, and new bookings shift no page."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from models.booking import Booking
from models.booking_lists import BookingQuery
from models.errors import InvalidRequest
from services.ids import booking_id_for
from services.ledger.documents import document_of
from services.ledger.listing import BookingList
from services.settings import StoreTimeouts
from services.stores.pages import write_cursor
from tests.bookings.sample import sample
from tests.world import PATIENT, rfc3339, tomorrow

PROPERTIES, TECHNICIANS, STATUSES = 10, 7, ("cancelled", "completed", "no_show")
MANY = 1_400
SPAN = {"from": rfc3339(tomorrow() + timedelta(days=5)), "to": rfc3339(tomorrow() + timedelta(days=9))}

ANYWHERE = SPAN.keys() | {"overlapping"}

FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "by_start"),
    (SPAN, "by_start"),
    ({"property_id": "prop-3"}, "by_property"),
    ({"property_id": "prop-3", **SPAN}, "by_property"),
    ({"technician_id": "tech-3"}, "by_technician_ids"),
    ({"technician_id": "tech-3", **SPAN}, "by_technician_ids"),
    ({"status": "completed"}, "by_status"),
    ({"status": "completed", **SPAN}, "by_status"),
    ({"property_id": "prop-3", "technician_id": "tech-3", "status": "completed", **SPAN}, "by_property"),
    ({"overlapping": True, **SPAN}, "by_start"),
    ({"property_id": "prop-3", "overlapping": True, **SPAN}, "by_property"),
    ({"q": "ali"}, "by_search"),
    ({"q": "Alice", **SPAN}, "by_search"),
    ({"q": "prop-3"}, "by_search"),
    ({"q": "0099"}, "by_search"),
    ({"external_reference": "WO-3"}, "by_reference"),
    ({"external_reference": "WO-3", "status": "completed", **SPAN}, "by_reference"),
    ({"status": ["cancelled", "completed"]}, "by_status"),
    ({"status": ["cancelled", "completed"], **SPAN}, "by_status"),
    ({"status": "expired"}, "by_status"),
    ({"status": ["expired", "completed"], **SPAN}, "by_status"),
    ({"status": ["expired", "pending"]}, "by_status"),
]


def inactive(org: str, number: int) -> Booking:
    """One of many inactive bookings: they block no slot, so any number fits."""
    start = tomorrow(0) + timedelta(minutes=15 * number)
    return sample(
        start,
        booking_id=booking_id_for(org, str(number)),
        org=org,
        status=STATUSES[number % len(STATUSES)],
        property_id=f"prop-{number % PROPERTIES}",
        technician_id=f"tech-{number % TECHNICIANS}",
        made_by="key_desk",
        external_reference=f"WO-{number % PROPERTIES}",
    )


class Shelf(NamedTuple):
    """An org with many bookings, and the list of them."""

    org: str
    bookings: Any
    listed: BookingList


@pytest.fixture(scope="module")
def shelf(connect: Callable[[StoreTimeouts], Any]) -> Shelf:
    """One for all tests of the file. They only add to it."""
    _, db = connect(PATIENT)
    made = Shelf(f"org-{secrets.token_hex(4)}", db["bookings"], BookingList(db))
    made.bookings.insert_many([document_of(inactive(made.org, number)) for number in range(MANY)])
    return made


def stages(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A winning plan's stages, each before those that it reads from."""
    inner = [plan["inputStage"]] if "inputStage" in plan else plan.get("inputStages", [])
    return [plan, *(stage for each in inner for stage in stages(each))]


@pytest.mark.parametrize(("wanted", "index"), FILTERS)
@pytest.mark.parametrize("later_page", [False, True])
def test_every_filter_reads_along_one_index(shelf: Shelf, wanted: dict[str, Any], index: str, later_page: bool) -> None:
    query = BookingQuery.model_validate({**wanted, "limit": 5})
    if later_page:
        _, cursor = shelf.listed.page(shelf.org, query)
        query = query.model_copy(update={"cursor": cursor})
    plan = shelf.listed.documents(shelf.org, query).explain()
    used = stages(plan["queryPlanner"]["winningPlan"])
    names = [stage["stage"] for stage in used]
    assert {stage["indexName"] for stage in used if stage["stage"] == "IXSCAN"} == {index}
    assert "SORT" not in names
    assert "COLLSCAN" not in names
    # With one filter MongoDB reads only the page; a second filter it applies to the visits of one property at most. Of
    # visits that may reach into the window it also reads those of the three days before.
    before = 3 * 24 * 4 if "overlapping" in wanted else 0
    assert plan["executionStats"]["totalKeysExamined"] <= before + (20 if len(wanted.keys() - ANYWHERE) < 2 else MANY)


def test_without_the_hint_of_its_index_a_page_could_be_sorted_in_memory(shelf: Shelf) -> None:
    """The negative control: the test above would notice a sort in memory."""
    found = shelf.bookings.find({"org": shelf.org, "property_id": "prop-3"}).hint("by_status")
    used = stages(found.sort([("start", 1), ("_id", 1)]).explain()["queryPlanner"]["winningPlan"])
    assert "SORT" in [stage["stage"] for stage in used]


@pytest.mark.parametrize("wanted", [{}, {"property_id": "prop-3"}, {"status": "cancelled"}])
def test_pages_neither_skip_nor_repeat_while_others_book(shelf: Shelf, wanted: dict[str, str]) -> None:
    query = BookingQuery.model_validate({**wanted, "limit": 37})
    there = {booking.booking_id for booking in everything(shelf, query)}
    seen: list[Booking] = []
    for number, page in enumerate(pages(shelf, query)):
        seen += page
        new_id = booking_id_for(shelf.org, f"new {secrets.token_hex(4)}")
        shelf.bookings.insert_one(
            document_of(inactive(shelf.org, 3 + number).changed(booking_id=new_id, property_id="prop-3"))
        )
    assert [(booking.start, booking.booking_id) for booking in seen] == sorted(
        (booking.start, booking.booking_id) for booking in seen
    )
    assert there <= {booking.booking_id for booking in seen}
    assert len({booking.booking_id for booking in seen}) == len(seen)


def test_two_hundred_is_the_largest_page(shelf: Shelf) -> None:
    page, cursor = shelf.listed.page(shelf.org, BookingQuery(limit=200))
    assert len(page) == 200
    assert cursor


def pages(shelf: Shelf, query: BookingQuery) -> Any:
    """Page after page, each read when the caller asks for it."""
    while True:
        page, cursor = shelf.listed.page(shelf.org, query)
        yield page
        if cursor is None:
            return
        query = query.model_copy(update={"cursor": cursor})


def everything(shelf: Shelf, query: BookingQuery) -> list[Booking]:
    return [booking for page in pages(shelf, query) for booking in page]


@pytest.mark.parametrize("seconds", ["tomorrow", "9" * 30, "-" + "9" * 15])
def test_a_cursor_whose_start_is_no_time_is_refused(shelf: Shelf, seconds: str) -> None:
    cursor = write_cursor(seconds, "bk_1")
    with pytest.raises(InvalidRequest):
        shelf.listed.page(shelf.org, BookingQuery(cursor=cursor))
