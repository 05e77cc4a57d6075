"""The shell blocks of the documents work as pasted, also when they are pasted again."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.system.stack.whole_server import ROOT, WholeServer

DOCUMENTED = "http://127.0.0.1:8080"
WHOLE_DETAIL = re.compile(r'"detail":"([^"…]+)"')
PROBLEM_CODE = re.compile(r'"code":"(\w+)"(?!,"message")')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    """A server whose data are in `.data`, where the documents look for them."""
    with WholeServer(tmp_path_factory.mktemp("pasting") / ".data") as running:
        yield running


def _blocks(document: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


def _paste(server: WholeServer, text: str) -> str:
    """What the pasted text prints, stderr first."""
    done = subprocess.run(
        ["bash", "-c", text.replace(DOCUMENTED, server.dev["url"])],
        cwd=server.data.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},  # the documents are pasted in the folder of the project
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr + done.stdout


def test_the_readme_holds_and_books_at_each_of_three_pastes(server: WholeServer) -> None:
    (block,) = [each for each in _blocks("README.md") if "/hold" in each]
    starts = set()
    for _ in range(3):
        held, refused, booked = map(json.loads, _paste(server, block).splitlines())
        assert (held["status"], refused["code"], booked["status"]) == ("held", "slot_held", "confirmed")
        assert refused["next_available"]
        starts.add(booked["start"])
    assert len(starts) == 3


def test_the_readme_holds_and_books_from_python(server: WholeServer) -> None:
    (block,) = [each for each in _blocks("README.md") if "scripts.client" in each]
    for _ in range(2):
        refused, booked = _paste(server, block).splitlines()
        assert refused.startswith("slot_held - free instead: 20")
        assert booked == "confirmed"


def test_the_tour_of_the_api_gives_the_replies_that_it_shows(server: WholeServer) -> None:
    replies = _paste(server, "\n".join(_blocks("docs/api.md")))
    shown = (ROOT / "docs" / "api.md").read_text()
    assert PROBLEM_CODE.findall(replies) == PROBLEM_CODE.findall(shown)
    assert [detail for detail in WHOLE_DETAIL.findall(shown) if detail not in replies] == []
    assert replies.count('"booking_id":"') >= 12
