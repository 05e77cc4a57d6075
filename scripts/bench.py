#!/usr/bin/env python3
"""Speed and cost of the service, as shares of a bare Flask route under the same gunicorn settings, in one run.

    scripts/bench.py                              a table
    scripts/bench.py --bookings 1000,1000000      the same on two databases side by side: does it grow slower?
    scripts/bench.py --json bench.json

It starts a private server for each size of database and a bare app beside them, warms all of them up, and lets them
take turns: one volley of the bare route, one of each operation, and again. Every share compares volleys of one round.
The load comes from one process over keep-alive connections in a closed loop, on the machine that it measures.

Costs are counted afterwards with the relay at rest. A Redis trip is one read from a client's socket: a script counts
once, however many commands it runs inside.

Exit status: 0 measured (whether or not the goals are met); 2 no measurement was possible.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from scripts.load.bench.costs import PROBES, costs, cpu_ms, relay_cpu_ms
from scripts.load.bench.operations import BARE, BARE_REQUEST, OPERATIONS, Bench, Slots, expect
from scripts.load.bench.preload import preload
from scripts.load.bench.report import Report
from scripts.load.client.pump import Pump, Volley
from scripts.load.client.servers import bare_server, private_server, with_own_org
from scripts.load.client.target import Unreachable
from scripts.load.report import terminal

BUSY = 0.25
"""Load per processor before the run from which on it is worth a warning."""

BARE_VOLLEYS = 3
"""The bare route is so fast that its volley is this many times as long."""


def _sizes(text: str) -> list[int]:
    sizes = sorted({int(part.replace("_", "")) for part in text.split(",")})
    if sizes[0] < 0:
        raise argparse.ArgumentTypeError("a number of bookings is not negative")
    return sizes


def parser() -> argparse.ArgumentParser:
    """The command line."""
    about, _, usage = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(
        description=about, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--bookings", type=_sizes, default=[0], metavar="N[,N]", help="bookings preloaded into each database (0)"
    )
    made.add_argument("--rounds", type=int, default=7, help="rounds that count, after one to warm up (7)")
    made.add_argument("--requests", type=int, default=900, help="requests in a volley (900)")
    made.add_argument("--connections", type=int, default=32, help="keep-alive connections (32)")
    made.add_argument("--workers", type=int, default=2, help="gunicorn workers of each server (2)")
    made.add_argument("--json", metavar="FILE", help="all figures as JSON, into a file or, with -, to stdout")
    return made


def _stack(options: argparse.Namespace, size: int, say: Callable[[str], None], until: contextlib.ExitStack) -> Bench:
    """A private server with so many bookings in an org of its own."""
    target = with_own_org(until.enter_context(private_server(options.workers)))
    slots = Slots(f"bench{secrets.token_hex(3)}")
    slots.create(target)
    label = f"{size:,} bookings"
    if size:
        preload(target, slots, size, datetime.now(UTC), lambda text: say(f"{label}: {text}"))
    pump = until.enter_context(Pump(target.address, options.connections))
    return Bench(label, target, pump, slots)


def _rounds(options: argparse.Namespace, benches: list[Bench], bare: Pump, say: Callable[[str], None]) -> list[Volley]:
    """All rounds, the first of which only warms up; returns the bare route's volleys."""
    kept: list[Volley] = []
    for number in range(options.rounds + 1):
        say(f"round {number} of {options.rounds}" if number else "warming up")
        volley = bare.fire([BARE_REQUEST] * (options.requests * BARE_VOLLEYS))
        expect(BARE, volley)
        if number:
            kept.append(volley)
        for operation in OPERATIONS:
            # The first one in a round gets the colder caches: the databases take turns at that.
            for bench in benches if number % 2 else reversed(benches):
                volley = bench.fire(operation, options.requests)
                if number:
                    bench.volleys[operation].append(volley)
    return kept


def measure(options: argparse.Namespace, say: Callable[[str], None]) -> Report:
    """Starts everything, measures, stops everything."""
    load_before = round(os.getloadavg()[0], 2)
    if load_before > BUSY * (os.cpu_count() or 1):
        say(f"the machine is busy already (load {load_before}): the shares still compare, but they will scatter")
    with contextlib.ExitStack() as until:
        benches = [_stack(options, size, say, until) for size in options.bookings]
        address, bare_pid = until.enter_context(bare_server(options.workers))
        bare = until.enter_context(Pump(address, options.connections))
        volleys = _rounds(options, benches, bare, say)
        say("counting what each operation costs")
        probes = [BARE_REQUEST] * (PROBES * BARE_VOLLEYS)
        before = cpu_ms(bare_pid)
        bare.fire(probes)
        bare_cpu = (cpu_ms(bare_pid) - before) / len(probes)
        counted = costs(benches[0])
        relay_cpu = relay_cpu_ms(benches[0])
    settings = {
        "workers": options.workers,
        "connections": options.connections,
        "requests": options.requests,
        "rounds": options.rounds,
        "processors": os.cpu_count(),
        "load_average_before": load_before,
    }
    return Report(settings, volleys, benches, counted, bare_cpu, relay_cpu)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(arguments)
    console = terminal(stderr=options.json == "-")
    try:
        report = measure(options, lambda text: print(text, file=sys.stderr, flush=True))
        report.print(console)
    except (Unreachable, OSError, PyMongoError, RedisError) as fault:
        print(f"bench.py: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 2
    text = json.dumps(report.as_data(), indent=2)
    if options.json == "-":
        print(text)
    elif options.json:
        Path(options.json).write_text(text + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
