"""Example replies about imports."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from models.imports import ImportColumn, ImportColumns, ImportPreview, ImportReply, ReadRow, RowFault

EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    ImportReply: ImportReply(
        kind="technicians",
        dry_run=True,
        rows=2,
        created=1,
        changed=0,
        unchanged=0,
        refused=1,
        left=0,
        left_to_relay=0,
        fault_count=1,
        faults=[RowFault(line=3, column="name", message="Give name, which is required.")],
        preview=ImportPreview(
            columns=["id", "name"],
            rows=[ReadRow(line=2, cells=["bob", "Bob Example"]), ReadRow(line=3, cells=["dana", ""])],
        ),
    ).model_dump(mode="json"),
    ImportColumns: ImportColumns(
        kind="technicians",
        columns=[
            ImportColumn(name="id", required=True),
            ImportColumn(name="name", required=True),
            ImportColumn(name="status", required=False),
        ],
        example="id,name\r\nbob,Bob Example\r\n",
    ).model_dump(mode="json"),
}
