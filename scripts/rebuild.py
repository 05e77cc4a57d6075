#!/usr/bin/env python3
"""Rebuilds what Redis shows of an org's bookings from MongoDB, and waits until it is whole.

    scripts/rebuild.py --org acme                   one org
    scripts/rebuild.py --all                        every org of the installation
    scripts/rebuild.py --data .data                 the org of a running scripts/server

It deletes the org's epoch. From then on every hold is checked in MongoDB, and a running relay mirrors every booking
that is not over. Holds and bookings go on meanwhile, and no live hold is lost. The environment names the stores
(MONGO_URL, HOLDFAST_MONGO_DB, REDIS_URL).

Exit status: 0 all are whole; 1 some are not whole in time, mostly because no relay runs; 2 the command cannot run, or a
store does not answer; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from scripts.sheets.outcome import outcome
from scripts.sheets.stores import Unusable, store_parser, store_settings
from services.catalogue.documents import org_ids
from services.claims.epochs import Epochs
from services.claims.scripts import Scripts
from services.observability import configure_logging
from services.stores.connections import connect_stores

LOOK_EVERY_SECONDS = 0.05


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = store_parser(__doc__ or "")
    made.add_argument("--all", action="store_true", help="every org")
    made.add_argument("--seconds", type=float, default=60, help="how long to wait for the relay (%(default)s)")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(arguments)
    configure_logging("ERROR")
    return outcome(lambda: _rebuild(options), afterwards="Run the same command again.")


def _rebuild(options: argparse.Namespace) -> int:
    settings, its_org = store_settings(options.data)
    stores = connect_stores(settings)
    with closing(stores.redis), closing(stores.db.client):
        orgs = _orgs(org_ids(stores.db), options.org or its_org, every=options.all)
        epochs = Epochs(stores.redis, Scripts(stores.redis))
        began = time.monotonic()
        for org in orgs:
            epochs.remove(org)
        left = _wait(epochs, orgs, began, options.seconds)
    if left:
        print(f"Not rebuilt within {options.seconds:g} s: {', '.join(left)}. Is a relay running?", file=sys.stderr)
    return 1 if left else 0


def _orgs(known: list[str], org: str | None, *, every: bool) -> list[str]:
    if every:
        return known
    if org is None:
        raise Unusable("Give --org with the id of an org, or --all.")
    if org not in known:
        raise Unusable(f"There is no org {org}.")
    return [org]


def _wait(epochs: Epochs, orgs: list[str], began: float, seconds: float) -> list[str]:
    """Reports each org when its mirror is whole. Gives the orgs that are not in time."""
    left = list(orgs)
    while True:
        missing = epochs.missing(left)
        for org in left:
            if org not in missing:
                print(f"{org}: rebuilt in {time.monotonic() - began:.1f} s.", flush=True)
        left = missing
        if not left or time.monotonic() - began > seconds:
            return left
        time.sleep(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
