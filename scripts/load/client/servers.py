"""The servers that a run starts for itself, and stops: a private Holdfast, and the naive one."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from scripts.dev_server.child import Child, wait_until
from scripts.load.client.target import ROLES, ROOT, Target, Unreachable, from_dev_json

START_SECONDS = 180
STOP_SECONDS = 30


def _address_in(log: Path) -> str:
    """The URL of the `ready URL` that a server has printed; '' before."""
    words = [line.split() for line in log.read_text(errors="replace").splitlines() if line.startswith("ready ")]
    return words[0][1] if words else ""


@contextlib.contextmanager
def ready_process(command: Sequence[str], what: str, **variables: str) -> Iterator[tuple[str, int]]:
    """Runs a server that prints `ready URL` and stops it at the end; yields the URL and the process id.

    variables: for its environment, which other users of the machine cannot read, while they see every command line.
    Raises Unreachable, with what the server printed, if it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-load-") as scratch:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **variables}
        server = Child(what, command, Path(scratch) / "log", environment, ROOT)
        server.start()
        try:
            wait_until(lambda: bool(_address_in(server.log)) or not server.alive(), seconds=START_SECONDS, every=0.05)
            if not server.alive() or not _address_in(server.log):
                raise Unreachable(f"{what} did not start:\n{server.log_tail() or '    it printed nothing'}")
            yield _address_in(server.log), server.pid
        finally:
            server.stop(STOP_SECONDS)


@contextlib.contextmanager
def private_server(workers: int | None = None, data: Path | None = None) -> Iterator[Target]:
    """A whole private Holdfast on a free port, with data that are thrown away; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="holdfast-load-") as scratch:
        folder = data or Path(scratch)
        command = [str(ROOT / "scripts" / "server"), "--port", "0", "--data", str(folder)]
        command += [] if workers is None else ["--workers", str(workers)]
        print(f"starting a private server in {folder} …", file=sys.stderr, flush=True)
        with ready_process(command, "scripts/server"):
            yield from_dev_json(folder)


@contextlib.contextmanager
def naive_server(stores: Target) -> Iterator[Target]:
    """The deliberately naive server, on a scratch database beside the real one that is dropped afterwards."""
    database = f"holdfast_naive_{os.getpid()}"
    command = [sys.executable, "-m", "scripts.load.naive", "--database", database]
    naive = replace(stores, org="naive", keys=dict.fromkeys(ROLES, "naive"), mongo_db=database, redis_url="", pids=())
    try:
        with ready_process(command, "the naive server", MONGO_URL=stores.mongo_url) as (url, _):
            yield replace(naive, url=url)
    finally:
        with naive.mongo() as scratch:
            scratch.client.drop_database(database)
