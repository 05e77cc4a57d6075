"""A stranger cannot tell a technician who is off from one who is booked: every answer is the same, to the letter.

Each test asks everything twice, first beside bookings and then beside time off or another status instead of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from werkzeug.test import TestResponse

from tests.api.town import ALICES_BROWSER, Town, body_of, refused
from tests.bookings.evidence import lapse
from tests.world import rfc3339, tomorrow

DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[tomorrow().weekday()]
HOURS, LATE = {DAY: [["09:00", "13:00"]]}, {DAY: [["13:00", "14:00"]]}


class Absence(NamedTuple):
    """booked: the hours of bookings in its place. change: of the technician."""

    booked: tuple[int, int]
    change: dict[str, Any]


OFF_FROM_TEN = {"time_off": [{"start": rfc3339(tomorrow(10)), "end": rfc3339(tomorrow(13))}]}
ABSENCES = {
    "time off": Absence((10, 12), OFF_FROM_TEN),
    "time off of the whole day": Absence(
        (9, 12), {"time_off": [{"start": rfc3339(tomorrow(0)), "end": rfc3339(tomorrow(23))}]}
    ),
    "unavailable": Absence((9, 12), {"status": "unavailable"}),
}


class Asker:
    """A stranger with a booking of tech-1 from 12 to 13 and an expired hold from 10 to 11, both at prop-1.

    tech-1 and tech-2 work from 9 to 13, tech-2 elsewhere all that time; tech-3 works from 13 to 14.
    """

    def __init__(self, town: Town) -> None:
        self.town = town
        for name, hours in (("tech-1", HOURS), ("tech-2", HOURS), ("tech-3", LATE)):
            self.change(f"/technicians/{name}", {"working_hours": hours})
        town.book(9, technician_id="tech-2", property_id="prop-3", duration_minutes=240)
        own = town.book(12)
        self.booking_id, self.token = own["booking_id"], own["manage_token"]
        self.hold_id = town.hold(10, holder=ALICES_BROWSER)["hold_id"]
        lapse(town.world, self.hold_id)

    def change(self, path: str, body: dict[str, Any]) -> None:
        assert self.town.call("PATCH", path, body, key="admin").status_code == 200

    def hold(self, hour: int = 10, minute: int = 0, **changed: Any) -> Any:
        """The answer to a hold. One that is granted is released again."""
        reply = self.town.call("POST", "/hold", self.town.slot(hour, minute, **changed))
        if reply.status_code != 201:
            return seen(reply)
        held = body_of(reply)
        assert self.town.call("DELETE", f"/hold/{held['hold_id']}").status_code == 204
        return held["start"], held["technician_id"], held["fallback_used"]

    def available(self, **query: Any) -> Any:
        asked = {"property_id": "prop-1", "from": str(tomorrow().date()), **query}
        text = "&".join(f"{name}={value}" for name, value in asked.items())
        return seen(self.town.call("GET", f"/availability?{text}"))

    def wait(self, first: int, last: int, **changed: Any) -> Any:
        window = {"from": rfc3339(tomorrow(first)), "to": rfc3339(tomorrow(last))}
        body = {"property_id": "prop-1", "customer": {"name": "Alice"}} | window | changed
        reply = self.town.call("POST", "/waitlist", body)
        if reply.status_code != 201:
            return seen(reply)
        self.town.call("DELETE", f"/waitlist/{body_of(reply)['waitlist_id']}")
        return 201

    def move(self, hour: int, minute: int = 0, **changed: Any) -> Any:
        body = {"start": rfc3339(tomorrow(hour, minute))} | changed
        return seen(self.town.call("PATCH", f"/bookings/{self.booking_id}", body, key=self.token, If_Match="*"))

    def hold_beyond_the_share(self) -> Any:
        self.change("/policy", {"public_holds_per_address": 1})
        held = self.town.hold(13, technician_id="tech-3", property_id="prop-3")
        answers = self.hold(), self.hold(technician_id=None)
        self.town.call("DELETE", f"/hold/{held['hold_id']}")
        self.change("/policy", {"public_holds_per_address": None})
        return [(status, body["code"], body["detail"]) for status, body in answers]

    def answers(self) -> dict[str, Any]:
        """What the stranger learns, by what was asked."""
        expired = {"hold_id": self.hold_id, "customer": {"name": "Alice"}, "if_expired": "book_if_free"}
        return {
            "day": self.available(technician_id="tech-1"),
            "day, any technician": self.available(),
            "days, short visits": self.available(technician_id="tech-1", duration_minutes=15, days=7),
            "hold": self.hold(),
            "hold by a holder": self.hold(holder=ALICES_BROWSER),
            "hold, any technician": self.hold(technician_id=None),
            "hold beside it": self.hold(9),
            "hold into it": self.hold(9, 30),
            "hold over its end": self.hold(11, 30),
            "hold over all": self.hold(9, duration_minutes=240),
            "hold before the hours": self.hold(8),
            "suggestions": self.hold(suggest=5),
            "suggestions, any technician": self.hold(technician_id=None, suggest=5),
            "search": self.hold(fallback="next_available"),
            "search from the morning": self.hold(9, fallback="next_available", suggest=5),
            "search, any technician": self.hold(technician_id=None, fallback="next_available"),
            "search in vain": self.hold(11, fallback="next_available", duration_minutes=120, suggest=3),
            "one hold too many": self.hold_beyond_the_share(),
            "waitlist": self.wait(10, 12, technician_id="tech-1"),
            "waitlist, any technician": self.wait(9, 13),
            "move": self.move(10),
            "move by half its length": self.move(11, 30),
            "move to a longer visit": self.move(11, duration_minutes=120),
            "book an expired hold": seen(self.town.call("POST", "/book", expired)),
            "technician": seen(self.town.call("GET", "/technicians/tech-1")),
            "technicians": seen(self.town.call("GET", "/technicians")),
            "the hold": seen(self.town.call("GET", f"/hold/{self.hold_id}")),
        }


def seen(reply: TestResponse) -> tuple[int, Any]:
    return reply.status_code, reply.get_json()


@pytest.mark.parametrize("absence", ABSENCES.values(), ids=ABSENCES.keys())
def test_a_stranger_gets_the_answers_of_a_booked_technician(town: Town, absence: Absence) -> None:
    asker, (first, last) = Asker(town), absence.booked
    elsewhere = town.book(first, property_id="prop-2", duration_minutes=60 * (last - first), key="desk")
    beside_a_booking = asker.answers()
    assert beside_a_booking["hold"][1]["code"] == "slot_booked"
    assert town.call("POST", f"/bookings/{elsewhere['booking_id']}/cancel", key="desk").status_code == 200
    assert asker.hold() == (rfc3339(tomorrow(10)), "tech-1", False)
    asker.change("/technicians/tech-1", absence.change)
    assert asker.answers() == beside_a_booking
    for key in ("bot", "desk", "admin"):
        refused(town.call("POST", "/hold", town.slot(), key=key), 409, "technician_unavailable")


def test_a_customer_shortens_a_visit_inside_time_off_as_beside_bookings(town: Town) -> None:
    asker = Asker(town)
    asker.change("/technicians/tech-1", OFF_FROM_TEN)
    status, body = asker.move(12, 15, duration_minutes=30)
    assert (status, body["technician_id"], body["duration_minutes"]) == (200, "tech-1", 30)
    assert asker.move(11, 45, duration_minutes=30)[0] == 409


def test_time_off_around_another_visit_looks_like_bookings_on_both_sides(town: Town) -> None:
    town.book(11, property_id="prop-2", duration_minutes=30, key="desk")
    off = {"start": rfc3339(tomorrow(10, 20)), "end": rfc3339(tomorrow(15))}
    assert town.call("PATCH", "/technicians/tech-1", {"time_off": [off]}, key="admin").status_code == 200
    body = refused(town.call("POST", "/hold", town.slot(10, duration_minutes=120)), 409, "slot_booked")
    times = [(rfc3339(tomorrow(*start)), rfc3339(tomorrow(*end))) for start, end in SIDES]
    assert body["conflicts"] == [
        {"kind": "technician", "id": "tech-1", "state": "booked", "start": start, "end": end} for start, end in times
    ]


SIDES = [((10, 15), (11, 0)), ((11, 0), (11, 30)), ((11, 30), (12, 0))]
