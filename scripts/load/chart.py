"""Charts: latency histograms in the terminal or as PNG, and the bars of a bench run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from scripts.load.client.measure import histogram
from scripts.load.client.target import Unreachable

BAR = 48
COLOURS = {
    "hold": "#2a6f97",
    "book": "#9e2a2b",
    "direct": "#e09f3e",
    "cancel": "#5b8e7d",
    "release": "#6d597a",
    "extend": "#90a4ae",
}
BAR_COLOUR, GOAL_COLOUR = "#2a6f97", "#9e2a2b"


def print_histogram(console: Console, title: str, milliseconds: Sequence[float]) -> None:
    """A histogram of bars made of text."""
    buckets = histogram(milliseconds)
    most = max((bucket.count for bucket in buckets), default=1)
    console.print(f"\n{title}, milliseconds", highlight=False)
    for bucket in buckets:
        bar = "█" * round(BAR * bucket.count / most) or ("▏" if bucket.count else "")
        console.print(f"{bucket.low:9.1f} .. {bucket.high:9.1f} {bucket.count:7d} {bar}", highlight=False)


def _figure(panels: int, *, height: float) -> tuple[Any, list[Any]]:
    try:
        # Only a PNG needs it, and what serves the product is installed without it.
        import matplotlib as mpl  # noqa: PLC0415
    except ImportError:
        raise Unreachable(
            "A PNG needs matplotlib: pip install -r requirements/dev.txt, or leave the option out."
        ) from None
    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(panels, 1, figsize=(9, height * panels), squeeze=False, layout="constrained")
    return figure, [row[0] for row in axes]


def save_histograms(path: Path, title: str, runs: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """A PNG with a panel for each scenario and a histogram for each operation. runs: scenario -> operation -> ms."""
    figure, panels = _figure(len(runs), height=2.8)
    for panel, (scenario, operations) in zip(panels, runs.items(), strict=True):
        panel.set_title(scenario, loc="left")
        buckets = histogram([value for values in operations.values() for value in values], 30)
        if not buckets:
            continue
        edges = [bucket.low for bucket in buckets] + [buckets[-1].high]
        shown = [operation for operation in COLOURS if operation in operations]
        colours = [COLOURS[operation] for operation in shown]
        panel.hist([operations[each] for each in shown], bins=edges, stacked=True, label=shown, color=colours)
        panel.set_xscale("log")
        for axis in (panel.xaxis.set_major_formatter, panel.xaxis.set_minor_formatter):
            axis("{x:g}")
        panel.set_ylabel("answers")
        panel.legend(frameon=False)
    panels[-1].set_xlabel("milliseconds to the reply")
    figure.suptitle(title)
    figure.savefig(path, dpi=120)


def save_bars(path: Path, title: str, bars: Mapping[str, Mapping[str, float]], goals: Mapping[str, float]) -> None:
    """A PNG with a panel of bars for each quantity; in the first, a goal is drawn across its bar.

    bars: quantity -> operation -> value; goals: operation -> value in the unit of the first quantity.
    """
    figure, panels = _figure(len(bars), height=3.2)
    for panel, (heading, values) in zip(panels, bars.items(), strict=True):
        drawn = panel.bar(list(values), list(values.values()), color=BAR_COLOUR)
        panel.bar_label(drawn, fmt="%.3g")
        panel.set_title(heading, loc="left")
        panel.margins(y=0.15)
        for place, operation in enumerate(values):
            if panel is panels[0] and operation in goals:
                panel.hlines(goals[operation], place - 0.4, place + 0.4, color=GOAL_COLOUR, linestyles="dashed")
    figure.suptitle(title)
    figure.savefig(path, dpi=120)
