#!/usr/bin/env python3
"""Speed and cost of Holdfast beside *textbook*, the sixty lines that people write instead, in one run.

    scripts/bench.py                              Holdfast, textbook and a bare route, in turns
    scripts/bench.py --against ../before          the same, and with them the code of another checkout
    scripts/bench.py --bookings 1000,1000000      two databases side by side: is the larger one slower?
    scripts/bench.py --backlog 1000000            a webhook that is down: memory of the relay, and news of others
    scripts/bench.py --streams 2000               holds beside so many open streams of live events
    scripts/bench.py --pages                      the desk's board and the checkout in a browser
    scripts/bench.py --technicians 10,1000 --orgs 1,200 --holds 0,20000

Each side is a private server under the same gunicorn settings, with stores of its own. One volley of an operation goes
to one side, the next to another. Each ratio compares turns of one round, and the median of the rounds counts. The load
comes from one process over keep-alive connections in a closed loop, on the machine that it measures. Processor time is
that of the workers, Redis and mongod, from /proc. The other checkout runs with the packages of this one.

A comparison of sizes, or a run with streams or pages, takes the place of the usual run. A million bookings take some
minutes to write. Pages need the packages of the tests.

Exit status: 0 measured (whether or not the goals are met); 2 no measurement was possible.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError
from rich.console import Console

from scripts.dev_server.child import StartError
from scripts.load.bench.backlog import hold_up
from scripts.load.bench.runs import SIZES, Plan, compare, grow
from scripts.load.bench.servers import Setting
from scripts.load.bench.streams import follow
from scripts.load.client.target import Unreachable
from scripts.load.report import terminal


class Finding(Protocol):
    """What a run found."""

    def print(self, console: Console) -> None: ...

    def as_data(self) -> dict[str, Any]: ...


BUSY = 0.25
"""Load per processor before the run from which on it is worth a warning."""


def _sizes(text: str) -> tuple[int, int]:
    small, large = (int(part.replace("_", "")) for part in text.split(","))
    if not 0 <= small < large:
        raise ValueError
    return small, large


def _checkout(text: str) -> Path:
    folder = Path(text)
    if not (folder / "gunicorn.conf.py").is_file():
        raise argparse.ArgumentTypeError("no checkout of Holdfast is there")
    return folder


def parser() -> argparse.ArgumentParser:
    """The command line."""
    about, _, usage = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(
        description=about, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--against", type=_checkout, metavar="DIR", help="another checkout, whose code takes turns too")
    for what in SIZES:
        made.add_argument(
            f"--{what}", type=_sizes, metavar="N,M", help=f"compare a server with N {what} and one with M"
        )
    made.add_argument("--backlog", type=int, metavar="N", help="N entries wait for a webhook that is down")
    made.add_argument("--streams", type=int, metavar="N", help="holds beside N open streams of another org")
    made.add_argument("--pages", action="store_true", help="the desk's board and the checkout in Debian's chromium")
    made.add_argument("--rounds", type=int, default=5, help="rounds that count, after one to warm up (5)")
    made.add_argument("--requests", type=int, default=900, help="requests in a volley (900)")
    made.add_argument("--connections", type=int, default=32, help="keep-alive connections to each side (32)")
    made.add_argument("--workers", type=int, default=2, help="gunicorn workers of each side (2)")
    made.add_argument("--json", metavar="FILE", help="all figures as JSON, into a file or, with -, to stdout")
    return made


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(options: argparse.Namespace) -> list[Finding]:
    """Starts everything, measures, stops everything. Raises Unreachable."""
    load = os.getloadavg()[0]
    if load > BUSY * (os.cpu_count() or 1):
        say(f"the machine is busy already (load {load:.2f}): the ratios still compare, but they will scatter")
    plan = Plan(Setting(options.workers, options.connections), options.rounds, options.requests, say)
    if options.backlog:
        return [hold_up(options.backlog, options.workers)]
    if options.pages:
        from scripts.load.bench.pages import look  # noqa: PLC0415  # it needs the packages of the tests

        return [look(plan)]
    if options.streams:
        return [follow(plan, options.streams)]
    wanted = {what: getattr(options, what) for what in SIZES if getattr(options, what)}
    return [grow(plan, what, sizes) for what, sizes in wanted.items()] or [compare(plan, options.against)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(arguments)
    console = terminal(stderr=options.json == "-")
    try:
        found = measure(options)
    except (Unreachable, StartError, OSError, PyMongoError, RedisError) as fault:
        print(f"bench.py: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 2
    for each in found:
        each.print(console)
    text = json.dumps([each.as_data() for each in found], indent=2)
    if options.json == "-":
        print(text)
    elif options.json:
        Path(options.json).write_text(text + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
