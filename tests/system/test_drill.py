"""`scripts/drill.py split`, by proxies: it sees what is broken on purpose, and nothing where nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from scripts.drill import conclude, main
from scripts.drills import namespaces
from scripts.drills.cases import CASES, MANY, Case
from scripts.drills.mirror import differences
from scripts.drills.report import Row, longest_gap
from scripts.drills.site import Site
from scripts.load.rules.evidence import Mark
from tests.load.planted import DAY, document, marks_of, slot

PATIENT = {"answers": MANY, "outage": MANY, "outage_of_one": MANY}
"""The limits of time are for a machine that does nothing else."""


def meddle(site: Site) -> Iterator[float]:
    """Doubles one booking, whose claims are left out because the index would refuse it, and ends another: the oldest of
    the case, because the answer to a new one may not have come yet."""
    with site.target().mongo() as database:
        wanted: dict[str, object] = {"customer.name": {"$regex": ":book$"}, "active": True}
        newest = database.bookings.find(wanted).sort("created_at", -1).limit(1)[0]
        wanted["property_id"] = {"$regex": "^" + newest["property_id"].partition("-")[0]}  # of this case
        one, other = database.bookings.find(wanted).sort("created_at", 1).limit(2)
        database.bookings.insert_one({**one, "_id": "bk_doubled", "claims": []}, bypass_document_validation=True)
        ended = {"$set": {"active": False, "status": "cancelled"}, "$inc": {"version": 1}}
        database.bookings.update_one({"_id": other["_id"]}, ended)
    yield from ()


@pytest.mark.timeout(600)
def test_a_drill_finds_a_doubled_and_a_lost_booking_and_nothing_in_a_whole_case(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cases = {
        "whole": replace(CASES["mongo"], name="whole", **PATIENT),
        "meddled": Case("meddled", "bookings are changed by hand", meddle, proxies=True, **PATIENT),
        "wide": Case("wide", "needs more machines", meddle),
    }
    assert main(["split", "--proxies", "--seconds", "6", "--seed", "7"], cases) == 1
    printed = capsys.readouterr().out
    rows = {line.split()[1]: line.split()[3::2] for line in printed.splitlines() if line.startswith("│")}
    assert rows["whole"][1:3] == ["0", "0"]
    assert rows["whole"][-1] == "✓"
    assert int(rows["whole"][0]) > 10
    assert rows["meddled"][1:3] == ["1", "1"], printed
    assert rows["meddled"][-1] == "✗"
    assert "bk_doubled" in printed
    assert "wide: not played" in printed


def test_the_exit_status_is_0_only_if_no_rule_was_broken() -> None:
    row = Row(CASES["mongo"], 9, 0, 0, worst=0.1, outage=0.1, outage_of_one=0.2, mirror=0.0)
    broken = replace(row, breaks=["acknowledged is kept: one is gone"])
    console = Console(file=StringIO())
    assert conclude(console, [row]) == 0
    assert conclude(console, [row, broken]) == 1


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "which", lambda tool: None if tool == "ip" else f"/usr/bin/{tool}")
    assert namespaces.missing() == "The package iproute2 is missing."


def test_the_outage_is_the_longest_time_without_a_booking_also_at_the_edges() -> None:
    assert longest_gap([2.0, 3.0, 3.5], 0.0, 4.0) == 2.0
    assert longest_gap([1.0, 2.0], 0.0, 9.0) == 7.0
    assert longest_gap([], 1.0, 9.0) == 8.0


def test_a_mark_that_is_missing_or_stuck_counts_and_one_of_a_moment_ago_does_not() -> None:
    booked = {**document("0", slot(600)), "updated_at": DAY}
    ended = {**document("1", slot(720), status="cancelled"), "updated_at": DAY}
    marks = marks_of(booked)
    assert differences([booked, ended], marks, [booked, ended], datetime.now(UTC) + timedelta(days=9999)) == 0
    assert differences([booked, ended], {}, [booked, ended], DAY) == len(booked["claims"])
    stuck = {("property:p0", 9): Mark("booked", ended["_id"], 1, 1000)}
    assert differences([booked, ended], marks | stuck, [booked, ended], DAY) == 1
    assert differences([booked], {}, [booked], DAY - timedelta(seconds=1)) == 0
    assert differences([booked], {}, [{**booked, "version": 2}], DAY) == 0
