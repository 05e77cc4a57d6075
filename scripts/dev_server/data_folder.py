"""The data folder of one development server: its lock, secret, ports, record of running children, and dev.json."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from scripts.dev_server import stores
from scripts.dev_server.child import Child, StartError, kill_session, session_members, start_ticks

REDIS_CONFIG, MONGOD_KEY = "redis.conf", "mongod.key"
PEOPLE = "people.json"
OURS = (
    *("redis", "mongod", "logs", "metrics", "outbox", "dev.json", "secrets.json", "ports.json", "running.json"),
    *(REDIS_CONFIG, MONGOD_KEY, PEOPLE),
)
OWNER_ONLY = 0o600


class Secrets(NamedTuple):
    """What only the owner of the folder may know: the secret of the installation, and the password of each store."""

    secret: str
    redis_password: str
    mongo_password: str


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class DataFolder:
    """One server at a time owns the folder. `recover` stops what an earlier server left running."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def lock(self) -> None:
        """Own the folder until this process ends. Raises StartError if a running server owns it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self / "lock", os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        except OSError as error:
            raise StartError(
                f"The data folder {self.path} cannot be written ({error.strerror}). Choose another with --data."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._lock, 20, 0).decode() or "unknown"
            raise StartError(
                f"The data folder {self.path} is in use by a running server (pid {owner}). Stop that server, "
                "or give this one another folder with --data."
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def recover(self) -> list[str]:
        """Stop the children that a killed server left behind. Returns their names."""
        record = self._read("running.json")
        (self / "dev.json").unlink(missing_ok=True)
        if record.get("boot") != _boot_id():
            return []
        left = []
        for name, (pid, ticks) in record.get("children", {}).items():
            now = start_ticks(pid)
            # The same pid is the same process only with the same start time. Without a leader the session id decides.
            if session_members(pid) and now in (ticks, None):
                kill_session(pid)
                left.append(name)
        return left

    def forget_everything(self) -> None:
        """Remove the files of servers, and no other file in the folder."""
        for name in OURS:
            target = self / name
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Make the folders, empty the metrics, and rename the logs of the last run to `*.log.1`."""
        shutil.rmtree(self / "metrics", ignore_errors=True)
        for name in ("redis", "mongod", "logs", "metrics"):
            (self / name).mkdir(mode=0o700, exist_ok=True)
        for log in (self / "logs").glob("*.log"):
            log.replace(log.with_name(log.name + ".1"))

    def secrets(self) -> Secrets:
        """The secrets of this installation, made on first use and kept; the stores find theirs in files of their own.

        A folder from before the stores had passwords gets them now.
        """
        kept = self._read("secrets.json")
        # Hexadecimal digits stand in a URL, in the configuration of Redis and in a key file of mongod as they are.
        made = Secrets(*(kept.get(name) or secrets.token_hex(32) for name in Secrets._fields))
        if made._asdict() != kept:
            self.write("secrets.json", made._asdict())
        self._replace(REDIS_CONFIG, f"requirepass {made.redis_password}\n")
        self._replace(MONGOD_KEY, f"{made.mongo_password}\n")
        return made

    def ports(self, names: Iterable[str]) -> dict[str, int]:
        """A free port for each name: the port of the last run if it is still free."""
        last, taken = self._read("ports.json"), {}
        for name in names:
            port = last.get(name)
            taken[name] = port if port and stores.port_is_free(port) else stores.free_port()
        self.write("ports.json", taken)
        return taken

    def remember(self, children: Iterable[Child]) -> None:
        """Record the running children, so that a later server can stop them."""
        running = {child.name: (child.pid, start_ticks(child.pid)) for child in children if child.alive()}
        self.write("running.json", {"boot": _boot_id(), "children": running})

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace a JSON file in one step. Only its owner can read it."""
        self._replace(name, json.dumps(content, indent=2) + "\n")

    def _replace(self, name: str, text: str) -> None:
        new = self / f"{name}.new"
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(self / name)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}
