"""Every pin has a hash and is what the environment has; `scripts/check` says so without a network."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from scripts import pins

HASH = "--hash=sha256:" + 64 * "a"
FLASK = f"flask=={version('flask')}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.txt"


def test_the_projects_own_pins_are_whole_and_installed() -> None:
    assert pins.main() == 0


@pytest.mark.parametrize(
    "text",
    [
        f"{FLASK} \\\n    {HASH} \\\n    {HASH}\n",
        f"# a note\n{FLASK} {HASH}\n    # via nobody\n",
        f"{FLASK} {HASH}\nno-such-package==1.0 ; sys_platform == 'win32' {HASH}\n",
    ],
)
def test_a_pin_with_a_hash_and_its_version_installed_is_right(file: Path, text: str) -> None:
    file.write_text(text)
    assert pins.faults_of(file) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "some.txt has no pin."),
        (f"{FLASK}\n", f"some.txt: flask {version('flask')} has no hash."),
        (f"{FLASK} \\\n    --hash=md5:{'a' * 64}\n", f"some.txt: this line is no pin: {FLASK}"),
        (f"{FLASK} \\\n    --hash=sha256:{'a' * 63}\n", f"some.txt: this line is no pin: {FLASK}"),
        (f"flask>=3 {HASH}\n", "some.txt: flask is not pinned to one version."),
        (f"flask==3.* {HASH}\n", "some.txt: flask is not pinned to one version."),
        (f"flask {HASH}\n", "some.txt: flask is not pinned to one version."),
        (f"flask==0.1 {HASH}\n", f"some.txt: flask 0.1 is pinned, {version('flask')} is installed."),
        (f"no-such-package==1.0 {HASH}\n", "some.txt: no-such-package 1.0 is not installed."),
        (f"-r other.txt\n{FLASK} {HASH}\n", "some.txt: this line is no pin: -r other.txt"),
        (f"--index-url x\n{FLASK} {HASH}\n", "some.txt: this line is no pin: --index-url x"),
    ],
)
def test_whatever_else_is_said_in_a_sentence(file: Path, text: str, fault: str) -> None:
    file.write_text(text)
    assert any(found.startswith(fault) for found in pins.faults_of(file)), pins.faults_of(file)


def test_a_fault_makes_the_check_fail(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"{FLASK}\n")
    assert pins.main(file.parent) == 1
    assert capsys.readouterr().err == f"some.txt: flask {version('flask')} has no hash.\n"
