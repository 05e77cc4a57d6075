"""The machines of a drill, and what a network must be able to do to the links between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

API1, API2, RELAY1, RELAY2 = "api1", "api2", "relay1", "relay2"
SERVERS = (API1, API2, RELAY1, RELAY2)
REDIS = ("redis1", "redis2", "redis3")
SENTINELS = ("sentinel1", "sentinel2", "sentinel3")
MONGO = ("mongo1", "mongo2", "mongo3")
STORES = (*REDIS, *SENTINELS, *MONGO)
MACHINES = (*SERVERS, *STORES)


class Network(ABC):
    """Machines by name. Customers, and the drill that checks the stores, reach all of them at any time."""

    how: str
    """In which way this network is played, for the report."""

    @abstractmethod
    def host(self, machine: str) -> str:
        """The address on which a program of this machine listens."""

    @abstractmethod
    def reach(self, machine: str, server: str, port: int) -> str:
        """`host:port` under which a machine reaches a program on the port of another."""

    @abstractmethod
    def argv(self, machine: str, argv: Sequence[str]) -> list[str]:
        """The command that runs a program on a machine."""

    @abstractmethod
    def silence(self, source: str, target: str) -> None:
        """From now on nothing that one machine sends arrives at the other. Connections stay open."""

    @abstractmethod
    def slow(self, seconds: float, loses_each: int, links: Iterable[tuple[str, str]]) -> None:
        """Each packet on these links takes so long, in both directions; one in `loses_each` is lost (0: none)."""

    @abstractmethod
    def heal(self) -> None:
        """Every link is whole and fast again."""

    @abstractmethod
    def close(self) -> None:
        """Leaves nothing of the network behind."""

    def cut(self, here: Iterable[str], there: Iterable[str]) -> None:
        """Silence in both directions between each machine here and each machine there."""
        far = tuple(there)
        for one in here:
            for other in far:
                self.silence(one, other)
                self.silence(other, one)
