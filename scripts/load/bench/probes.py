"""What a browser says of a page: the work of its main thread, and when something was seen or answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from playwright.sync_api import Page

LINE: Final = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750}
"""Slow 4G: 1.6 Mbit/s down, 0.75 up, and 150 ms."""
SLOWER: Final = 4
"""So many times slower is the processor."""
LEAST_EVENT_MS: Final = 16
"""The browser reports interactions from this on. Shorter ones count as this long."""

WATCH: Final = """
globalThis.vitals = { lcp: 0, cls: 0, events: new Map() };
const watch = (type, take, more = {}) =>
  new PerformanceObserver(list => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
watch("largest-contentful-paint", each => { vitals.lcp = each.startTime; });
watch("layout-shift", each => { vitals.cls += each.hadRecentInput ? 0 : each.value; });
watch("event", ({ interactionId: id, duration }) => {
  if (id) vitals.events.set(id, Math.max(duration, vitals.events.get(id) ?? 0));
}, { durationThreshold: 16 });
"""
"""Runs before each page."""
ADDED: Final = """() => {
  globalThis.added = [];
  const note = list => list.forEach(({ addedNodes }) => addedNodes.forEach(
    node => node.classList?.contains("entry") && added.push(Date.now())));
  new MutationObserver(note).observe(document.getElementById("grid"), { childList: true, subtree: true });
}"""


class MainThread:
    """The processor time of a page's main thread: scripts, styles, layout and paint. Other programs do not count."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def _busy_ms(self) -> float:
        metrics: Any = self._session.send("Performance.getMetrics")["metrics"]
        return float({each["name"]: each["value"] for each in metrics}["TaskDuration"]) * 1000

    def of(self, work: Callable[[], object], settle_ms: float) -> float:
        """Milliseconds of it for some work and all that follows from it within settle_ms."""
        before = self._busy_ms()
        work()
        self._page.wait_for_timeout(settle_ms)
        return self._busy_ms() - before

    def rest_per_second(self) -> float:
        """Milliseconds in a second in which nothing happens, such as for the clock of the board."""
        return self.of(lambda: None, 2_000) / 2


def slow(page: Page) -> None:
    """A slow connection and a slow processor from now on."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})


def vitals(page: Page) -> tuple[float, float]:
    """When the largest text or picture was there, in ms after the start, and how much has jumped (CLS)."""
    lcp, cls = page.evaluate("[vitals.lcp, vitals.cls]")
    return float(lcp), float(cls)


def answers(page: Page) -> list[float]:
    """Milliseconds from each press, tap or key to the next picture."""
    slow_ones, number = page.evaluate("[[...vitals.events.values()], performance.interactionCount]")
    return [float(each) for each in slow_ones] + [float(LEAST_EVENT_MS)] * max(0, number - len(slow_ones))


def ages(page: Page, act: Callable[[int], object], number: int) -> list[float]:
    """Milliseconds from the begin of each of some acts of others until its visit is on the board."""
    page.evaluate(ADDED)
    began = []
    for at in range(number):
        began.append(time.time() * 1000)
        act(at)
        page.wait_for_timeout(150)
    page.wait_for_timeout(1_000)
    seen = page.evaluate("added")
    return [float(then) - start for start, then in zip(began, seen, strict=True)]
