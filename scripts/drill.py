#!/usr/bin/env python3
"""Plays faults of the network on a whole installation of its own, under traffic, and checks what came of them.

    scripts/drill.py split                     every case, about 40 seconds each
    scripts/drill.py split --list              the cases
    scripts/drill.py split --case primary      one case (repeat the option for more)

Where the kernel allows network namespaces (as root, or for a user), each machine is one: three mongods, a Redis master
with two replicas, three Sentinels, two API servers, two relays. That needs `ip` (the package iproute2). Elsewhere, or
with --proxies, proxies that swallow stand between the servers and one Redis and one mongod, and play some of the cases.

After each case both stores are read, and the rules of docs/rules.md are checked. All that was started is gone
afterwards, also after Ctrl-C.

Exit status: 0 all rules hold; 1 a rule was broken; 2 no run was possible.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import enter

enter()

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError
from rich.console import Console

from scripts.dev_server.child import StartError
from scripts.drills import namespaces
from scripts.drills.cases import CASES, Case
from scripts.drills.playing import play
from scripts.drills.report import Row, sentences, table_of
from scripts.drills.site import site
from scripts.load.client.target import Unreachable
from scripts.load.report import terminal

SHORTEST, LONGEST = 6.0, 120.0


def _seconds(text: str) -> float:
    if not SHORTEST <= float(text) <= LONGEST:
        raise argparse.ArgumentTypeError(f"from {SHORTEST:g} to {LONGEST:g}")
    return float(text)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    about, _, usage = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(
        description=about, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("drill", choices=["split"], help="the network parts")
    made.add_argument("--list", action="store_true", help="name the cases and end")
    made.add_argument("--case", action="append", choices=list(CASES), metavar="NAME", help="play this case only")
    made.add_argument("--seconds", type=_seconds, default=26.0, help="length of the traffic of a case (26)")
    made.add_argument("--seed", type=int, help="repeats the random choices of an earlier run")
    made.add_argument("--proxies", action="store_true", help="play with proxies, also where namespaces are allowed")
    return made


def main(arguments: Sequence[str] | None = None, cases: Mapping[str, Case] = CASES) -> int:
    """Runs the command; returns the exit status. cases: given by tests."""
    options = parser().parse_args(arguments)
    if options.list:
        for case in cases.values():
            print(f"{case.name:12} {case.about}{'' if case.proxies else ' (namespaces only)'}")
        return 0
    reason = "--proxies" if options.proxies else namespaces.missing()
    if not reason:
        namespaces.enter()
    console = terminal(stderr=False)
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    chosen = [cases[name] for name in options.case or cases]
    try:
        return conclude(console, _play_all(console, chosen, reason, options.seconds, seed))
    except (StartError, Unreachable, OSError, PyMongoError, RedisError) as fault:
        print(f"drill.py: {fault}", file=sys.stderr)
    except KeyboardInterrupt:
        print("drill.py: stopped.", file=sys.stderr)
    return 2


def _play_all(console: Console, chosen: list[Case], reason: str, seconds: float, seed: int) -> list[Row]:
    """Plays the cases. reason: why proxies play, '' for namespaces."""
    playable = [case for case in chosen if case.proxies or not reason]
    rows: list[Row] = []
    with site(namespaces=not reason, seed=seed) as made:
        console.print(f"played by {made.network.how}{reason and f' ({reason})'}; seed {seed}")
        for case in playable:
            with console.status(case.about):
                rows.append(play(made, case, seconds, seed))
            console.print(f"{case.name}: {case.about}: {'a rule was broken' if rows[-1].breaks else 'all rules hold'}")
        for case in chosen:
            if case not in playable:
                console.print(f"{case.name}: not played, because it needs network namespaces")
    return rows


def conclude(console: Console, rows: list[Row]) -> int:
    """Prints the table and what broke; returns the exit status."""
    console.print(table_of(rows, "seconds, where it is a time"))
    broken = [sentence for row in rows for sentence in sentences(row)]
    for sentence in broken:
        console.print(sentence, markup=False, soft_wrap=True)
    return 1 if broken else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise SystemExit(main())
