"""Working hours and time off of technicians."""

from __future__ import annotations

import pytest

from tests.api.town import Town, body_of, fault_codes, refused
from tests.world import rfc3339, tomorrow

HOURS = {"mon": [["08:00", "12:00"], ["13:00", "24:00"]]}


def test_hours_and_time_off_are_given_back_as_they_were_set(town: Town) -> None:
    off = {"start": "2026-12-24T01:00:00+01:00", "end": "2026-12-27T00:00:00Z"}
    made = {"id": "tech-9", "name": "Nina", "working_hours": HOURS, "time_off": [off]}
    reply = town.call("POST", "/technicians", made, key="admin")
    body = body_of(reply)
    assert reply.status_code == 201
    assert body["working_hours"] == HOURS
    assert body["time_off"] == [{"start": "2026-12-24T00:00:00Z", "end": "2026-12-27T00:00:00Z"}]
    assert body_of(town.call("GET", "/technicians/tech-9", key="desk")) == body


def test_time_off_is_respected_from_the_next_hold_on(town: Town) -> None:
    town.hold(8)
    off = [{"start": rfc3339(tomorrow(10, 30)), "end": rfc3339(tomorrow(12))}]
    assert town.call("PATCH", "/technicians/tech-1", {"time_off": off}, key="admin").status_code == 200
    refused(town.call("POST", "/hold", town.slot(), key="bot"), 409, "technician_unavailable")
    refused(town.call("POST", "/hold", town.slot()), 409, "slot_booked")  # a stranger: see test_hidden_time_off
    town.hold(12)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"working_hours": {"monday": []}}, "working_hours.monday"),
        ({"working_hours": {"mon": [["12:00", "08:00"]]}}, "working_hours.mon.0"),
        ({"working_hours": {"mon": [["8", "12:00"]]}}, "working_hours.mon.0.0"),
        ({"working_hours": {"mon": [["08:00"]]}}, "working_hours.mon.0"),
        ({"time_off": [{"start": "2026-12-24T00:00:00", "end": "2026-12-27T00:00:00Z"}]}, "time_off.0.start"),
        ({"time_off": [{"start": "2026-12-24T00:00:00Z"}]}, "time_off.0.end"),
    ],
)
def test_wrong_hours_are_faults_that_name_the_shift(town: Town, changes: object, field: str) -> None:
    reply = town.call("PATCH", "/technicians/tech-1", changes, key="admin")
    assert {name for name, _ in fault_codes(reply)} == {field}
