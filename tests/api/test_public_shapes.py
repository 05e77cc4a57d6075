"""What the publishable key reads: not where people live, not when technicians are away, nor who else is where when."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue import Property
from tests.api.town import ALICES_BROWSER, Town, body_of, fault_codes, refused
from tests.world import rfc3339, tomorrow

OFF = {"start": "2026-12-24T00:00:00Z", "end": "2026-12-27T00:00:00Z"}
OTHERS = ("bot", "desk", "admin")


@pytest.fixture
def lived_in(town: Town) -> Town:
    """A town with an address, working hours and a holiday, and with one unlisted property."""
    for path, body in (
        ("/properties/prop-1", {"address": "Main St 1"}),
        ("/properties/prop-2", {"address": "Main St 2", "unlisted": True}),
        ("/technicians/tech-1", {"working_hours": {"mon": [["08:00", "12:00"]]}, "time_off": [OFF]}),
    ):
        assert town.call("PATCH", path, body, key="admin").status_code == 200
    return town


def read(town: Town, path: str, key: str = "checkout") -> Any:
    reply = town.call("GET", path, key=key)
    assert reply.status_code == 200, reply.text
    return body_of(reply)


def test_a_technician_is_an_id_and_a_name(lived_in: Town) -> None:
    assert read(lived_in, "/technicians/tech-1") == {"id": "tech-1", "name": "Technician 1"}
    assert [set(each) for each in read(lived_in, "/technicians")["technicians"]] == [{"id", "name"}] * 3
    for key in OTHERS:
        seen = read(lived_in, "/technicians/tech-1", key)
        assert (seen["time_off"], seen["working_hours"]) == ([OFF], {"mon": [["08:00", "12:00"]]})
        assert read(lived_in, "/technicians", key)["technicians"][0] == seen


def test_a_property_has_neither_address_nor_area(lived_in: Town) -> None:
    assert set(read(lived_in, "/properties/prop-1")) == Property.model_fields.keys() - {"address", "area"}
    assert "Main St" not in lived_in.call("GET", "/properties").text
    for key in OTHERS:
        assert read(lived_in, "/properties/prop-1", key)["address"] == "Main St 1"
        assert read(lived_in, "/properties", key)["properties"][0]["address"] == "Main St 1"


def test_an_unlisted_property_is_reached_by_its_id_and_not_listed(lived_in: Town) -> None:
    assert [each["id"] for each in read(lived_in, "/properties")["properties"]] == ["prop-1", "prop-3"]
    first = read(lived_in, "/properties?limit=1")
    rest = read(lived_in, f"/properties?limit=1&cursor={first['next_cursor']}")
    assert ([each["id"] for each in rest["properties"]], rest["next_cursor"]) == (["prop-3"], None)
    assert read(lived_in, "/properties/prop-2")["id"] == "prop-2"
    assert lived_in.hold(property_id="prop-2", technician_id="tech-2")["property_id"] == "prop-2"
    for key in OTHERS:
        assert [each["unlisted"] for each in read(lived_in, "/properties", key)["properties"]] == [False, True, False]


def test_unlisted_is_true_or_false_and_null_leaves_it_as_it_is(lived_in: Town) -> None:
    made = lived_in.call("POST", "/properties", {"id": "prop-9", "name": "Nine", "unlisted": True}, key="admin")
    assert body_of(made)["unlisted"] is True
    back = lived_in.call("PATCH", "/properties/prop-9", {"unlisted": False}, key="admin")
    assert body_of(back)["unlisted"] is False
    assert "prop-9" in lived_in.call("GET", "/properties").text
    reply = lived_in.call("PATCH", "/properties/prop-9", {"unlisted": "true"}, key="admin")
    assert fault_codes(reply) == {("unlisted", "wrong_type")}
    assert body_of(lived_in.call("PATCH", "/properties/prop-9", {"unlisted": None}, key="admin"))["unlisted"] is False
    refused(lived_in.call("PATCH", "/properties/prop-9", {"unlisted": True}, key="desk"), 403, "forbidden")


def spans(reply: Any) -> list[tuple[str, str, str]]:
    conflicts = refused(reply, 409, "slot_booked")["conflicts"]
    return [(each["kind"], each["start"], each["end"]) for each in conflicts]


def test_a_conflict_shows_the_publishable_key_no_time_that_it_did_not_ask_for(town: Town) -> None:
    town.book(9, key="desk", duration_minutes=240, buffer_before_minutes=60, buffer_after_minutes=60)
    asked, ends = rfc3339(tomorrow(10)), rfc3339(tomorrow(11))
    whole = [("property", 9, 13), ("technician", 8, 14)]
    shown = spans(town.call("POST", "/hold", town.slot(10, holder=ALICES_BROWSER)))
    assert shown == [("property", asked, ends), ("technician", asked, ends)]
    for key in OTHERS:
        assert spans(town.call("POST", "/hold", town.slot(10), key=key)) == [
            (kind, rfc3339(tomorrow(first)), rfc3339(tomorrow(last))) for kind, first, last in whole
        ]


def test_what_overlaps_in_part_is_shown_in_part_and_travel_belongs_to_what_was_asked_for(town: Town) -> None:
    town.book(10)
    town.call("PATCH", "/policy", {"buffer_before_minutes": 30}, key="admin")
    overlapping = spans(town.call("POST", "/hold", town.slot(10, 30)))
    assert overlapping == [
        ("property", rfc3339(tomorrow(10, 30)), rfc3339(tomorrow(11))),
        ("technician", rfc3339(tomorrow(10)), rfc3339(tomorrow(11))),
    ]
    behind = spans(town.call("POST", "/hold", town.slot(11, 15)))
    assert behind == [("technician", rfc3339(tomorrow(10, 45)), rfc3339(tomorrow(11)))]


def test_a_manage_token_sees_no_more_of_the_others(town: Town) -> None:
    town.book(12, key="desk", duration_minutes=240)
    made = town.book(8)
    change = {"start": rfc3339(tomorrow(13))}
    reply = town.call("PATCH", f"/bookings/{made['booking_id']}", change, key=made["manage_token"], If_Match='"1"')
    both = (rfc3339(tomorrow(13)), rfc3339(tomorrow(14)))
    assert spans(reply) == [("property", *both), ("technician", *both)]


def test_the_description_says_what_the_publishable_key_does_not_see(town: Town) -> None:
    schemas = body_of(town.call("GET", "/openapi.json", key=None))["components"]["schemas"]
    assert "publishable key" in schemas["Technician"]["description"]
    assert "publishable key" in schemas["Property"]["description"]
    assert set(schemas["Technician"]["required"]) == {"id", "name"}
    assert "address" not in schemas["Property"]["required"]
