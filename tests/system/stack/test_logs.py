"""The logs of a development server stay short, whatever its programs write."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.dev_server import child as processes
from scripts.dev_server.child import Child, wait_until
from scripts.dev_server.supervisor import Supervisor

SOON = 30
MOST = 20_000
LINES = 1_000
WRITER = f"""
import pathlib, sys, time
for number in range({LINES}):
    print(f"line {{number:05}} " + "x" * 90, flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.01)
print("after the cut", flush=True)
time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Child]:
    child = Child("writer", [sys.executable, "-c", WRITER, str(tmp_path / "go")], tmp_path / "writer.log")
    yield child
    child.kill()


def numbers(log: Path) -> list[int]:
    return [int(line.split()[1]) for line in log.read_text().splitlines() if line.startswith("line ")]


def test_a_log_that_grew_past_its_bound_keeps_its_newest_lines_and_the_program_writes_on(writer: Child) -> None:
    older = writer.log.with_name("writer.log.1")
    writer.start()
    assert wait_until(lambda: numbers(writer.log)[-1:] == [LINES - 1], seconds=SOON)
    before = writer.log.read_text().splitlines()
    writer.cut_log(MOST)
    kept = older.read_text().splitlines()
    assert kept == before[-len(kept) :]
    assert MOST - 200 < older.stat().st_size <= MOST
    writer.log.with_name("go").touch()
    assert wait_until(lambda: writer.log.read_text() == "after the cut\n", seconds=SOON)


def test_a_log_within_its_bound_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "quiet.log"
    log.write_text("short\n")
    Child("quiet", ["true"], log).cut_log(MOST)
    assert log.read_text() == "short\n"
    assert list(tmp_path.iterdir()) == [log]


def test_the_supervisor_cuts_the_logs_of_running_programs(writer: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.Child.cut_log, "__defaults__", (MOST,))
    supervisor = Supervisor(lambda _children: None)
    supervisor.start(writer, wave=0)
    assert wait_until(lambda: numbers(writer.log)[-1:] == [LINES - 1], seconds=SOON)
    watching = threading.Thread(target=supervisor.watch)
    watching.start()
    assert wait_until(lambda: writer.log.stat().st_size < MOST, seconds=SOON)
    supervisor.stop_asked = True
    watching.join(SOON)
    assert numbers(writer.log.with_name("writer.log.1"))[-1] == LINES - 1
    assert writer.alive()
    supervisor.stop()
