"""The wiring is typed: mypy refuses a part in the place of another."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api as mypy

ROOT = Path(__file__).resolve().parent.parent

SNIPPET = """
from services.holds.operations import Holds
from services.wiring.parts import Parts


def holds(parts: Parts) -> Holds:
    return Holds(
        claims=parts.claims,
        placing=parts.{placing},
        catalogue=parts.catalogue,
        hold_ids=parts.hold_ids,
        grid=parts.grid,
        clock=parts.clock,
        crash=parts.crash,
    )
"""


@pytest.mark.parametrize(("placing", "refused"), [("placing", False), ("claims", True)])
def test_a_wrong_part_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, placing: str, refused: bool) -> None:
    monkeypatch.chdir(ROOT)
    snippet = tmp_path / "snippet.py"
    snippet.write_text(SNIPPET.format(placing=placing), encoding="utf-8")
    said, errors, status = mypy.run(["--strict", str(snippet)])
    assert errors == ""
    assert status == int(refused), said
    assert ('expected "Placing"' in said) is refused, said


def test_nothing_in_the_wiring_is_of_any_type() -> None:
    files = [ROOT / "services" / "__init__.py", *(ROOT / "services" / "wiring").glob("*.py")]
    assert len(files) > 3
    for file in files:
        wiring = file.read_text(encoding="utf-8")
        assert "Any" not in wiring, file
        assert "**" not in wiring, file
