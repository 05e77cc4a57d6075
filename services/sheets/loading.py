"""The second reading of a file: writes its records in batches. A batch can be written again without harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from services.sheets.problems import BadRow, Fault, Problems
from services.sheets.progress import Progress
from services.sheets.sheet import Row, Sheet, chunks
from services.sheets.table import Record, Stored, Table
from services.transfer.batches import Refused

BATCH = 250


def load(
    sheet: Sheet,
    table: Table[Record, Stored],
    problems: Problems,
    progress: Progress,
    goes_on: Callable[[], bool] = lambda: True,
) -> Counter[str]:
    """Writes the records of a checked file. Reports those that another client has overtaken since the check.

    goes_on: asked after each batch, whether to write the next. Returns the numbers of records by the names in `Added`,
    and of the `rows` that were read. Raises Unreadable, StoreUnavailable.
    """
    progress.phase(f"writing {table.kind}")
    counts = Counter[str]()
    try:
        for rows in chunks(sheet.rows(), BATCH):
            records = [_record(sheet, table, row) for row in rows]
            added = table.add(records)
            lines = {table.id_of(record): row.line for row, record in zip(rows, records, strict=True)}
            for refused in added.refused:
                problems.report(sheet.name, lines[refused.id], Fault(None, _sentence(table.word, refused)))
            counts.update(
                new=added.new, changed=added.changed, present=added.present, left_to_relay=added.left_to_relay
            )
            counts["rows"] += len(rows)
            progress.advance(len(rows))
            if not goes_on():
                break
    finally:
        # Also after an interruption, and even if nothing was written: an earlier run may have died before this.
        table.announce()
    return counts


def _record(sheet: Sheet, table: Table[Record, Stored], row: Row) -> Record:
    try:
        if not row.faults:
            return table.parse(row.cells, sheet.given)
    except BadRow:
        pass
    raise sheet.changed()


def _sentence(word: str, refused: Refused) -> str:
    if refused.why == "taken":
        by = f"booking {', '.join(refused.by)}" if refused.by else "another booking"
        return f"Not written, because {by} has taken the slot meanwhile."
    if refused.why == "another_org":
        return "Not written, because another org has made a booking with this id meanwhile."
    if refused.why == "differs":
        return f"Not written, because another client has made a different {word} {refused.id} meanwhile."
    if refused.why == "refused":
        return f"Not written: {refused.detail}"
    return "Not written, because MongoDB refused the document."
