#!/usr/bin/env python3
"""The concurrency proof: many clients race for the same slots, and MongoDB and Redis are asked what came of it.

    scripts/stress.py                              100 clients for one slot, on the running server (.data/dev.json)
    scripts/stress.py -n 1000 --scenario same-slot
    scripts/stress.py --scenario all --spawn       every scenario, on a private server that is gone afterwards
    scripts/stress.py --target naive               the same load on a server that checks and then writes: it must fail

Several processes open their connections, prepare their first requests and are released at one moment. They play
three clients: a web checkout and an SMS bot, which hold and then book, and a receptionist, who books directly. What
must be there before, such as bookings to move, is made by the same clients in acts of their own. Then the verdict
reads both stores itself and checks the rules.

A run makes an org of its own, with its keys, and removes it at the end: other orgs on the server stay as they are.

Exit status: 0 all rules hold; 1 a rule was broken (the documents are printed, without personal data); 2 no run was
possible.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import secrets
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError
from rich.console import Console

from scripts.load.client.servers import naive_server, own_org, private_server
from scripts.load.client.target import ROOT, Target, Unreachable, from_dev_json
from scripts.load.report import Run, as_data, print_histogram, print_run, terminal
from scripts.load.rules.reading import gather, offers_refused
from scripts.load.rules.verdict import judge
from scripts.load.scenarios import acts
from scripts.load.scenarios.races import SCENARIOS
from scripts.load.scenarios.stage import Scenario

FEWEST, MOST = 2, 5000


def _count(text: str) -> int:
    number = int(text)
    if not FEWEST <= number <= MOST:
        raise argparse.ArgumentTypeError(f"from {FEWEST} to {MOST}")
    return number


def parser() -> argparse.ArgumentParser:
    """The command line."""
    about, _, usage = (__doc__ or "").partition("\n\n")
    scenarios = "\n".join(f"    {scenario.name:16} {scenario.about}" for scenario in SCENARIOS.values())
    made = argparse.ArgumentParser(
        description=about,
        epilog=f"{usage}\nThe scenarios:\n\n{scenarios}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "-n", "--requests", type=_count, default=100, help=f"clients released at one moment, {FEWEST} to {MOST} (100)"
    )
    made.add_argument("--scenario", choices=[*SCENARIOS, "all"], default="same-slot", help="what they want (same-slot)")
    made.add_argument(
        "--target", choices=["holdfast", "naive"], default="holdfast", help="the service, or a check-then-write one"
    )
    made.add_argument("--data", type=Path, default=ROOT / ".data", help="data folder of the running server (.data)")
    made.add_argument("--url", help="another address of the same server")
    made.add_argument("--spawn", action="store_true", help="start a private server for this run")
    made.add_argument("--workers", type=int, help="gunicorn workers of the private server")
    made.add_argument("--processes", type=int, default=4, help="load processes (4)")
    made.add_argument("--seed", type=int, help="repeats the random choices of an earlier run")
    made.add_argument("--json", metavar="FILE", help="the result as JSON, into a file or, with -, to stdout")
    return made


@contextlib.contextmanager
def _target(options: argparse.Namespace) -> Iterator[Target]:
    """The server under test, with an org of its own; what was made for the run is gone after it."""
    with contextlib.ExitStack() as stack:
        server = (
            stack.enter_context(private_server(options.workers))
            if options.spawn
            else from_dev_json(options.data, options.url)
        )
        yield stack.enter_context(naive_server(server) if options.target == "naive" else own_org(server))


def play(target: Target, scenario: Scenario, options: argparse.Namespace, console: Console) -> Run:
    """One scenario from its fresh objects to its verdict."""
    rng = random.Random(f"{options.seed}:{scenario.name}")
    with console.status(scenario.name) if console.is_terminal else contextlib.nullcontext():
        world = acts.build(target, scenario, f"st{secrets.token_hex(4)}")
        world, outcome = acts.perform(target, scenario, world, options.requests, rng, processes=options.processes)
        evidence = gather(target, world, outcome.exchanges, one_winner=scenario.one_winner)
        evidence.offers_refused = offers_refused(target, world, rng)
        evidence.policy = scenario.policy
        if scenario.measures and target.redis_url:
            evidence.figures = scenario.measures(target, world)
        acts.retire(target, scenario, world)
    return Run(scenario, options.requests, outcome, judge(evidence), len(world.deadlines))


def _conclude(console: Console, options: argparse.Namespace, runs: list[Run]) -> int:
    ok = all(run.ok for run in runs)
    result = {"ok": ok, "target": options.target, "seed": options.seed, "runs": [as_data(run) for run in runs]}
    if options.json == "-":
        print(json.dumps(result, indent=2))
    elif options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    doubled = sum(len(run.findings["one visit at a time"]) for run in runs)
    sentence = "[bold green]all rules hold[/]" if ok else "[bold red]rules were broken; see above[/]"
    if options.target == "naive":
        sentence = f"the naive server made {doubled} double bookings, as it must: the proof can see the fault."
        if not doubled:
            sentence = "NO double booking was seen on the naive server: repeat with more clients."
    console.print(f"\n{sentence}")
    return 0 if ok else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(arguments)
    console = terminal(stderr=options.json == "-")
    if options.seed is None:
        options.seed = secrets.randbelow(10**6)
    chosen = list(SCENARIOS.values()) if options.scenario == "all" else [SCENARIOS[options.scenario]]
    runs: list[Run] = []
    try:
        with _target(options) as target:
            console.print(f"{options.requests} clients, seed {options.seed}, {target.url}, org {target.org}")
            for scenario in chosen:
                runs.append(play(target, scenario, options, console))
                print_run(console, runs[-1])
        for run in runs:
            print_histogram(console, run)
    except (Unreachable, OSError, PyMongoError, RedisError) as fault:
        print(f"stress.py: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 2
    return _conclude(console, options, runs)


if __name__ == "__main__":
    raise SystemExit(main())
