"""A network of Linux namespaces: each machine has its own interface and address, and a router between all of them.

This process is in the namespace of the router, which it gets by `enter`. No namespace has a name, so all of them are
gone when their processes are, however the drill ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import which

from scripts.dev_server.child import Child, StartError, wait_until
from scripts.drills.network import MACHINES, Network
from scripts.drills.slow_router import DEVICE, SlowRouter

TOOLS = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux"}
INSIDE = "HOLDFAST_DRILL_NETWORK"
SECONDS = 10
SLOW_TABLE = "100"
SUBNET = "10.77"


def missing() -> str:
    """Why this machine cannot play a network of namespaces, as a sentence; '' where it can."""
    lacking = sorted({package for tool, package in TOOLS.items() if not which(tool)})
    if lacking:
        return f"The package {' and '.join(lacking)} is missing."
    if not Path("/dev/net/tun").exists():
        return "There is no /dev/net/tun."
    if not any(_allowed(way) for way in _ways()):
        return "The kernel allows this user no network namespace."
    return ""


def enter() -> None:
    """Starts this program again in a network namespace of its own; returns there, and where no namespace can be had."""
    if os.environ.get(INSIDE) == str(os.getpid()) or missing():
        return
    way = next(each for each in _ways() if _allowed(each))
    os.execvpe(way[0], [*way, sys.executable, *sys.argv], {**os.environ, INSIDE: str(os.getpid())})  # noqa: S606


def _ways() -> list[list[str]]:
    """The commands that make a network namespace: as root, and as a user where the kernel lets users do it."""
    return [["unshare", "--net"], ["unshare", "--map-root-user", "--net"]]


def _allowed(way: list[str]) -> bool:
    tried = subprocess.run([*way, "test", "-w", "/dev/net/tun"], capture_output=True, check=False, timeout=SECONDS)
    return tried.returncode == 0


class Namespaces(Network):
    """A namespace for each machine. `enter` comes first."""

    how = "network namespaces"

    def __init__(self, folder: Path, seed: int) -> None:
        self._numbers = {machine: number for number, machine in enumerate(MACHINES, start=1)}
        self._holders: dict[str, Child] = {}
        self._rules: list[str] = []
        self._slow = SlowRouter(seed)
        self._folder = folder
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        for setting in ("ip_forward=1", "conf.all.rp_filter=0", "conf.default.rp_filter=0"):
            name, _, value = setting.partition("=")
            Path("/proc/sys/net/ipv4", *name.split(".")).write_text(value)
        for machine in self._numbers:
            self._holders[machine] = self._holder(machine)
        _ip(["link set lo up", f"link set {DEVICE} up", f"route add default dev {DEVICE} table {SLOW_TABLE}"])
        _ip([line for machine in self._numbers for line in self._wires(machine)])
        for machine in self._numbers:
            self._inside(machine)

    def _holder(self, machine: str) -> Child:
        """A process that does nothing but keep the namespace of a machine."""
        holder = Child(machine, ["unshare", "--net", "sleep", "infinity"], self._folder / f"{machine}.log")
        holder.start()
        own = Path("/proc/self/ns/net").readlink()

        def apart() -> bool:
            with suppress(OSError):
                return Path(f"/proc/{holder.pid}/ns/net").readlink() != own
            return False

        if not wait_until(apart, seconds=SECONDS):
            holder.kill()
            raise StartError(f"The machine {machine} got no network namespace:\n{holder.log_tail()}")
        return holder

    def _wires(self, machine: str) -> list[str]:
        number, wire = self._numbers[machine], self._wire(machine)
        return [
            f"link add {wire} type veth peer name e0 netns {self._holders[machine].pid}",
            f"addr add {SUBNET}.{number}.254/24 dev {wire}",
            f"link set {wire} up",
        ]

    def _inside(self, machine: str) -> None:
        number = self._numbers[machine]
        lines = ["link set lo up", f"addr add {self.host(machine)}/24 dev e0", "link set e0 up"]
        _ip([*lines, f"route add default via {SUBNET}.{number}.254"], self.argv(machine, []))

    def _wire(self, machine: str) -> str:
        return f"v{self._numbers[machine]}"

    def host(self, machine: str) -> str:
        return f"{SUBNET}.{self._numbers[machine]}.1"

    def reach(self, _machine: str, server: str, port: int) -> str:
        return f"{self.host(server)}:{port}"

    def argv(self, machine: str, argv: Sequence[str]) -> list[str]:
        return ["nsenter", "--target", str(self._holders[machine].pid), "--net", "--", *argv]

    def silence(self, source: str, target: str) -> None:
        self._rule(source, target, "pref 100", "blackhole")

    def slow(self, seconds: float, loses_each: int, links: Iterable[tuple[str, str]]) -> None:
        self._slow.seconds, self._slow.loses_each = seconds, loses_each
        for one, other in links:
            for source, target in ((one, other), (other, one)):
                self._rule(source, target, "pref 200", f"table {SLOW_TABLE}")

    def _rule(self, source: str, target: str, order: str, action: str) -> None:
        rule = f"{order} iif {self._wire(source)} to {self.host(target)} {action}"
        if rule not in self._rules:
            _ip([f"rule add {rule}"])
            self._rules.append(rule)

    def heal(self) -> None:
        rules, self._rules = self._rules, []
        _ip([f"rule del {rule}" for rule in rules])

    def close(self) -> None:
        for holder in self._holders.values():
            holder.kill()
        self._slow.close()


def _ip(lines: Sequence[str], inside: Sequence[str] = ()) -> None:
    """Runs commands of `ip` in one go. inside: the command that enters a machine. Raises StartError."""
    if not lines:
        return
    command = [*inside, "ip", "-batch", "-"]
    ran = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False, timeout=SECONDS)
    if ran.returncode:
        raise StartError(f"The network could not be changed: {ran.stderr.strip()[:300]}")
