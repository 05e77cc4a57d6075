"""The cases: which links part, in what way, and what must hold nevertheless."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from scripts.drills.network import API1, API2, MACHINES, MONGO, REDIS, RELAY1, SENTINELS, SERVERS, STORES
from scripts.drills.site import Site

Fault = Callable[[Site], Iterator[float]]
"""Does something to the network, and yields how many seconds later it goes on."""

IN_TIME = 2.0
MANY = 1_000.0
TAKEN_OVER_SECONDS = 8.0


class Broken(Exception):
    """A promise that is no rule about answers and stores was broken; the message says which."""


@dataclass(frozen=True)
class Case:
    """One case. name: for the command line; about: a phrase; fault: what happens.

    answers: the most seconds of an answer; outage, outage_of_one: the most seconds without an acknowledged booking, at
    both servers together and at each of them. holds: whether every live hold must be honoured; it cannot where a
    server is cut from Redis, or Redis fails over. proxies: whether proxies can play it.
    fenced: whether a Redis master needs a replica. settings: of the servers' environment; clocks: by API server, how
    many seconds its clock is ahead.
    """

    name: str
    about: str
    fault: Fault
    answers: float = IN_TIME
    outage: float = 3.0
    outage_of_one: float = 5.0
    holds: bool = False
    proxies: bool = False
    fenced: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    clocks: Mapping[str, int] = field(default_factory=dict)


def _cut(there: tuple[str, ...]) -> Fault:
    """One API server is cut from these machines."""

    def fault(site: Site) -> Iterator[float]:
        site.network.cut([API1], there)
        yield from ()

    return fault


def _deaf(site: Site) -> Iterator[float]:
    """What Redis sends does not arrive at one API server."""
    for source in REDIS:
        site.network.silence(source, API1)
    yield from ()


def _without_sentinels(site: Site) -> Iterator[float]:
    """Connections that stand would hide that no Sentinel answers, so the master ends them."""
    site.network.cut([API1], SENTINELS)
    while True:
        with site.target().redis() as client:
            client.client_kill_filter(_type="normal", skipme=True)
        yield 3.0


def _without_its_relay(site: Site) -> Iterator[float]:
    """The other relay must have the leases after a few seconds. Raises Broken."""
    before = site.lease_owners()
    site.network.cut([RELAY1], (*REDIS, *SENTINELS))
    yield from _until(lambda: not before & site.lease_owners(), "no other relay has taken over")


def _slow(seconds: float, loses_each: int = 0) -> Fault:
    """seconds: of a way. One packet in `loses_each` is lost."""

    def fault(site: Site) -> Iterator[float]:
        site.network.slow(seconds, loses_each, [(server, store) for server in SERVERS for store in STORES])
        yield from ()

    return fault


def _flapping(site: Site) -> Iterator[float]:
    """The link of one API server to all stores is there for a second and away for a second."""
    while True:
        site.network.cut([API1], STORES)
        yield 1.0
        site.network.heal()
        yield 1.0


def _split(site: Site) -> Iterator[float]:
    """The Redis master, one API server and one relay on one side; the others on the other. All reach MongoDB."""
    master = site.stores.master()
    here = (master, API1, RELAY1)
    site.network.cut(here, [each for each in MACHINES if each not in (*here, *MONGO)])
    yield from _until(lambda: site.stores.master() != master, "Sentinel has made no replica the master")


def _without_a_primary(site: Site) -> Iterator[float]:
    """The primary of MongoDB is cut off from every machine."""
    primary = site.stores.primary()
    others = [each for each in MONGO if each != primary]
    site.network.cut([primary], [each for each in MACHINES if each != primary])
    yield from _until(lambda: site.stores.leads(others), "no secondary has become the primary")


def _until(condition: Callable[[], bool], sentence: str) -> Iterator[float]:
    """Goes on once the condition is met. Raises Broken with the sentence where that takes too long."""
    until = time.monotonic() + TAKEN_OVER_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise Broken(f"{sentence} {TAKEN_OVER_SECONDS:g} s after the cut")
        yield 0.1


def _nothing(_: Site) -> Iterator[float]:
    yield from ()


FOR_SLOWER = {
    "HOLDFAST_REDIS_CONNECT_SECONDS": "1",
    "HOLDFAST_REDIS_SECONDS": "2",
    "HOLDFAST_MONGO_CONNECT_SECONDS": "2",
    "HOLDFAST_MONGO_SECONDS": "4",
    "HOLDFAST_REQUEST_SECONDS": "5",
}
"""The time-outs that docs/operations.md names for a round trip of 300 ms with lost packets."""

CASES = {
    case.name: case
    for case in (
        Case("sentinels", "one API server is cut from all Sentinels, and needs new connections", _without_sentinels),
        Case("split", "the Redis master is split off with one API server and one relay", _split),
        Case("split-open", "the same without `min-replicas`", _split, fenced=False),
        Case(
            "primary",
            "the primary of MongoDB is cut off in silence",
            _without_a_primary,
            outage=10,
            outage_of_one=10,
            holds=True,
        ),
        Case(
            "relay",
            "the relay with the leases is cut from Redis alone",
            _without_its_relay,
            holds=True,
            proxies=True,
        ),
        Case(
            "mongo",
            "one API server is cut from MongoDB alone",
            _cut(MONGO),
            outage_of_one=MANY,
            holds=True,
            proxies=True,
        ),
        Case("redis", "one API server is cut from Redis alone", _cut((*REDIS, *SENTINELS)), proxies=True),
        Case("one-way", "one API server's words reach Redis, and no reply comes back", _deaf, proxies=True),
        Case("flapping", "one API server loses all stores every other second", _flapping, proxies=True),
        Case("slow", "round trips of 100 ms to all stores", _slow(0.05), proxies=True),
        Case(
            "lossy",
            "round trips of 300 ms, 5 % of packets lost, longer time-outs",
            _slow(0.15, 20),
            answers=6.5,
            outage=5,
            outage_of_one=10,
            proxies=True,
            settings=FOR_SLOWER,
        ),
        Case(
            "clocks",
            "one API server is 5 minutes ahead, the other 5 minutes behind",
            _nothing,
            holds=True,
            clocks={API1: 300, API2: -300},
            proxies=True,
        ),
    )
}
