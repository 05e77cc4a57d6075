"""Problems of properties and technicians in a file have the same sentences as in the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.transfer.office import Office, named

CATALOGUE: list[tuple[str, str, str]] = [
    ("properties", "id,name,status\np-1,House,closed", "status: Give status as"),
    ("properties", "id,name\n,House", "id: Give id, which is required."),
    ("properties", "id,name\np-1,", "name: Give name, which is required."),
    ("properties", "id,name,timezone\np-1,House,Mars/Base", "timezone: Give timezone as an IANA name"),
    ("properties", "id,name\np-1,A\np-1,B", "id: Leave this line out, because it repeats line 2."),
    ("properties", "id,name\nprop-1,Another name", "id: prop-1 exists with another name; allow updates"),
    ("properties", "id,name,working_hours\np-1,House,{}", "working_hours: Leave this column out"),
    (
        "technicians",
        "id,name,working_hours\nt-1,Kim,nine to five",
        "working_hours: Give working_hours as",
    ),
    (
        "technicians",
        'id,name,working_hours\nt-1,Kim,"{""mon"": [[""9"", ""17:00""]]}"',
        "working_hours.mon.0.0: Give working_hours.mon.0.0 as a time",
    ),
    (
        "technicians",
        'id,name,working_hours\nt-1,Kim,"{""mon"": [[""08:00"", ""12:00""], [""11:00"", ""13:00""]]}"',
        "working_hours.mon.1: Give shifts of one day that do not overlap.",
    ),
    (
        "technicians",
        'id,name,time_off\nt-1,Kim,"[{""start"": ""2026-12-05T10:00:00Z"", ""end"": ""2026-12-05T10:00:00Z""}]"',
        "time_off.0.end: Give an end after the start.",
    ),
]


@pytest.mark.parametrize(("kind", "text", "sentence"), CATALOGUE)
def test_problems_of_the_catalogue_are_reported(office: Office, kind: str, text: str, sentence: str) -> None:
    before = office.world.services.db[kind].count_documents({"org": office.world.org})
    file: dict[str, Any] = {kind: office.text("c.csv", text)}
    problems = office.run(**file)
    assert len(problems) == 1, problems
    assert sentence in problems[0]
    assert office.status == 1
    assert office.world.services.db[kind].count_documents({"org": office.world.org}) == before


def test_all_problems_of_a_technician_are_reported_at_once(office: Office) -> None:
    hours = {"mon": [["08:00", "12:00"], ["11:00", "13:00"]], "tue": [["9", "17:00"]], "someday": []}
    never = {"start": "2026-12-05T10:00:00Z", "end": "2026-12-05T10:00:00Z"}
    off = [{"start": "soon", "end": "2026-12-05T10:00:00Z"}, never]
    row = {"id": "", "name": "", "status": "away", "working_hours": json.dumps(hours), "time_off": json.dumps(off)}
    assert named(office.run(technicians=office.file("t.csv", [row]))) == {
        "id",
        "name",
        "status",
        "working_hours.someday",
        "working_hours.tue.0.0",
        "working_hours.mon.1",
        "time_off.0.start",
        "time_off.1.end",
    }


@pytest.mark.parametrize(
    ("column", "cell"),
    [("working_hours", "nine to five"), ("time_off", json.dumps([{"start": "x"}] * 201)), ("time_off", "{}")],
)
def test_json_of_the_wrong_kind_is_reported_as_a_whole(office: Office, column: str, cell: str) -> None:
    row = {"id": "t-1", "name": "Kim", "status": "away", column: cell}
    assert {field.partition(".")[0] for field in named(office.run(technicians=office.file("t.csv", [row])))} == {
        "status",
        column,
    }
