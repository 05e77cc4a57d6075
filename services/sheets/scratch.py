"""The ids and spans of whole files in a temporary SQLite database, so that memory stays steady.

SQLite makes a nameless file in the folder for temporary files (SQLITE_TMPDIR, TMPDIR), so that nothing is left of it
when the process ends, also after a crash.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CACHE_KIB = 16_384
SCHEMA = """
CREATE TABLE known (kind TEXT, id TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE seen (kind TEXT, id TEXT, line INTEGER, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE sites (id TEXT PRIMARY KEY, parent TEXT, zone TEXT) WITHOUT ROWID;
CREATE INDEX units ON sites (parent, id);
CREATE TABLE spans (resource TEXT, start INTEGER, stop INTEGER, line INTEGER, booking TEXT);
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """The ticks [start, stop) of one resource, taken by a line of the file or by an existing booking (line is None)."""

    resource: str
    start: int
    stop: int
    line: int | None
    booking_id: str


@dataclass(frozen=True, slots=True)
class Site:
    """What counts of a property for its units: its building, if it is a unit itself, and its timezone, if known."""

    parent_id: str | None
    zone: str | None


class Scratch:
    """The memory of one check. Close it after use."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; PRAGMA cache_size=-{CACHE_KIB};"
        )
        self._db.executescript(SCHEMA)
        self._db.execute("BEGIN")

    def close(self) -> None:
        """Deletes the database."""
        self._db.close()

    def know(self, kind: str, ids: Iterable[str]) -> None:
        """Notes ids of one kind as known."""
        self._db.executemany("INSERT OR IGNORE INTO known VALUES (?, ?)", ((kind, each) for each in ids))

    def knows(self, kind: str, plain_id: str) -> bool:
        """Whether `know` was called with this id."""
        found = self._db.execute("SELECT 1 FROM known WHERE kind = ? AND id = ?", (kind, plain_id))
        return found.fetchone() is not None

    def first_line(self, kind: str, plain_id: str, line: int) -> int:
        """The first line with this id: this one or an earlier one."""
        added = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (kind, plain_id, line))
        if added.rowcount:
            return line
        found = self._db.execute("SELECT line FROM seen WHERE kind = ? AND id = ?", (kind, plain_id))
        return int(found.fetchone()[0])

    def note_site(self, plain_id: str, site: Site) -> None:
        """Notes a property for `site`, unless it is noted already."""
        self._db.execute("INSERT OR IGNORE INTO sites VALUES (?, ?, ?)", (plain_id, site.parent_id, site.zone))

    def site(self, plain_id: str) -> Site | None:
        """The property that was noted with this id."""
        found = self._db.execute("SELECT parent, zone FROM sites WHERE id = ?", (plain_id,)).fetchone()
        return None if found is None else Site(*found)

    def units_of(self, plain_id: str) -> tuple[str, ...]:
        """The ids of the properties that were noted with this building, in order."""
        found = self._db.execute("SELECT id FROM sites WHERE parent = ? ORDER BY id", (plain_id,))
        return tuple(row[0] for row in found)

    def take(self, spans: Iterable[Taken]) -> None:
        """Notes spans for `overlaps`."""
        self._db.executemany(
            "INSERT INTO spans VALUES (?, ?, ?, ?, ?)",
            ((each.resource, each.start, each.stop, each.line, each.booking_id) for each in spans),
        )

    def overlaps(self) -> Iterator[tuple[Taken, Taken]]:
        """Pairs (span of a line, span that it overlaps), by resource and time. Of two lines, the later one is first.

        Every line that overlaps another span is in at least one pair. Not every possible pair is there: a hundred
        bookings of one slot have five thousand.
        """
        reaching: Taken | None = None
        order = "SELECT resource, start, stop, line, booking FROM spans ORDER BY resource, start, stop, line"
        for row in self._db.execute(order):
            span = Taken(*row)
            if reaching is None or reaching.resource != span.resource or reaching.stop <= span.start:
                reaching = span
                continue
            # Of all earlier spans, only the one that reaches furthest matters from here on.
            if (pair := _pair(reaching, span)) is not None:
                yield pair
            if span.stop > reaching.stop:
                reaching = span


def _pair(one: Taken, other: Taken) -> tuple[Taken, Taken] | None:
    """The two spans, the later line first; None for two existing bookings, because the unique index guards those."""
    later, earlier = sorted((one, other), key=lambda each: each.line or 0, reverse=True)
    return None if later.line is None else (later, earlier)
