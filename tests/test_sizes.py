"""Files and functions stay short enough to be read in one go."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("api", "models", "scripts", "services", "tests")
WORDS = ROOT / "api" / "pages" / "static" / "words"
"""A text a line, as many as the pages need."""
MOST_LINES = {".py": 300, ".lua": 300, ".js": 250}
MOST_LINES_OF_A_FUNCTION = 45


def sources(suffix: str) -> list[Path]:
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob(f"*{suffix}"))]
    return [path for path in found if WORDS not in path.parents]


def long_functions(source: str) -> list[str]:
    """The functions with too many lines, without their decorators."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = [(node.name, (node.end_lineno or node.lineno) - node.lineno + 1) for node in found]
    return [f"{name}: {count} lines" for name, count in lines if count > MOST_LINES_OF_A_FUNCTION]


@pytest.mark.parametrize("suffix", MOST_LINES)
def test_no_file_is_too_long(suffix: str) -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources(suffix)}
    assert len(lines) > 10
    assert {str(path.relative_to(ROOT)): count for path, count in lines.items() if count > MOST_LINES[suffix]} == {}


def test_no_function_is_too_long() -> None:
    found = {str(path.relative_to(ROOT)): long_functions(path.read_text(encoding="utf-8")) for path in sources(".py")}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_long_function_is_seen() -> None:
    """The negative control."""
    short, long = (f"def {name}():\n" + "    print()\n" * lines for name, lines in (("a", 44), ("b", 45)))
    assert long_functions(short + long) == ["b: 46 lines"]
