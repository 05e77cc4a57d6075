"""The two kinds of bench runs: Holdfast beside others, and Holdfast beside itself with more of something."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from scripts.load.bench import servers
from scripts.load.bench.costs import costs
from scripts.load.bench.furnish import Size, furnish
from scripts.load.bench.holdfast import OPERATIONS
from scripts.load.bench.processes import even_out, spread
from scripts.load.bench.report import AGAINST_GOALS, TEXTBOOK_GOALS, Comparison, Growth
from scripts.load.bench.servers import Setting
from scripts.load.bench.sides import BARE, SEARCHES, WORKERS, Side
from scripts.load.bench.yardsticks import TEXTBOOK_OPERATIONS

SIZES = {"bookings": Size(), "technicians": Size(), "orgs": Size(technicians=20), "holds": Size()}
"""What the two sides of a comparison have, besides what they differ in."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """rounds: that count, after one to warm up; volley: requests in a volley."""

    setting: Setting
    rounds: int
    volley: int
    say: Say


def take_turns(plan: Plan, sides: Sequence[tuple[Side, Sequence[str]]]) -> None:
    """Warms up, and then fires each side's operations in all rounds. The sides take turns at being the first."""
    for side, _ in sides:
        even_out(side.pump, side.pids[WORKERS], plan.setting.workers)
    operations = dict.fromkeys(operation for _, theirs in sides for operation in theirs)
    for number in range(plan.rounds + 1):
        plan.say(f"round {number} of {plan.rounds}" if number else "warming up")
        for operation in operations:
            for side, theirs in sides if number % 2 else reversed(sides):
                if operation in theirs:
                    side.take_turn(operation, plan.volley, counts=bool(number))


def compare(plan: Plan, against: Path | None) -> Comparison:
    """Holdfast, textbook and the bare route in turns; against: with them the code of another checkout.

    Raises Unreachable.
    """
    load = round(os.getloadavg()[0], 2)
    with ExitStack() as until:
        ours = until.enter_context(servers.holdfast("Holdfast", plan.setting, Size()))
        textbook = until.enter_context(servers.textbook(plan.setting))
        bare = until.enter_context(servers.bare(plan.setting))
        sides: list[tuple[Side, Sequence[str]]] = [(ours, OPERATIONS), (textbook, TEXTBOOK_OPERATIONS), (bare, (BARE,))]
        rivals: list[tuple[Side, dict[str, float]]] = [(textbook, TEXTBOOK_GOALS)]
        if against:
            other = until.enter_context(servers.holdfast(against.name, plan.setting, Size(), against.resolve()))
            sides.insert(1, (other, OPERATIONS))
            rivals.append((other, AGAINST_GOALS))
        take_turns(plan, sides)
        plan.say("counting what each operation asks the stores for")
        spreads = {side.label: spread(side.pump.address[1], side.pids[WORKERS]) for side, _ in sides}
        counted = costs(ours)
    settings = {
        **asdict(plan.setting),
        "rounds": plan.rounds,
        "requests": plan.volley,
        "processors": os.cpu_count(),
        "load_average_before": load,
    }
    return Comparison(settings, ours, rivals, bare, counted, spreads)


def grow(plan: Plan, what: str, sizes: tuple[int, int]) -> Growth:
    """Two private servers, with few and with many of `what`, in turns. Raises Unreachable."""
    with ExitStack() as until:
        pair = []
        for number in sizes:
            size = replace(SIZES[what], **{what: number})
            side = until.enter_context(servers.holdfast(f"{number:,} {what}", plan.setting, size))
            furnish(side, size, plan.say)
            pair.append(side)
        operations = (*OPERATIONS, *SEARCHES) if all(side.customers for side in pair) else OPERATIONS
        take_turns(plan, [(side, operations) for side in pair])
    return Growth(what, sizes, *pair)
