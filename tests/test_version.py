"""The version stands in pyproject.toml; every other mention agrees with it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from api.openapi.document import VERSION, openapi

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_openapi_names_the_version_of_the_project() -> None:
    assert openapi([])["info"]["version"] == VERSION == PROJECT


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Dockerfile", r'org\.opencontainers\.image\.version="(.+?)"'),
        ("README.md", r"^Version (\S+) "),
        ("CHANGELOG.md", r"^## \[(\d.*?)\]"),
    ],
)
def test_each_file_that_names_the_version_agrees(name: str, pattern: str) -> None:
    found = re.search(pattern, (ROOT / name).read_text(), re.MULTILINE)
    assert found is not None
    assert found[1] == PROJECT
