"""Runs `scripts/server` as a person does, with its data in a folder of the test. Its stores may take long."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scripts.dev_server.child import session_members, wait_until
from tests.world import PATIENT, environment_of

ROOT = Path(__file__).resolve().parents[3]
READY_SECONDS = 120
STOP_SECONDS = 60
STORE_VARIABLES = ("REDIS_URL", "MONGO_URL", "HOLDFAST_MONGO_DB", "HOLDFAST_SECRET", "HOLDFAST_CRASH_POINT")


class WholeServer:
    """One `scripts/server`. It is ready inside a `with` block and stopped after it."""

    def __init__(self, data: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.data = data
        self._arguments = ("--port", "0", *arguments)
        given = {name: value for name, value in os.environ.items() if name not in STORE_VARIABLES}
        self._env = given | environment_of(PATIENT) | (env or {})
        self._output = Path(tempfile.mkdtemp(prefix="holdfast-output-", dir=data.parent))
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> Self:
        """Start it and return at once."""
        command = [str(ROOT / "scripts" / "server"), "--data", str(self.data), *self._arguments]
        with (self._output / "out").open("wb") as out, (self._output / "err").open("wb") as err:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self._env, start_new_session=True
            )
        return self

    def __enter__(self) -> Self:
        self.launch()
        assert wait_until(lambda: "ready" in self.out or self.ended, seconds=READY_SECONDS), self.err
        assert "ready" in self.out, self.err
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.ended:
            self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    @property
    def out(self) -> str:
        return (self._output / "out").read_text()

    @property
    def err(self) -> str:
        return (self._output / "err").read_text()

    @property
    def dev(self) -> dict[str, Any]:
        """The present content of dev.json."""
        content: dict[str, Any] = json.loads((self.data / "dev.json").read_text())
        return content

    def wait(self) -> int:
        """Wait until it ends. Returns its exit status."""
        assert self._process is not None
        return self._process.wait(STOP_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and wait. Returns the exit status."""
        os.kill(self.pid, number)
        return self.wait()

    def is_ready(self) -> bool:
        """Whether /readyz answers 200."""
        try:
            with urllib.request.urlopen(self.dev["url"] + "/readyz", timeout=3) as reply:
                return bool(reply.status == 200)
        except (OSError, urllib.error.URLError):
            return False


def still_running(pids: dict[str, int]) -> dict[str, list[int]]:
    """The living processes of each child: the child itself and its descendants."""
    return {name: members for name, pid in pids.items() if (members := session_members(pid))}


def processes_using(folder: Path) -> list[str]:
    """The command lines that name the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found
