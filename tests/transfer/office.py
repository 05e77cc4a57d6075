"""A world with a folder of CSV files, for imports and exports as the commands make them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from scripts.sheets import dumping, importing
from scripts.sheets.importing import Files
from scripts.sheets.progress import Progress
from services.sheets.local_times import LocalTimes
from services.sheets.table import Span
from services.stores.connections import Stores
from services.transfer.wiring import Transfer, build_transfer
from tests.world import World, rfc3339, tomorrow

SIMPLE = ("reference", "property_id", "technician_id", "start", "duration_minutes", "customer_name")


class Watched(Progress):
    """Invisible progress that calls `on_phase` when a phase begins."""

    def __init__(self, on_phase: Callable[[str], None] = lambda name: None) -> None:
        super().__init__(io.StringIO())
        self.on_phase = on_phase

    def phase(self, name: str) -> None:
        super().phase(name)
        self.on_phase(name)


class Office:
    """One org's files. status, output: of the last import."""

    def __init__(self, world: World, folder: Path, redis: Any = None) -> None:
        self.world = world
        self.folder = folder
        services = world.services
        self.transfer: Transfer = build_transfer(Stores(redis or services.redis, services.db), services.clock)
        self.status = -1
        self.output = ""

    def row(self, **changed: Any) -> dict[str, Any]:
        """A valid row of another system: prop-1 and tech-1, tomorrow at ten, for an hour."""
        row: dict[str, Any] = {"reference": "order-1", "property_id": "prop-1", "technician_id": "tech-1"}
        row |= {"start": rfc3339(tomorrow()), "duration_minutes": 60, "customer_name": "Alice"}
        return row | changed

    def file(self, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
        """Writes a file with these rows and all their columns. Returns its path."""
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (self.folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        return str(self.folder / name)

    def text(self, name: str, text: str | bytes) -> str:
        """Writes a file with exactly this text. Returns its path."""
        (self.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(self.folder / name)

    def run(
        self,
        *,
        bookings: str | None = None,
        properties: str | None = None,
        technicians: str | None = None,
        services: str | None = None,
        dry_run: bool = False,
        update: bool = False,
        problems_file: str | None = None,
        times_in: str | None = None,
        on_phase: Callable[[str], None] = lambda name: None,
    ) -> list[str]:
        """Imports. Returns the printed problems, without the folder."""
        files = Files(properties, technicians, services, bookings)
        out = io.StringIO()
        with redirect_stdout(out):
            self.status = importing.run(
                self.transfer,
                self.world.org,
                files,
                progress=Watched(on_phase),
                update=update,
                dry_run=dry_run,
                problems_file=problems_file,
                local_times=LocalTimes(times_in) if times_in else None,
            )
        self.output = out.getvalue()
        stem = f"{self.folder}/"
        return [line.removeprefix(stem) for line in self.output.splitlines() if line.startswith(stem)]

    def book(self, *rows: Mapping[str, Any], **options: Any) -> list[str]:
        """Imports a file of bookings with these rows. Returns the printed problems."""
        return self.run(bookings=self.file("bookings.csv", rows), **options)

    def export(self, *kinds: dumping.Kind, folder: str = "out", span: Span | None = None) -> dict[str, Any]:
        """Exports. Returns the path of the file of each kind."""
        wanted = kinds or dumping.KINDS
        target = str(self.folder / folder)
        span = span or Span()
        dumping.run(self.transfer, self.world.org, target=target, kinds=wanted, span=span, progress=Watched())
        return {kind: f"{target}/{kind}.csv" for kind in wanted}


def named(problems: list[str]) -> set[str]:
    """The columns that printed problems name."""
    return {problem.split(": ")[1] for problem in problems}
