"""The words of imports."""

from __future__ import annotations

_KINDS = ("ImportRequest", "ImportQuery", "ImportReply", "ImportColumns")

WORDS: dict[str, str] = {
    **{
        f"{model}.kind": "What the rows are."
        for model in ("ImportRequest", "ImportQuery", "ImportReply", "ImportColumns")
    },
    "csv": (
        "The text of the file: a line with the names of the columns, then a line for each record, separated by commas, "
        "semicolons, tabs or bars. At most 10,000 lines."
    ),
    "ImportRequest.dry_run": "Whether to check alone. Then nothing is written.",
    "ImportReply.dry_run": "Whether the file was only checked.",
    "update": "Whether properties, technicians and services that differ are changed. Without it they are mistakes.",
    "times_in": (
        "The IANA name of the time zone of times without an offset, such as `2026-12-05 10:00`. Without it they are "
        "mistakes."
    ),
    "ImportReply.rows": "How many rows the file has.",
    "created": "How many records were made; of a dry run, would be made if the other rows were right.",
    "changed": "How many records were changed, or would be.",
    "unchanged": "How many rows say what is there already.",
    "refused": "How many rows have a mistake; of an import, how many were overtaken by other clients.",
    "ImportReply.left": "How many rows are not written yet, because the time of the request is over. Send it again.",
    "left_to_relay": "How many written bookings Redis did not take. The relay marks them there.",
    "fault_count": "How many mistakes there are.",
    "faults": "The first 500 mistakes, by line. Overlaps of bookings come last.",
    "line": "The line of the file in which the row begins. The names of the columns are line 1.",
    "column": "The column; null where the whole line is meant.",
    "RowFault.message": "What to write instead, in one sentence.",
    "preview": "The first five rows, as they were read. Only a dry run has it.",
    "ImportPreview.columns": "The columns of the file that are known.",
    "ImportPreview.rows": "The first rows.",
    "cells": "The text of each column, without blanks around it; empty where the row has nothing.",
    "ImportColumns.columns": "All columns that a file may have, in the order in which export writes them.",
    "ImportColumn.name": "The name of the column.",
    "required": "Whether a file needs the column.",
    "example": "A small file of this kind, as text.",
}
