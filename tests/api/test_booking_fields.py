"""A field of a booking is named in one place, its model; replies, documents, examples and files follow from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from api.app import all_endpoints
from api.openapi import examples
from api.openapi.document import openapi
from models.booking import Booking, BookingReply
from models.fields import members_that_may_be_absent
from models.hold import HoldReply
from services.ledger.documents import booking_of, document_of
from services.sheets.booking_table import BookingTable
from tests.api.town import Town, body_of

ROOT = Path(__file__).parents[2]
SCHEMAS = openapi(all_endpoints())["components"]["schemas"]
NOT_EXPORTED = {"org", "claims", "history", "placed_as", "held_as", "holder_digest", "manage_token", "customer_id"}
BESIDES = {"_id", "active", "persons", "search", "customer_key"}
NOT_STORED_AS_SHOWN = {"booking_id", "claims", "manage_token", "customer_id"}


def reserve(town: Town) -> dict[str, Any]:
    """A reply of a pending reservation to staff: it has every member that a booking can have, but for its series."""
    service = {"id": "leak", "name": "Leak", "duration_minutes": 60}
    assert town.call("POST", "/services", service, key="admin").status_code == 201
    asked = town.slot(service_id="leak") | {
        "reserved_by": "Dana",
        "customer": {"name": "Alice", "phone": "+1 555 0100"},
    }
    asked |= {"internal_note": "Pays late.", "metadata": {"crm": "4711"}, "external_reference": "WO-1"}
    return body_of(town.call("POST", "/reserve", asked, key="desk"))


def members(model: type[BaseModel]) -> set[str]:
    return {*model.model_fields, *model.model_computed_fields}


def test_the_reply_has_every_field_that_its_model_has(town: Town) -> None:
    reserved = reserve(town)
    assert set(reserved) == members(BookingReply) - {
        "customer_id",
        "series_id",
    }  # the relay finds the customer afterwards
    read = body_of(town.call("GET", f"/bookings/{reserved['booking_id']}", key="desk"))
    assert set(read) == members(BookingReply) - {"manage_token", "series_id"}
    booked = town.book(14)
    assert set(booked) == members(BookingReply) - set(members_that_may_be_absent(BookingReply)) | {"manage_token"}
    assert set(SCHEMAS["BookingReply"]["properties"]) == members(BookingReply)
    assert set(SCHEMAS["BookingReply"]["required"]) == set(booked) - {"manage_token"}


def test_the_document_has_every_field_of_the_booking(town: Town) -> None:
    reserved = reserve(town)
    (document,) = town.world.bookings(_id=reserved["booking_id"])
    assert document.pop("changed")  # the store's own time of the last write; no field of the booking
    fields = set(Booking.model_fields) - {"series_id"}
    assert set(document) == fields - {"booking_id", "manage_token", "customer_id"} | BESIDES
    booking = booking_of(document)
    written = document_of(booking)
    assert written.pop("changed")
    assert written == document
    assert all(document[name] == getattr(booking, name) for name in fields - NOT_STORED_AS_SHOWN)


@pytest.mark.parametrize(("model", "example"), [(BookingReply, examples.BOOKING), (HoldReply, examples.HOLD)])
def test_the_example_has_every_field_that_each_reply_has(model: Any, example: dict[str, Any]) -> None:
    assert set(example) == members(model) - set(members_that_may_be_absent(model))


def test_the_csv_columns_are_the_fields_of_the_booking() -> None:
    columns = {"customer" if name.startswith("customer_") else name for name in BookingTable.exported}
    assert columns == set(Booking.model_fields) - NOT_EXPORTED
    assert set(BookingTable.columns.known) == {"reference", *BookingTable.exported}


ADDED = """
import sys, types
from pathlib import Path

source = Path("models/details.py").read_text()
last = '    priority: Priority = "medium"\\n'
assert source.count(last) == 1
module = sys.modules["models.details"] = types.ModuleType("models.details")
exec(compile(source.replace(last, last + '    access_notes: Text = ""\\n'), "models/details.py", "exec"), vars(module))

import json
import fakeredis, mongomock
from api.openapi import examples
from services.sheets.booking_table import BookingTable
from services.ledger.documents import booking_of
from tests.api.town import Town, body_of
from tests.world import World, services_over

redis, mongo = fakeredis.FakeRedis(decode_responses=True), mongomock.MongoClient(tz_aware=True)["test"]
town = Town(World(services_over(redis, mongo)))
asked = town.slot() | {"customer": {"name": "Alice"}, "access_notes": "Key under the mat."}
booked = body_of(town.call("POST", "/book", asked, key="desk"))
reserved = body_of(town.call("POST", "/reserve", asked | town.slot(14) | {"reserved_by": "Dana"}, key="desk"))
(document,) = town.world.bookings(_id=booked["booking_id"])
row = dict(zip(BookingTable.exported, BookingTable.write(BookingTable, booking_of(document)), strict=True))
described = body_of(town.call("GET", "/openapi.json"))["components"]["schemas"]
print(json.dumps({
    "reply": booked["access_notes"],
    "reserved": reserved["access_notes"],
    "read": body_of(town.call("GET", "/bookings/" + booked["booking_id"], key="desk"))["access_notes"],
    "document": document["access_notes"],
    "exported": row["access_notes"],
    "imported": BookingTable.columns.known.count("access_notes"),
    "example": examples.BOOKING["access_notes"],
    "described": "access_notes" in described["BookingReply"]["required"],
}))
"""
"""A process whose booking model has one field more; no other file knows of it."""


def test_a_new_field_changes_the_model_alone() -> None:
    done = subprocess.run([sys.executable, "-c", ADDED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    note = "Key under the mat."
    assert json.loads(done.stdout.splitlines()[-1]) == {
        **dict.fromkeys(("reply", "reserved", "read", "document", "exported"), note),
        "imported": 1,
        "example": "",
        "described": True,
    }
