"""A storm: many clients hold, book, move and cancel while servers die, connections break and Redis is emptied. Then the
picture of each page that followed equals one that is loaded anew."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from models.errors import Refusal
from scripts.client.live import Follower, fresh
from scripts.dev_server.child import wait_until
from tests.system.drills.installation import Installation
from tests.system.live.listening import Listening
from tests.system.live.test_restarts import workers
from tests.world import rfc3339, tomorrow

SPAN = {"from": rfc3339(tomorrow(0)), "to": rfc3339(tomorrow(72))}
PAGES = [{}, {}, {}, *({"property_id": f"prop-{number}"} for number in (1, 2, 3, 1, 2, 3))]


class Crowd:
    """Threads that change what they find, at random, until `end`."""

    def __init__(self, live: Listening, seed: int) -> None:
        self._live = live
        self._over = threading.Event()
        self.made = 0
        self._threads = [threading.Thread(target=self._act_on, args=(seed + number,)) for number in range(3)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _act_on(self, seed: int) -> None:
        chance, services, world = random.Random(seed), self._live.world.services, self._live.world
        known: list[str] = []
        while not self._over.wait(0.01):
            number = chance.randint(1, 3)
            slot = {"property_id": f"prop-{number}", "technician_id": f"tech-{chance.randint(1, 3)}"}
            slot |= {"start": rfc3339(tomorrow(0) + timedelta(minutes=15 * chance.randrange(280)))}
            with suppress(Refusal):
                if known and chance.random() < 0.4:
                    booking_id = known.pop(chance.randrange(len(known)))
                    self._change(booking_id, chance, slot)
                    continue
                hold = services.holds.place(
                    world.caller("bot"), world.hold_request(**slot, ttl_seconds=chance.choice([2, 300]))
                ).hold
                self.made += 1
                if chance.random() < 0.3:
                    services.holds.release(world.caller("bot"), hold.hold_id)
                elif chance.random() < 0.7:
                    request = world.book_request(hold_id=hold.hold_id)
                    known.append(services.bookings.book(world.caller("bot"), request).booking.booking_id)

    def _change(self, booking_id: str, chance: random.Random, slot: dict[str, str]) -> None:
        desk, life = self._live.world.caller("desk"), self._live.world.services.booking_life
        if chance.random() < 0.5:
            life.act(desk, booking_id, "cancel")
        else:
            self._live.move(life.get(desk, booking_id), **slot)


@contextmanager
def pages(live: Listening, *, heeds_reset: bool = True) -> Iterator[list[Follower]]:
    """Pages that follow the org and its properties, each from its first picture on."""
    key = live.world.keys["desk"]
    made = [Follower(live.url, key, query, SPAN, heeds_reset=heeds_reset).start() for query in PAGES]
    try:
        assert all(page.loaded.wait(timeout=30) for page in made)
        yield made
    finally:
        for page in made:
            page.stop()


def differing(live: Listening, followers: list[Follower]) -> list[dict[str, object]]:
    """What each page shows that differs from a picture which is loaded now. Holds that end soon do not count."""
    found, soon = [], datetime.now(UTC) + timedelta(seconds=5)
    for page in followers:
        wanted = fresh(live.url, live.world.keys["desk"], SPAN, page.board.property_id).shown(soon)
        shown = page.board.shown(soon)
        if shown != wanted:
            both = ((kind, ref) for kind in wanted for ref in {*wanted[kind], *shown[kind]})
            found.append(
                {
                    ref: (shown[k].get(ref), wanted[k].get(ref))
                    for k, ref in both
                    if shown[k].get(ref) != wanted[k].get(ref)
                }
            )
    return found


def blow(live: Listening, followers: list[Follower], chance: random.Random, gust: int) -> None:
    """One thing that breaks, and a while in which the crowd goes on."""
    if gust % 4 == 0:
        for page in chance.sample(followers, 4):
            page.drop()
    elif gust % 4 == 1:
        for worker in workers(live):
            os.kill(worker, signal.SIGKILL)
    elif gust % 4 == 2:
        live.world.services.redis.flushall()
    else:
        live.installation.redis.restart()
    before = [page.board.applied for page in followers]
    wait_until(lambda: sum(page.board.applied for page in followers) > sum(before) + 30, seconds=10)


@pytest.mark.timeout(400)
def test_after_a_storm_each_page_shows_what_is_there(lonely: Listening) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    lonely.installation.relay()
    crowd = Crowd(lonely, seed)
    try:
        with pages(lonely) as followers:
            for gust in range(8):
                blow(lonely, followers, chance, gust)
            assert wait_until(lambda: crowd.made > 50, seconds=60)
            crowd.end()
            assert wait_until(lambda: not differing(lonely, followers), seconds=60, every=0.5), differing(
                lonely, followers
            )
            assert all(page.connections > 1 for page in followers)
            assert sum(page.resets for page in followers) >= len(followers)
    finally:
        crowd.end()


def test_a_page_that_ignores_reset_shows_what_is_no_longer_there(lonely: Listening, installation: Installation) -> None:
    """The control: without the reset, the same comparison finds a difference."""
    with pages(lonely, heeds_reset=False) as followers:
        lonely.hold(ttl_seconds=300)
        assert wait_until(lambda: all(page.board.holds for page in followers[:4]), seconds=30)
        installation.world.services.redis.flushall()
        assert wait_until(lambda: all(page.resets for page in followers), seconds=30)
        assert len(differing(lonely, followers)) >= 4
