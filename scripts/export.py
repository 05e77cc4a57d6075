#!/usr/bin/env python3
"""Exports an org's properties, technicians, services and bookings as CSV files that scripts/import.py can import.

    scripts/export.py --data .data --to export                       one file of each kind, such as properties.csv
    scripts/export.py --org acme --to export --only bookings --from 2026-12-01 --until 2027-01-01
    scripts/export.py --org acme --to - --only bookings | gzip > bookings.csv.gz

The environment names the stores (MONGO_URL, HOLDFAST_MONGO_DB); with --data they are those of a running
scripts/server. The files hold personal data, so only their owner may read them.

Exit status: 0 success; 2 the command cannot run; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from pydantic import TypeAdapter, ValidationError

from models.times import DayOrMoment
from scripts.sheets.dumping import KINDS, STDOUT, Kind, run
from scripts.sheets.outcome import outcome
from scripts.sheets.progress import Progress
from scripts.sheets.stores import open_stores, store_parser
from services.observability import configure_logging
from services.sheets.table import Span


def _moment(text: str) -> datetime:
    try:
        found: datetime = TypeAdapter(DayOrMoment).validate_python(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(error.errors()[0]["msg"]) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _kinds(text: str) -> list[Kind]:
    wanted = text.split(",")
    if not set(wanted) <= set(KINDS):
        raise argparse.ArgumentTypeError("choose from " + ",".join(KINDS))
    return [kind for kind in KINDS if kind in wanted]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = store_parser(__doc__ or "")
    made.add_argument("--to", required=True, metavar="DIR", help="the folder for the files; - is stdout, for one kind")
    made.add_argument("--only", type=_kinds, default=list(KINDS), metavar="KINDS", help=",".join(KINDS))
    made.add_argument("--from", dest="since", type=_moment, metavar="DATE", help="the earliest start of a booking")
    made.add_argument("--until", type=_moment, metavar="DATE", help="bookings that start before it; dates are in UTC")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    made = parser()
    options = made.parse_args(arguments)
    if options.to == STDOUT and len(options.only) != 1:
        made.error("--to - writes one kind: choose it with --only")
    configure_logging("WARNING")
    return outcome(lambda: _export(options), afterwards="The unfinished file has been removed.")


def _export(options: argparse.Namespace) -> int:
    org, transfer = open_stores(options.org, options.data)
    span = Span(options.since, options.until)
    with closing(Progress(sys.stderr)) as progress:
        run(transfer, org, target=options.to, kinds=options.only, span=span, progress=progress)
    return 0


if __name__ == "__main__":
    sys.exit(main())
