"""Which server is put to the test: a running one, found by its dev.json, or a private one of our own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 180
STOP_SECONDS = 30


class Unreachable(Exception):
    """The environment is not fit for a run; the message says what to do."""


@dataclass(frozen=True)
class Target:
    """A server and the stores behind it. redis_url is empty for the naive one, which has none."""

    url: str
    org: str
    keys: dict[str, str]
    mongo_url: str
    mongo_db: str
    redis_url: str = ""
    pids: tuple[tuple[str, int], ...] = ()

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def call(
        self, method: str, path: str, *, role: str = "admin", body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """One request on a connection of its own, for preparing and clearing up; answers status and JSON body."""
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        headers = {"Authorization": f"Bearer {self.keys.get(role, '')}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except OSError as error:
            raise Unreachable(f"{self.url} does not answer ({error}). {HOW_TO_START}") from error
        finally:
            connection.close()
        return answer.status, json.loads(text) if text else {}


HOW_TO_START = "Start it with `scripts/server`, or let this script start a private one: --spawn."


def from_dev_json(data: Path, url: str | None = None) -> Target:
    """The server whose data folder this is. url: another address for the same stores. Raises Unreachable."""
    path = data / "dev.json"
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Unreachable(f"No running server is known here: {path} cannot be read. {HOW_TO_START}") from error
    pids = tuple(sorted(told.get("pids", {}).items()))
    return Target(
        url or told["url"], told["org"], told["keys"], told["mongo_url"], told["mongo_db"], told["redis_url"], pids
    )


def require_ready(target: Target) -> None:
    """Raises Unreachable unless the server answers /healthz."""
    status, _ = target.call("GET", "/healthz", role="")
    if status != 200:
        raise Unreachable(f"{target.url}/healthz answered {status}. {HOW_TO_START}")


def _first_line_with(process: subprocess.Popen[str], word: str, seconds: float) -> str:
    """Reads the process's output up to the line that begins with the word; '' if it ends or the time is over."""
    if process.stdout is None:
        return ""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                break
            line = process.stdout.readline()
            if not line or line.startswith(word):
                return line
    return ""


def stop(process: subprocess.Popen[str]) -> None:
    """Asks a process that we started to end, and makes it end where it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextlib.contextmanager
def ready_process(command: list[str], what: str, seconds: float = START_SECONDS) -> Iterator[str]:
    """Runs a server that prints `ready URL` and stops it at the end; yields the URL. Tells what it said if it fails."""
    with tempfile.TemporaryFile("w+") as errors:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        try:
            line = _first_line_with(process, "ready ", seconds)
            if not line:
                errors.seek(0)
                raise Unreachable(f"{what} did not start: {errors.read()[-2000:].strip() or 'it said nothing'}")
            yield line.split()[1]
        finally:
            stop(process)


@contextlib.contextmanager
def private_server(workers: int | None = None, data: Path | None = None) -> Iterator[Target]:
    """A whole private Holdfast on a free port, with data that are thrown away; stopped at the end."""
    script = ROOT / "scripts" / "server"
    if not script.exists():
        raise Unreachable(f"{script} is missing; give --url and --data of a running server.")
    with tempfile.TemporaryDirectory(prefix="holdfast-load-") as scratch:
        folder = data or Path(scratch)
        command = [str(script), "--port", "0", "--data", str(folder)]
        command += [] if workers is None else ["--workers", str(workers)]
        print(f"starting a private server in {folder} …", file=sys.stderr, flush=True)
        with ready_process(command, "scripts/server"):
            yield from_dev_json(folder)


@contextlib.contextmanager
def naive_server(stores: Target) -> Iterator[Target]:
    """The deliberately naive server, on a scratch database beside the real one that is dropped afterwards."""
    database = f"holdfast_naive_{os.getpid()}"
    command = [sys.executable, "-m", "scripts.load.naive", "--mongo", stores.mongo_url, "--database", database]
    try:
        with ready_process(command, "the naive server", 30) as url:
            yield Target(
                url, "naive", dict.fromkeys(("checkout", "desk", "bot", "admin"), "naive"), stores.mongo_url, database
            )
    finally:
        with MongoClient[dict[str, Any]](stores.mongo_url, serverSelectionTimeoutMS=3000) as client:
            client.drop_database(database)
