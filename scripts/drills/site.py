"""A whole installation in a network: stores, an org with its keys, and the servers and relays of one case."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.dev_server.child import Child, StartError, wait_until
from scripts.dev_server.stores import free_port
from scripts.drills.namespaces import Namespaces
from scripts.drills.network import API1, API2, RELAY1, RELAY2, Network
from scripts.drills.proxies import Proxies
from scripts.drills.replicated import Replicated
from scripts.drills.stores import Alone, Stores
from scripts.load.client.target import ROOT, Target, Unreachable

DATABASE = "drill"
SECONDS = 60
LEASES = 2
"""How many leases the relays share at rest."""


@dataclass(frozen=True)
class Site:
    """Stores that run, and the org whose customers book. keys: of the org, by role."""

    network: Network
    stores: Stores
    folder: Path
    secret: str
    org: str
    keys: dict[str, str]

    def target(self, url: str = "") -> Target:
        """The stores as they are at this moment, and a server."""
        return Target(url, self.org, self.keys, self.stores.database_url, DATABASE, self.stores.master_url)

    def lease_owners(self) -> set[str]:
        """The relays that have a lease now, by the names that they give themselves."""
        with self.target().mongo() as database:
            return {str(lease["owner"]) for lease in database.leases.find({"until": {"$gt": datetime.now(UTC)}})}

    @contextmanager
    def serving(self, settings: Mapping[str, str], clocks: Mapping[str, int]) -> Iterator[list[Target]]:
        """Two API servers and two relays, of which the first relay has all leases. They stop with the block.

        settings: of the environment; clocks: by API server, how many seconds its clock is ahead.
        """
        with ExitStack() as stack:
            with self.target().mongo() as database:
                database.leases.delete_many({})
                self._relay(RELAY1, settings, stack)
                reached = wait_until(lambda: database.leases.count_documents({}) >= LEASES, seconds=SECONDS, every=0.1)
            if not reached:
                raise StartError(f"The relay takes no leases:\n{(self.folder / f'{RELAY1}.log').read_text()[-2000:]}")
            self._relay(RELAY2, settings, stack)
            apis = [self._api(machine, settings, clocks.get(machine, 0), stack) for machine in (API1, API2)]
            yield [self._ready(child, url) for child, url in apis]

    def _environment(self, machine: str, settings: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
        return inherited | {
            "REDIS_URL": self.stores.redis_url(machine),
            "MONGO_URL": self.stores.mongo_url(machine),
            "HOLDFAST_MONGO_DB": DATABASE,
            "HOLDFAST_SECRET": self.secret,
            "HOLDFAST_WORKERS": "1",
            "PYTHONPATH": str(ROOT),
            **settings,
        }

    def _child(self, machine: str, argv: list[str], settings: Mapping[str, str], stack: ExitStack) -> Child:
        command = self.network.argv(machine, [sys.executable, *argv])
        child = Child(machine, command, self.folder / f"{machine}.log", self._environment(machine, settings), ROOT)
        child.start()
        stack.callback(child.stop, 5)
        return child

    def _relay(self, machine: str, settings: Mapping[str, str], stack: ExitStack) -> None:
        self._child(machine, ["scripts/relay.py"], settings, stack)

    def _api(self, machine: str, settings: Mapping[str, str], ahead: int, stack: ExitStack) -> tuple[Child, str]:
        address = f"{self.network.host(machine)}:{free_port()}"
        app = [f"scripts.drills.wrong_clock:app({ahead})"] if ahead else []
        argv = ["-m", "gunicorn", "--config", "gunicorn.conf.py", "--bind", address, *app]
        return self._child(machine, argv, settings, stack), f"http://{address}"

    def _ready(self, child: Child, url: str) -> Target:
        target = self.target(url)

        def is_ready() -> bool:
            with suppress(Unreachable):
                return target.call("GET", "/readyz")[0] == 200
            return False

        if not wait_until(is_ready, seconds=SECONDS, every=0.1):
            raise StartError(f"{child.name} did not get ready:\n{child.log_tail()}")
        return target


@contextmanager
def site(*, namespaces: bool, seed: int) -> Iterator[Site]:
    """A whole site. Nothing of it is left after the block. Raises StartError."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-drill-")))
        network = Namespaces(folder, seed) if namespaces else Proxies()
        stack.callback(network.close)
        stores = Replicated(network, folder, stack) if namespaces else Alone(network, folder, stack)
        secret = f"drill-{seed:032d}"
        org, keys = _prepare(stores, secret)
        yield Site(network, stores, folder, secret, org, keys)


def _prepare(stores: Stores, secret: str) -> tuple[str, dict[str, str]]:
    """Indexes, and an org with a key of each role."""
    environment = {"MONGO_URL": stores.database_url, "REDIS_URL": stores.master_url, "HOLDFAST_MONGO_DB": DATABASE}
    made = subprocess.run(
        [sys.executable, "-m", "scripts.prepare", "--demo", "--keys"],
        env={**os.environ, **environment, "HOLDFAST_SECRET": secret},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise StartError(made.stderr.strip()[-500:])
    found = json.loads(made.stdout)
    return found["org"], found["keys"]
