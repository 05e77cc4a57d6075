"""An import of one CSV file through the API: what is asked, and what became of its rows."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from models.catalogue import Timezone
from models.fields import Request, Shown

ImportKind = Literal["properties", "technicians", "services", "bookings"]
MOST_BYTES: Final = 2_097_152
"""Of the body of an import."""
MOST_LINES: Final = 10_000


class ImportRequest(Request):
    """Body of POST /imports.

    csv: the text of the file. dry_run: check it alone. update: records that differ may change. times_in: the zone of
    times without an offset.
    """

    kind: ImportKind
    csv: Annotated[str, StringConstraints(min_length=1)]
    dry_run: bool = True
    update: bool = False
    times_in: Timezone | None = None


class ImportQuery(Request):
    """Query of GET /imports."""

    kind: ImportKind


class RowFault(Shown):
    """One thing that is wrong with a file. column: None for the whole line."""

    line: int
    column: str | None
    message: str


class ReadRow(Shown):
    """A row as it was read: a cell for each column of the preview, and the line in which it begins."""

    line: int
    cells: list[str]


class ImportPreview(Shown):
    """The known columns of a file, and its first rows."""

    columns: list[str]
    rows: list[ReadRow]


class ImportReply(Shown):
    """What an import does with the rows of a file, or what it would do.

    left: the rows that are not written yet, because the time of the request is over. preview: of a dry run.
    """

    kind: ImportKind
    dry_run: bool
    rows: int
    created: int
    changed: int
    unchanged: int
    refused: int
    left: int
    left_to_relay: int
    fault_count: int
    faults: list[RowFault]
    preview: ImportPreview | None = None


class ImportColumn(Shown):
    """A column that a file of a kind may have."""

    name: str
    required: bool


class ImportColumns(Shown):
    """The columns of one kind of file, and a small file of it."""

    kind: ImportKind
    columns: list[ImportColumn]
    example: str
