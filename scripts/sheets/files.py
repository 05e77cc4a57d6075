"""A file of this machine, or standard input, as a sheet."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from services.sheets.sheet import Columns, Sheet, Unreadable

STDIN = "-"


@contextmanager
def open_sheet(path: str, columns: Columns) -> Iterator[Sheet]:
    """Opens a file, or stdin for `-`. Copies what cannot be read twice to a temporary file. Raises Unreadable."""
    name = "stdin" if path == STDIN else path
    with ExitStack() as stack:
        try:
            file = sys.stdin.buffer if path == STDIN else stack.enter_context(Path(path).open("rb"))
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                spool = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(file, spool)
                spool.flush()
                file = cast("BinaryIO", spool)
        except OSError as error:
            raise Unreadable(f"{name} cannot be read: {error.strerror}.") from error
        yield Sheet(name, file, columns, lambda: _state(file))


def _state(file: BinaryIO) -> tuple[int, int]:
    """What differs once the file has changed: its size and its time."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns
