"""Time as this process lives it, for upper bounds: a machine that pauses or starves the process does not break them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TICK_SECONDS = 0.01


@contextmanager
def own_time() -> Iterator[Callable[[], float]]:
    """A stopwatch for the length of a `with` block: it gives the seconds so far in which this process could run.

    A thread counts ticks. It misses those of a pause, so the stopwatch never shows more than has passed.
    """
    ticks, over = list[None](), threading.Event()

    def tick() -> None:
        while not over.wait(TICK_SECONDS):
            ticks.append(None)

    thread = threading.Thread(target=tick, name="own time", daemon=True)
    thread.start()
    try:
        yield lambda: len(ticks) * TICK_SECONDS
    finally:
        over.set()
        thread.join()
