"""Ids and spans of a whole file in a temporary SQLite database, so that memory stays steady.

SQLite makes it without a name, in the folder for temporary files (SQLITE_TMPDIR, TMPDIR): however the process ends,
nothing of it is left.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CACHE_KIB = 16_384
SCHEMA = """
CREATE TABLE known (kind TEXT, id TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE seen (kind TEXT, id TEXT, line INTEGER, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE spans (resource TEXT, start INTEGER, stop INTEGER, line INTEGER, booking TEXT);
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """One resource for [start, stop) ticks, by a line of the file, or by a booking that exists (line is None)."""

    resource: str
    start: int
    stop: int
    line: int | None
    booking_id: str


class Scratch:
    """What a check has to remember. Close it, or leave its `with` block."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; PRAGMA cache_size=-{CACHE_KIB};"
        )
        self._db.executescript(SCHEMA)
        self._db.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def know(self, kind: str, ids: Iterable[str]) -> None:
        """These ids may be referred to."""
        self._db.executemany("INSERT OR IGNORE INTO known VALUES (?, ?)", ((kind, each) for each in ids))

    def knows(self, kind: str, plain_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM known WHERE kind = ? AND id = ?", (kind, plain_id))
        return found.fetchone() is not None

    def first_line(self, kind: str, plain_id: str, line: int) -> int:
        """The line in which this id came first: this one, or an earlier one."""
        added = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (kind, plain_id, line))
        if added.rowcount:
            return line
        found = self._db.execute("SELECT line FROM seen WHERE kind = ? AND id = ?", (kind, plain_id))
        return int(found.fetchone()[0])

    def take(self, spans: Iterable[Taken]) -> None:
        """Remembers spans for `overlaps`."""
        self._db.executemany(
            "INSERT INTO spans VALUES (?, ?, ?, ?, ?)",
            ((each.resource, each.start, each.stop, each.line, each.booking_id) for each in spans),
        )

    def overlaps(self) -> Iterator[tuple[Taken, Taken]]:
        """Pairs (of a line of the file, of what it overlaps), by resource and time.

        Every line that overlaps anything is in at least one pair, and of two lines the later one comes first in it; not
        every pair that there is: of a hundred bookings of one slot that would be five thousand.
        """
        reaching: Taken | None = None
        order = "SELECT resource, start, stop, line, booking FROM spans ORDER BY resource, start, stop, line"
        for row in self._db.execute(order):
            span = Taken(*row)
            if reaching is None or reaching.resource != span.resource or reaching.stop <= span.start:
                reaching = span
                continue
            # An earlier span that reaches further covers whatever any other earlier one does from here on.
            if (pair := _pair(reaching, span)) is not None:
                yield pair
            if span.stop > reaching.stop:
                reaching = span


def _pair(one: Taken, other: Taken) -> tuple[Taken, Taken] | None:
    """The later line first; None of two that exist, which the index looks after."""
    later, earlier = sorted((one, other), key=lambda each: each.line or 0, reverse=True)
    return None if later.line is None else (later, earlier)
