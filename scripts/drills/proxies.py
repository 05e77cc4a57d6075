"""A network of proxies on the loopback address, for a kernel that allows no namespaces.

It can be only as wide as clients that keep to the addresses that they were given: one Redis and one mongod.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scripts.dev_server.stores import HOST
from scripts.drills.link import Link
from scripts.drills.network import Network


class Proxies(Network):
    """Between a machine and each server that it reaches there is one proxy."""

    how = "proxies on the loopback address (no namespaces here), one Redis, one mongod"

    def __init__(self) -> None:
        self._links: dict[tuple[str, str], Link] = {}

    def host(self, _machine: str) -> str:
        return HOST

    def argv(self, _machine: str, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def reach(self, machine: str, server: str, port: int) -> str:
        if (machine, server) not in self._links:
            self._links[machine, server] = Link(port)
        return f"{HOST}:{self._links[machine, server].port}"

    def silence(self, source: str, target: str) -> None:
        if (source, target) in self._links:
            self._links[source, target].stall(replies=False)
        if (target, source) in self._links:
            self._links[target, source].stall(requests=False)

    def slow(self, seconds: float, loses_each: int, links: Iterable[tuple[str, str]]) -> None:
        for ends in links:
            if ends in self._links:
                self._links[ends].seconds, self._links[ends].loses_each = seconds, loses_each

    def heal(self) -> None:
        for link in self._links.values():
            link.seconds, link.loses_each = 0.0, 0
            link.heal()

    def close(self) -> None:
        for link in self._links.values():
            link.close()
