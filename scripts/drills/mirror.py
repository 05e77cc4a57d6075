"""Whether Redis shows what MongoDB has, asked while customers go on: what changes meanwhile does not count."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from scripts.drills.site import Site
from scripts.load.rules.evidence import Claim, Document, Mark
from scripts.load.rules.reading import read_bookings, read_marks
from scripts.load.scenarios.stage import World

UNDER_WAY = timedelta(seconds=1)
"""A change that is younger may still be on its way to Redis."""
EVERY_SECONDS = 0.2


def differences(before: list[Document], marks: dict[Claim, Mark], after: list[Document], latest: datetime) -> int:
    """How many claims Redis shows wrongly. before, after: the bookings read before the marks and after them.

    latest: bookings that changed later do not count.
    """
    versions = {booking["_id"]: booking["version"] for booking in after}
    still = [each for each in before if each["updated_at"] <= latest and versions[each["_id"]] == each["version"]]
    due = {
        (claim["resource"], claim["tick"]): each["_id"] for each in still if each["active"] for claim in each["claims"]
    }
    ended = {each["_id"] for each in still if not each["active"]}
    missing = sum(1 for claim, owner in due.items() if claim not in marks or marks[claim].owner != owner)
    stuck = sum(1 for mark in marks.values() if mark.state == "booked" and mark.owner in ended)
    return missing + stuck


def seconds_until_right(site: Site, world: World, until: float) -> float | None:
    """How long it takes from now until Redis shows what MongoDB has; None if it does not by `until` (monotonic)."""
    began = time.monotonic()
    target = site.target()
    grid_seconds = world.grid_minutes * 60
    while time.monotonic() < until:
        asked = time.monotonic()
        with target.mongo() as database, target.redis() as redis:
            latest = datetime.now(UTC) - UNDER_WAY
            before = read_bookings(database, target.org, world)
            marks = read_marks(redis, target, world, grid_seconds)
            after = read_bookings(database, target.org, world)
        if differences(before, marks, after, latest) == 0:
            return asked - began
        time.sleep(EVERY_SECONDS)
        target = site.target()
    return None
