"""What a run makes for itself: a private Holdfast, the naive server, the bare app; and an org of its own anywhere."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from scripts.dev_server.child import Child, wait_until
from scripts.environment import PYTHON
from scripts.load.client.target import ROLES, ROOT, Target, Unreachable, from_dev_json
from scripts.load.client.wire import request_bytes

START_SECONDS = 180
STOP_SECONDS = 30
NO_LIMITS = dict.fromkeys(
    (
        "public_holds_per_address",
        "public_holds_most",
        "public_bookings_per_address_per_day",
        "public_requests_per_minute",
    )
)
"""The policy of a run's org: all its clients come from one address, so the shares of an address are off."""


@contextlib.contextmanager
def running(
    what: str,
    command: Sequence[str],
    is_ready: Callable[[Child], object],
    variables: Mapping[str, str] = MappingProxyType({}),
    root: Path = ROOT,
) -> Iterator[Child]:
    """Runs a server for the length of a block. Raises Unreachable, with what it printed, if it does not get ready.

    root: the checkout whose code it is.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-load-") as scratch:
        inherited = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
        environment = {**inherited, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(root), **variables}
        server = Child(what, command, Path(scratch) / "log", environment, root)
        server.start()
        try:
            wait_until(lambda: bool(is_ready(server)) or not server.alive(), seconds=START_SECONDS, every=0.05)
            if not server.alive() or not is_ready(server):
                raise Unreachable(f"{what} did not start:\n{server.log_tail() or '    it printed nothing'}")
            yield server
        finally:
            server.stop(STOP_SECONDS)


def _address_of(server: Child) -> str:
    """The URL of the `ready URL` that a server has printed; '' before."""
    lines = server.log.read_text(errors="replace").splitlines()
    return next((line.split()[1] for line in lines if line.startswith("ready ")), "")


@contextlib.contextmanager
def private_server(
    workers: int | None = None,
    data: Path | None = None,
    root: Path = ROOT,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Target]:
    """A whole private Holdfast on a free port, with data that are thrown away; stopped at the end.

    root: another checkout, whose code then runs with our own environment. variables: further settings. Raises
    Unreachable.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-load-") as scratch:
        folder = data or Path(scratch)
        command = [str(ROOT / "scripts" / "server")] if root == ROOT else [str(PYTHON), "-m", "scripts.dev_server.run"]
        command += ["--port", "0", "--data", str(folder)] + ([] if workers is None else ["--workers", str(workers)])
        print(f"starting a private server in {folder} …", file=sys.stderr, flush=True)
        with running("scripts/server", command, _address_of, variables, root):
            yield from_dev_json(folder)


@contextlib.contextmanager
def naive_server(stores: Target) -> Iterator[Target]:
    """The deliberately naive server, on a scratch database beside the real one that is dropped afterwards."""
    database = f"holdfast_naive_{os.getpid()}"
    command = [sys.executable, "-m", "scripts.load.naive", database]
    naive = replace(stores, org="naive", keys=dict.fromkeys(ROLES, "naive"), mongo_db=database, redis_url="", pids=())
    try:
        with running("the naive server", command, _address_of, {"MONGO_URL": stores.mongo_url}) as server:
            yield replace(naive, url=_address_of(server))
    finally:
        with naive.mongo() as scratch:
            scratch.client.drop_database(database)


def with_own_org(target: Target, root: Path = ROOT) -> Target:
    """The same server with a new org without public limits, and a key of each role. Raises Unreachable.

    root: the checkout whose code makes them.
    """
    org = f"load-{secrets.token_hex(4)}"
    stores = {"MONGO_URL": target.mongo_url, "HOLDFAST_MONGO_DB": target.mongo_db, "REDIS_URL": target.redis_url}

    def create_key(role: str) -> str:
        command = [sys.executable, str(root / "scripts" / "keys.py"), "create", org, role, "--org-name", "Load test"]
        made = subprocess.run(
            command, env={**os.environ, **stores, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise Unreachable(f"scripts/keys.py made no key for the run: {made.stderr[-500:].strip()}")
        return made.stdout.strip()

    with ThreadPoolExecutor(len(ROLES)) as pool:
        own = replace(target, org=org, keys=dict(zip(ROLES, pool.map(create_key, ROLES), strict=True)))
    own.demand(200, "PATCH", "/policy", body=NO_LIMITS)
    return own


@contextlib.contextmanager
def own_org(target: Target) -> Iterator[Target]:
    """The same server with a new org, of which nothing is left in the stores afterwards."""
    own = with_own_org(target)
    try:
        yield own
    finally:
        with own.mongo() as database, own.redis() as redis:
            database.orgs.delete_one({"_id": own.org})
            for collection in database.list_collection_names():
                database[collection].delete_many({"org": own.org})
            for name in redis.scan_iter(own.key("*"), count=500):
                redis.unlink(name)


def _answers(address: tuple[str, int]) -> bool:
    """Whether a worker serves; gunicorn accepts connections before it has any."""
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=1) as connection:
        connection.sendall(request_bytes("GET", "/"))
        return bool(connection.recv(1))
    return False


@contextlib.contextmanager
def flask_server(app: str, workers: int, variables: Mapping[str, str]) -> Iterator[tuple[tuple[str, int], int]]:
    """A Flask app under the repo's own gunicorn settings; yields its address and process id. Raises Unreachable."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address: tuple[str, int] = probe.getsockname()
    command = [str(PYTHON), "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py"), "--log-level", "error"]
    command += ["--bind", f"{address[0]}:{address[1]}", app]
    ours = {**variables, "HOLDFAST_WORKERS": str(workers)}
    with running(f"gunicorn with {app}", command, lambda _: _answers(address), ours) as server:
        yield address, server.pid


@contextlib.contextmanager
def relay_paused(target: Target) -> Iterator[None]:
    """The relay of our own private server stands still meanwhile: what it does is no part of a request's cost."""
    pid = dict(target.pids)["relay"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
