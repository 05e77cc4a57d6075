"""The pages in a browser: the desk's board with 50 and with 200 technicians, and the checkout on a slow phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console

from scripts.browser import chromium
from scripts.load.bench import board, servers, tenant
from scripts.load.bench.board import Board
from scripts.load.bench.furnish import Size, another_org, seats_of
from scripts.load.bench.report import Goal, goal, goals_table
from scripts.load.bench.runs import Plan
from scripts.load.bench.tenant import Tenant
from scripts.load.report import percentile

SIZES: Final = (50, 200)
MOST: Final = {50: (120.0, 6.0, 8.0), 200: (500.0, None, None)}
"""Milliseconds to draw a board of so many technicians, to take in a change, and for a frame of a drag."""
SEEN_MS, LARGEST_MS, ANSWER_MS, JUMPS, BYTES, REQUESTS = 300.0, 1_000.0, 100.0, 0.02, 28_000.0, 15.0


@dataclass
class Pages:
    """What the browser measured."""

    boards: Sequence[Board]
    tenant: Tenant

    def goals(self) -> list[Goal]:
        return [each for shown in self.boards for each in _of_board(shown)] + [
            goal(
                "checkout, slow 4G and a quarter of the processor: LCP, ms", self.tenant.slowest_page, most=LARGEST_MS
            ),
            goal("checkout: INP p95, ms", percentile(self.tenant.answers, 0.95), most=ANSWER_MS),
            goal("checkout: CLS", max(self.tenant.jumps), most=JUMPS),
            goal("checkout: bytes of HTML, CSS and JS", self.tenant.bytes, most=BYTES),
            goal("checkout: requests", self.tenant.requests, most=REQUESTS),
        ]

    def as_data(self) -> dict[str, Any]:
        return {
            "boards": [each.as_data() for each in self.boards],
            "checkout": self.tenant.as_data(),
            "goals": self.goals(),
        }

    def print(self, console: Console) -> None:
        console.print("", goals_table(self.goals()), "", sep="\n")


def _of_board(shown: Board) -> list[Goal]:
    name = f"board, {shown.technicians} technicians and {shown.visits} visits"
    measured = {"drawn": shown.render, "a change": shown.update, "a frame of a drag": shown.frame}
    bounds = zip(measured.items(), MOST[shown.technicians], strict=True)
    found = [goal(f"{name}: {what}, ms", each, most=most) for (what, each), most in bounds if most is not None]
    return [*found, goal(f"{name}: a hold is seen, p95, ms", percentile(shown.seen, 0.95), most=SEEN_MS)]


def look(plan: Plan) -> Pages:
    """Starts a server and a browser, and measures. Raises Unreachable."""
    with servers.holdfast("Holdfast", plan.setting, Size(technicians=1)) as side, chromium() as browser:
        boards = []
        for size in SIZES:
            plan.say(f"a board of {size} technicians")
            org = another_org(side.seats[0].target, f"{side.seats[0].target.org}-{size}")
            seats = seats_of(org, Size(technicians=size))
            boards.append(board.measure(browser, seats, board.furnish(side.pump, seats)))
        plan.say("the checkout")
        return Pages(boards, tenant.measure(browser, seats))
