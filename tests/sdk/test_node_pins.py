"""The packages of Node are pinned as those of Python are: with hashes, and without the address of a registry."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "typescript"
LOCK = json.loads((FOLDER / "package-lock.json").read_text())
PACKAGES: dict[str, dict[str, Any]] = {name: each for name, each in LOCK["packages"].items() if name}


def test_every_package_has_a_hash() -> None:
    assert len(PACKAGES) > 50
    without = [name for name, each in PACKAGES.items() if not each["integrity"].startswith("sha512-")]
    assert without == []


def test_no_file_names_a_registry() -> None:
    assert [name for name, each in PACKAGES.items() if "resolved" in each] == []
    for file in FOLDER.iterdir():
        assert not re.search(r"registry\.|npmjs|npm\.pkg", file.read_text()), file.name


def test_the_lock_file_is_of_the_package_file() -> None:
    wanted = json.loads((FOLDER / "package.json").read_text())["devDependencies"]
    assert LOCK["packages"][""]["devDependencies"] == wanted
    assert {name: PACKAGES[f"node_modules/{name}"]["version"] for name in wanted} == wanted
