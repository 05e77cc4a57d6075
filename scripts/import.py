#!/usr/bin/env python3
"""Imports properties, technicians, services and bookings of another system from CSV files into an org.

    scripts/import.py --data .data --bookings bookings.csv --dry-run      reports the problems by line; writes nothing
    scripts/import.py --org acme --properties p.csv --technicians t.csv --services s.csv --bookings b.csv
    zcat b.csv.gz | scripts/import.py --org acme --bookings - --problems problems.txt
    scripts/import.py --org acme --bookings b.csv --times-in Europe/Copenhagen      local times: 2026-12-05 10:00

Checks every line first, and writes nothing if one is wrong. The same command again writes only what is missing. The
environment names the stores (MONGO_URL, HOLDFAST_MONGO_DB, REDIS_URL); with --data they are those of a running
scripts/server. docs/operations.md describes the columns.

Exit status: 0 success; 1 there were problems; 2 the command cannot run; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from pydantic import TypeAdapter, ValidationError

from models.catalogue import Timezone
from scripts.sheets.dumping import KINDS
from scripts.sheets.files import STDIN
from scripts.sheets.importing import Files, run
from scripts.sheets.outcome import outcome
from scripts.sheets.progress import Progress
from scripts.sheets.stores import open_stores, store_parser
from services.observability import configure_logging
from services.sheets.local_times import LocalTimes


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = store_parser(__doc__ or "")
    for kind in KINDS:
        made.add_argument(f"--{kind}", metavar="FILE", help=f"{kind} as CSV; - is standard input")
    made.add_argument("--dry-run", action="store_true", help="only check")
    made.add_argument("--update", action="store_true", help="change properties, technicians and services that differ")
    made.add_argument(
        "--times-in",
        type=_zone,
        metavar="ZONE",
        help="the time zone of times without an offset, such as 2026-12-05 10:00, by its IANA name",
    )
    made.add_argument("--problems", metavar="FILE", help="write the problems to this file instead of stdout")
    return made


def _zone(name: str) -> LocalTimes:
    try:
        return LocalTimes(TypeAdapter(Timezone).validate_python(name))
    except ValidationError as error:
        raise argparse.ArgumentTypeError(f"{name} is no IANA name of a zone, such as Europe/Paris") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    made = parser()
    options = made.parse_args(arguments)
    named = {kind: getattr(options, kind) for kind in KINDS}
    files, paths = Files(**named), [path for path in named.values() if path]
    if not paths:
        made.error("name a file: --properties, --technicians, --services or --bookings")
    if paths.count(STDIN) > 1:
        made.error("only one file can come from standard input")
    configure_logging("WARNING")
    written = "What is written stays; run the same command again to write the rest."
    return outcome(lambda: _import(options, files), afterwards=written)


def _import(options: argparse.Namespace, files: Files) -> int:
    org, transfer = open_stores(options.org, options.data)
    with closing(Progress(sys.stderr)) as progress:
        return run(
            transfer,
            org,
            files,
            progress=progress,
            update=options.update,
            dry_run=options.dry_run,
            problems_file=options.problems,
            local_times=options.times_in,
        )


if __name__ == "__main__":
    sys.exit(main())
