#!/usr/bin/env python3
"""Reads properties, technicians and bookings that exist already from CSV files into an org.

    scripts/import.py --data .data --bookings bookings.csv --dry-run      what is wrong, line by line; writes nothing
    scripts/import.py --org acme --properties p.csv --technicians t.csv --bookings b.csv
    zcat b.csv.gz | scripts/import.py --org acme --bookings - --problems problems.txt

Every line is checked first, and nothing is written where one is wrong. The same command again writes what is missing
and nothing twice. The stores are those that the environment names (MONGO_URL, HOLDFAST_MONGO_DB, REDIS_URL), or with
--data those of a running scripts/server. The columns are described in docs/operations.md.

Exit status: 0 all is well; 1 there were problems; 2 no run was possible; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from scripts.sheets.importing import Files, run
from scripts.sheets.outcome import outcome
from scripts.sheets.progress import Progress
from scripts.sheets.sheet import STDIN
from scripts.sheets.stores import add_store_options, open_stores
from services.observability import configure_logging


def parser() -> argparse.ArgumentParser:
    """The command line."""
    about, _, usage = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(
        description=about, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_store_options(made)
    for kind in ("properties", "technicians", "bookings"):
        made.add_argument(f"--{kind}", metavar="FILE", help=f"{kind} as CSV; - is standard input")
    made.add_argument("--dry-run", action="store_true", help="only check")
    made.add_argument("--update", action="store_true", help="change properties and technicians that differ")
    made.add_argument("--problems", metavar="FILE", help="write the problems there instead of to stdout")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    made = parser()
    options = made.parse_args(arguments)
    files = Files(options.properties, options.technicians, options.bookings)
    paths = [path for path in (files.properties, files.technicians, files.bookings) if path]
    if not paths:
        made.error("name a file: --properties, --technicians or --bookings")
    if paths.count(STDIN) > 1:
        made.error("only one file can come from standard input")
    configure_logging("WARNING")
    written = "What is written stays; run the same command again for the rest."
    return outcome(lambda: _import(options, files), afterwards=written)


def _import(options: argparse.Namespace, files: Files) -> int:
    org, carrying = open_stores(options.org, options.data)
    told, only_check, update = options.problems, options.dry_run, options.update
    with Progress(sys.stderr) as progress:
        return run(carrying, org, files, progress=progress, update=update, dry_run=only_check, told=told)


if __name__ == "__main__":
    sys.exit(main())
