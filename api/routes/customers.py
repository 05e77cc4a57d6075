"""Customers, and erasing and exporting the data of a person. The visits themselves stay."""

from __future__ import annotations

from typing import Any

from api.http.endpoint import Ask, Recall, Reply, Routes
from api.routes.bookings import listed
from models.access import STAFF, Role
from models.customers import (
    CustomerPage,
    CustomerPatch,
    CustomerQuery,
    CustomerRecord,
    CustomersQuery,
    CustomerWithBookings,
    Erased,
    MergeRequest,
    PersonReply,
    PersonRequest,
)
from models.errors import AlreadyExists, BookingNotFound, NotFound, RequestInProgress, VersionConflict
from models.messages import MessageReply
from models.shapes import ReplyShape
from models.waitlist import WaitReply

routes = Routes(
    "Customers",
    "The people that visits are for. The service finds them from the bookings, within a second. Their personal "
    "data can be exported and erased.",
)

ADMIN = frozenset({Role.ADMIN})

WAITING = ReplyShape(WaitReply)
MESSAGE = ReplyShape(MessageReply)


@routes.get("/customers", "List customers by id", roles=STAFF, query=CustomersQuery, replies={200: CustomerPage})
def list_customers(ask: Ask[CustomersQuery]) -> Reply:
    """Lists customers by id, page by page. `q` finds those in which each of its words begins a word of the name, whose
    phone ends with its four or more digits in any spelling, or whose e-mail address begins with it."""
    found, next_cursor = ask.services.customers.page(ask.caller, ask.given)
    return Reply(200, {"customers": [_record(each) for each in found], "next_cursor": next_cursor})


@routes.get(
    "/customers/{customer_id}",
    "Read a customer and the visits",
    roles=STAFF,
    query=CustomerQuery,
    replies={200: CustomerWithBookings},
    refusals=(NotFound,),
    etag=True,
)
def read_customer(ask: Ask[CustomerQuery], customer_id: str) -> Reply:
    """Shows one customer, and the past and coming bookings, the latest start first: up to `limit` of them. `cursor`
    leads to the next ones."""
    found = ask.services.customers.get(ask.caller, customer_id, ask.given)
    bookings = listed(ask, found.bookings)
    return Reply(200, {**_record(found.record), "bookings": bookings, "next_cursor": found.next_cursor})


@routes.patch(
    "/customers/{customer_id}",
    "Correct a customer",
    roles=STAFF,
    body=CustomerPatch,
    replies={200: CustomerRecord},
    refusals=(NotFound, AlreadyExists, VersionConflict),
    if_match="optional",
    etag=True,
)
def change_customer(ask: Ask[CustomerPatch], customer_id: str) -> Reply:
    """Changes the fields that are sent; null empties all but the name. Bookings stay as they are, and a later booking
    brings its own name, phone and e-mail address. With `If-Match` it changes only the version that was read."""
    return Reply(200, ask.services.customers.patch(ask.caller, customer_id, ask.given, ask.expected_version))


@routes.post(
    "/customers/{customer_id}/merge",
    "Merge a customer into another",
    roles=STAFF,
    body=MergeRequest,
    replies={200: CustomerRecord},
    refusals=(NotFound,),
    recall=Recall(("customer_id",), lambda ask, kept: _record(_merged(ask, kept["customer_id"]))),
    etag=True,
)
def merge_customer(ask: Ask[MergeRequest], customer_id: str) -> Reply:
    """Makes two customers one. The customer named by `into` keeps its id and gets the bookings and the notes of the
    other, who is gone: 404. Later bookings with a phone of either are of this one customer."""
    return Reply(200, ask.services.customers.merge(ask.caller, customer_id, ask.given.into))


def _merged(ask: Ask[Any], customer_id: str) -> CustomerRecord:
    return ask.services.customers.get(ask.caller, customer_id, CustomerQuery(limit=1)).record


def _record(record: CustomerRecord) -> dict[str, Any]:
    return record.model_dump(mode="json")


@routes.post(
    "/bookings/{booking_id}/erase",
    "Erase personal data from a booking and its history; again is fine",
    roles=ADMIN,
    replies={200: Erased},
    refusals=(BookingNotFound, RequestInProgress),
)
def erase_booking(ask: Ask[None], booking_id: str) -> Reply:
    """Removes name, phone, e-mail address and free text from one booking and from its history. The visit itself stays.
    A repeat is fine."""
    return Reply(200, ask.services.personal_data.erase_booking(ask.caller, booking_id))


@routes.post(
    "/customers/erase",
    "Erase a person from all bookings, histories and waitlist entries; again is fine",
    roles=ADMIN,
    body=PersonRequest,
    replies={200: Erased},
    refusals=(RequestInProgress,),
)
def erase_person(ask: Ask[PersonRequest]) -> Reply:
    """Removes name, phone, e-mail address and free text from everything that names this person. The visits themselves
    stay. A repeat is fine."""
    return Reply(200, ask.services.personal_data.erase_person(ask.caller, ask.given))


def _held(ask: Ask[PersonRequest], _kept: dict[str, Any] | None = None) -> dict[str, Any]:
    found = ask.services.personal_data.export_person(ask.caller, ask.given)
    return {
        "bookings": listed(ask, found.bookings),
        "waitlist": [WAITING.of(WaitReply.of(entry, with_customer=True), {"hold_id"}) for entry in found.waitlist],
        "customers": [_record(each) for each in found.customers],
        "messages": [MESSAGE.of(each) for each in found.messages],
    }


@routes.post(
    "/customers/export",
    "All that is held of a person",
    roles=ADMIN,
    body=PersonRequest,
    replies={200: PersonReply},
    recall=Recall((), _held),
)
def export_person(ask: Ask[PersonRequest]) -> Reply:
    """Shows all that is kept of this person."""
    return Reply(200, _held(ask))
