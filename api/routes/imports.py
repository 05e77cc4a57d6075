"""CSV files of properties, technicians, services and bookings: checked, and imported."""

from __future__ import annotations

from typing import Any

from api.http.endpoint import Ask, Recall, Reply, Routes
from api.routes.customers import ADMIN
from models.errors import TakesTooLong
from models.imports import MOST_BYTES, ImportColumns, ImportQuery, ImportReply, ImportRequest
from models.shapes import ReplyShape

routes = Routes(
    "Imports",
    "Files of another system, or of an export, as CSV. A file is checked as a whole before its first row is written.",
)

SECONDS = 20.0
REPLY = ReplyShape(ImportReply)


def _again(ask: Ask[ImportRequest], kept: dict[str, Any]) -> dict[str, Any]:
    """The first answer. The rows of a preview are not kept, because they may name customers; the request has them."""
    if not ask.given.dry_run:
        return kept
    return kept | {"preview": ask.services.imports.preview(ask.caller.org, ask.given).model_dump(mode="json")}


@routes.post(
    "/imports",
    "Import a CSV file",
    roles=ADMIN,
    body=ImportRequest,
    replies={200: ImportReply},
    refusals=(TakesTooLong,),
    recall=Recall(tuple(name for name in ImportReply.model_fields if name != "preview"), _again),
    most_bytes=MOST_BYTES,
    seconds=SECONDS,
)
def import_file(ask: Ask[ImportRequest]) -> Reply:
    """Checks a file by the rules of `scripts/import.py`, and says what is wrong by line and column. Without
    `dry_run: false` it writes nothing. With it, it writes all rows if none is wrong; else it answers 400 with a fault
    for each of the first hundred mistakes, such as `csv.12.start`, and writes nothing. It writes for some seconds: what
    is `left` then is written by the same request again, with another `Idempotency-Key` or none, because rows that exist
    already count as `unchanged`. A body has at most 2 MiB, `csv` at most 10,000 lines."""
    return Reply(200, REPLY.of(ask.services.imports.run(ask.caller.org, ask.given)))


@routes.get(
    "/imports", "Read the columns of a kind of file", roles=ADMIN, query=ImportQuery, replies={200: ImportColumns}
)
def read_import_columns(ask: Ask[ImportQuery]) -> Reply:
    """Shows which columns a file of this kind may have, which ones it needs, and a small file to begin with."""
    return Reply(200, ask.services.imports.columns(ask.caller.org, ask.given.kind))
