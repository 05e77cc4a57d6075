"""The documents name only what exists: links, paths in the repository, and the tests that the protocol cites."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(r"`((?:api|services|models|scripts|tests|docs|requirements)/[\w./-]*)`")
SHORTEST_TEST_NAME = 14


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = []
    for link in LINK.findall(document.read_text()):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if ":" not in link and not (target.exists() and (not anchor or anchor in _anchors(target))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_exists(document: Path) -> None:
    named = NAMED_PATH.findall(document.read_text())
    assert [path for path in named if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists()] == []


def test_every_test_that_the_protocol_cites_exists() -> None:
    rows = re.findall(r"^\| .* \| (.+) \|$", (ROOT / "docs" / "protocol.md").read_text(), re.MULTILINE)
    cited = [part.strip() for row in rows for part in row.split(";") if re.match(r"\s*[\w/]+/test_\w+", part)]
    assert len(cited) > 40
    missing = []
    for citation in cited:
        name, _, tests = citation.partition(":")
        file = ROOT / "tests" / f"{name.split()[0]}.py"
        text = file.read_text() if file.exists() else ""
        sentences = re.findall(r"\w+", re.sub(r"\(.*?\)", "", tests))
        wanted = [each for each in sentences if len(each) >= SHORTEST_TEST_NAME]
        if not text or any(f"def test_{each}(" not in text for each in wanted):
            missing.append(citation)
    assert missing == []


def test_every_test_that_the_page_on_security_cites_exists() -> None:
    cited = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "security.md").read_text())
    written = (ROOT / "tests" / "api" / "test_owasp.py").read_text()
    assert len(cited) == 10
    assert [name for name in cited if f"def {name}(" not in written] == []
