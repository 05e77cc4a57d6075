"""Plays one case on a site: calm, fault, healed, and then the verdict."""

from __future__ import annotations

import random
import time

from scripts.dev_server.child import wait_until
from scripts.drills.cases import Broken, Case
from scripts.drills.customers import Crowd, stage
from scripts.drills.mirror import seconds_until_right
from scripts.drills.report import Row, row_of
from scripts.drills.site import Site
from scripts.load.client.servers import NO_LIMITS
from scripts.load.rules.reading import gather, offers_refused
from scripts.load.scenarios import acts

CALM, FAULT = 1 / 8, 3 / 8
"""Shares of a case's time. The rest is for what comes after healing."""
WHOLE_SECONDS = 40


def play(site: Site, case: Case, seconds: float, seed: int) -> Row:
    """Plays a case with traffic of so many seconds. Raises StartError and Unreachable where it cannot be played."""
    rng = random.Random(f"{seed}:{case.name}")
    _come_together(site)
    site.stores.fence(case.fenced)
    with site.serving(case.settings, case.clocks) as servers:
        servers[0].demand(200, "PATCH", "/policy", body=NO_LIMITS)
        world = acts.build(servers[0], stage(seconds), f"dr{rng.randrange(16**8):08x}")
        with Crowd(servers, world, f"{seed}:{case.name}") as crowd:
            time.sleep(CALM * seconds)
            broken = _part(site, case, until=time.monotonic() + FAULT * seconds)
            site.network.heal()
            end = crowd.began + seconds
            mirror = seconds_until_right(site, world, end)
            time.sleep(max(0.0, end - time.monotonic()))
        _come_together(site)
        last = site.target(servers[0].url)
        evidence = gather(last, world, crowd.exchanges, one_winner=False)
        evidence.offers_refused = offers_refused(last, world, rng)
    row = row_of(case, crowd, evidence, mirror)
    row.breaks += broken
    return row


def _part(site: Site, case: Case, until: float) -> list[str]:
    """The fault, from now until that moment. Returns the promises that it found broken."""
    broken: list[str] = []
    try:
        for pause in case.fault(site):
            time.sleep(max(0.0, min(pause, until - time.monotonic())))
            if time.monotonic() >= until:
                break
    except Broken as promise:
        broken.append(str(promise))
    time.sleep(max(0.0, until - time.monotonic()))
    return broken


def _come_together(site: Site) -> None:
    """Waits until all stores follow each other again. What is missing then shows in the verdict."""
    wait_until(site.stores.whole, seconds=WHOLE_SECONDS, every=0.2)
