"""Processor time and connections of processes, as /proc has them.

Processor time does not depend on what else the machine does as much as rates and latencies do.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.dev_server.child import wait_until
from scripts.load.client.pump import Pump

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
ESTABLISHED, CLOSE_WAIT = "01", "08"
EVEN_SECONDS = 60.0


def _stats() -> dict[int, list[str]]:
    """Each process and the fields of its /proc/<pid>/stat, from the state on."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # the process has ended
                found[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
    return found


def cpu_ms(pids: Mapping[str, int]) -> dict[str, float]:
    """Processor time, in user and kernel, that each of these processes and its children have used so far."""
    stats = _stats()
    return {
        name: sum(
            (int(stat[11]) + int(stat[12])) * TICK_MS for each, stat in stats.items() if pid in (each, int(stat[1]))
        )
        for name, pid in pids.items()
    }


def _sockets(port: int, *states: str) -> Iterator[tuple[int, str]]:
    """The client's port and the inode of each connection to a port of the loopback address, in one of these states."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *_, inode = line.split()[:10]
        if state in states and int(local.rpartition(":")[2], 16) == port:
            yield int(remote.rpartition(":")[2], 16), inode


def open_connections(port: int) -> int:
    """Connections that the server of a port has not closed, whether or not the client has."""
    return sum(1 for _ in _sockets(port, ESTABLISHED, CLOSE_WAIT))


def worker_of(port: int, master: int) -> dict[int, int]:
    """The process, of a master's children, that serves the connection of each client's port."""
    owners = {}
    for pid in [each for each, stat in _stats().items() if int(stat[1]) == master]:
        with contextlib.suppress(OSError):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    owners[os.readlink(descriptor)] = pid
    found = {client: owners.get(f"socket:[{inode}]") for client, inode in _sockets(port, ESTABLISHED)}
    return {client: pid for client, pid in found.items() if pid is not None}


def spread(port: int, master: int) -> list[int]:
    """How many connections each worker has that has any, the largest number first."""
    return sorted(Counter(worker_of(port, master).values()).values(), reverse=True)


def even_out(pump: Pump, master: int, workers: int) -> None:
    """Opens all connections anew until each worker has as many of them, or for EVEN_SECONDS.

    A worker that has more than another does more of the work, and its clients wait longer.
    """
    pump.close(pump.ports)
    share = math.ceil(pump.connections / workers)

    def even() -> bool:
        pump.open()
        served = worker_of(pump.address[1], master)
        clients = {pid: [port for port, owner in served.items() if owner == pid] for pid in served.values()}
        surplus = {port for ports in clients.values() for port in ports[share:]}
        pump.close(surplus)
        return not surplus and len(served) == pump.connections

    wait_until(even, seconds=EVEN_SECONDS, every=0.05)
