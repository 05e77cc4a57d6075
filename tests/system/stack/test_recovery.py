"""What a killed server leaves behind, and how the next one deals with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.dev_server import child as processes
from scripts.dev_server.child import Child, StartError, session_members, start_ticks, wait_until
from scripts.dev_server.data_folder import DataFolder
from scripts.dev_server.supervisor import Supervisor

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
PARENT = [sys.executable, "-c", f"import subprocess, sys; subprocess.run({SLEEPER!r})"]


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path)
    made.prepare()
    return made


@pytest.fixture
def leftover(tmp_path: Path) -> Iterator[Child]:
    """A child with a child of its own, as an earlier server starts it."""
    child = Child("gunicorn", PARENT, tmp_path / "leftover.log")
    child.start()
    assert wait_until(lambda: len(session_members(child.pid)) == 2, seconds=30)
    yield child
    child.kill()


def test_children_of_a_killed_server_are_stopped(folder: DataFolder, leftover: Child) -> None:
    folder.remember([leftover])
    assert folder.recover() == ["gunicorn"]
    assert session_members(leftover.pid) == []


def test_orphans_are_stopped_even_when_their_parent_is_gone(folder: DataFolder, leftover: Child) -> None:
    folder.remember([leftover])
    os.kill(leftover.pid, signal.SIGKILL)
    assert wait_until(lambda: not leftover.alive(), seconds=30)
    assert folder.recover() == ["gunicorn"]
    assert session_members(leftover.pid) == []


def test_another_program_with_the_same_pid_is_left_alone(folder: DataFolder, leftover: Child) -> None:
    folder.remember([leftover])
    record = folder / "running.json"
    record.write_text(record.read_text().replace(str(start_ticks(leftover.pid)), "1"))
    assert folder.recover() == []
    assert leftover.alive()


def test_a_record_from_before_a_reboot_means_nothing(folder: DataFolder, leftover: Child) -> None:
    folder.write("running.json", {"boot": "another", "children": {"gunicorn": (leftover.pid, 1)}})
    assert folder.recover() == []
    assert leftover.alive()


def test_fresh_removes_nothing_but_its_own(folder: DataFolder) -> None:
    (folder / "letter.txt").write_text("mine")
    folder.secrets()
    folder.forget_everything()
    assert [entry.name for entry in folder.path.iterdir()] == ["letter.txt"]


def test_the_secrets_are_made_once_and_kept(folder: DataFolder) -> None:
    made = folder.secrets()
    assert all(len(each) >= 32 for each in made)
    assert len(set(made)) == 3
    assert folder.secrets() == made


def test_a_folder_from_before_the_stores_had_passwords_keeps_its_secret_and_gets_them(folder: DataFolder) -> None:
    folder.write("secrets.json", {"secret": "s" * 48})
    made = folder.secrets()
    assert made.secret == "s" * 48
    assert made == folder.secrets()
    assert len({made.redis_password, made.mongo_password}) == 2


def test_a_torn_file_of_secrets_is_replaced(folder: DataFolder) -> None:
    (folder / "secrets.json").write_text('{"sec')
    assert all(len(each) >= 32 for each in folder.secrets())


def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from scripts.dev_server.child import Child\n"
        f"child = Child('sleeper', {SLEEPER!r}, Path({str(tmp_path / 'log')!r})); child.start()\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert start_ticks(pid) is not None
    parent.kill()
    parent.communicate()
    assert wait_until(lambda: start_ticks(pid) is None, seconds=30)


def test_a_child_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor(lambda _children: None)
    broken = Child("mongod", [sys.executable, "-c", "raise SystemExit('disk is full')"], tmp_path / "mongod.log")
    supervisor.start(broken, wave=0)
    with pytest.raises(StartError, match=r"mongod ended while it was starting(.|\n)*disk is full"):
        supervisor.await_start(broken, lambda: False, seconds=10)
    supervisor.stop()


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="redis cannot start: there is no program"):
        Child("redis", [str(tmp_path / "nothing")], tmp_path / "redis.log").start()


def test_a_process_that_refuses_to_stop_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    child = processes.Child("deaf", [sys.executable, "-c", deaf], tmp_path / "deaf.log")
    child.start()
    assert wait_until(lambda: "deaf" in child.log_tail(), seconds=30)
    child.stop(0.1)
    assert not child.alive()
