"""The folder of one development server: its lock, secrets, ports, record of running children, and dev.json."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scripts.dev_server import stores
from scripts.dev_server.child import Child, StartError, kill_session, session_members, start_ticks

ROLES = ("checkout", "desk", "bot", "admin")
OURS = ("redis", "mongod", "logs", "metrics", "dev.json", "secrets.json", "ports.json", "running.json")
OWNER_ONLY = 0o600


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class DataFolder:
    """One server at a time owns the folder; whatever an earlier one left running is stopped by `recover`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def lock(self) -> None:
        """Own the folder until this process ends, however it ends. Raises StartError if a live server owns it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self / "lock", os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        except OSError as error:
            raise StartError(
                f"The data folder {self.path} can't be written ({error.strerror}); choose another: --data."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._lock, 20, 0).decode() or "unknown"
            raise StartError(
                f"The data folder {self.path} is in use by a running server (pid {owner}): stop that one, "
                "or give this one a folder of its own with --data."
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def recover(self) -> list[str]:
        """Stop the children that an earlier, killed server left behind; their names."""
        record = self._read("running.json")
        (self / "dev.json").unlink(missing_ok=True)
        if record.get("boot") != _boot_id():
            return []
        left = []
        for name, (pid, ticks) in record.get("children", {}).items():
            now = start_ticks(pid)
            # The pid names the same process only with the same start time; with the leader gone, its session does.
            if session_members(pid) and now in (ticks, None):
                kill_session(pid)
                left.append(name)
        return left

    def forget_everything(self) -> None:
        """Remove what servers keep here, and nothing else that may lie in the folder."""
        for name in OURS:
            target = self / name
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Make the folders, empty the metrics and put the logs of the last run aside."""
        shutil.rmtree(self / "metrics", ignore_errors=True)
        for name in ("redis", "mongod", "logs", "metrics"):
            (self / name).mkdir(mode=0o700, exist_ok=True)
        for log in (self / "logs").glob("*.log"):
            log.replace(log.with_name(log.name + ".1"))

    def secrets(self) -> dict[str, Any]:
        """`{"secret": …, "keys": {role: key}}`, made once and kept."""
        kept = self._read("secrets.json")
        if not kept:
            keys = {role: f"hf_{role}_{secrets.token_urlsafe(24)}" for role in ROLES}
            kept = {"secret": secrets.token_urlsafe(48), "keys": keys}
            self.write("secrets.json", kept)
        return kept

    def ports(self, names: Iterable[str]) -> dict[str, int]:
        """A free port for each name: the last run's if nobody took it since."""
        last, taken = self._read("ports.json"), {}
        for name in names:
            port = last.get(name)
            taken[name] = port if port and stores.port_is_free(port) else stores.free_port()
        self.write("ports.json", taken)
        return taken

    def remember(self, children: Iterable[Child]) -> None:
        """Note who runs, so that a later server can recover. Children that do not run are left out."""
        running = {child.name: (child.pid, start_ticks(child.pid)) for child in children if child.alive()}
        self.write("running.json", {"boot": _boot_id(), "children": running})

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace a JSON file in one step; only its owner can read it."""
        new = self / f"{name}.new"
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
        new.replace(self / name)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}
