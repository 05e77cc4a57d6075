"""Puts a script and all modules that it imports into one file, so that a page needs one request and no tool.

Each module becomes a function that is called once and returns what the module exports. That needs a plain style:
`import { a, b as c } from "./other.js";` at the start of a line, `export` before a `const`, `function` or `class`, no
circles, and no text over several lines. Anything else is an error when the server starts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^import \{(?P<names>[^}]*)\} from "(?P<path>\.{1,2}/[^"]+)";$', re.MULTILINE)
_DYNAMIC = re.compile(r'\bimport\("(?P<path>\.{1,2}/[^"]+)"\)')
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (?P<name>\w+))", re.MULTILINE)
_UNKNOWN = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*(?://.*|/\*\*?(?:.|\n)*?\*/)$\n?", re.MULTILINE)
_INDENT = re.compile(r"^\s+", re.MULTILINE)


def bundle(entry: str, modules: Mapping[str, str], addresses: Mapping[str, str]) -> str:
    """The file of an entry.

    modules: the source of each by its path. addresses: where a browser finds what modules import while they run, by
    path. Raises ValueError for what cannot be put together.
    """
    ordered: dict[str, str] = {}
    _add(entry, modules, ordered, ())
    numbers = {path: number for number, path in enumerate(ordered)}
    return "\n".join(_wrapped(path, source, numbers, addresses) for path, source in ordered.items())


def _add(path: str, modules: Mapping[str, str], ordered: dict[str, str], importers: tuple[str, ...]) -> None:
    """Adds a module behind those that it imports."""
    if path in ordered:
        return
    if path in importers:
        raise ValueError(f"These scripts import each other in a circle: {', '.join((*importers, path))}.")
    if path not in modules:
        raise ValueError(f"{importers[-1] if importers else 'A page'} loads {path}, and there is no such file.")
    source = _INDENT.sub("", _COMMENT.sub("", modules[path]))
    for found in _IMPORT.finditer(source):
        _add(_beside(path, found["path"]), modules, ordered, (*importers, path))
    ordered[path] = source


def _wrapped(path: str, source: str, numbers: Mapping[str, int], addresses: Mapping[str, str]) -> str:
    exported: list[str] = []

    def take(found: re.Match[str]) -> str:
        names = re.sub(r"(\w+) as (\w+)", r"\1: \2", " ".join(found["names"].split()))
        return f"const {{ {names} }} = m{numbers[_beside(path, found['path'])]};"

    def give(found: re.Match[str]) -> str:
        exported.append(found["name"])
        return ""

    def load(found: re.Match[str]) -> str:
        return f'import("{addresses[_beside(path, found["path"])]}")'

    body = _EXPORT.sub(give, _DYNAMIC.sub(load, _IMPORT.sub(take, source)))
    if left := _UNKNOWN.search(body):
        raise ValueError(f"{path} has a line that the pages cannot load: {left[0]}")
    return f"const m{numbers[path]} = (() => {{\n{body.strip()}\nreturn {{ {', '.join(exported)} }};\n}})();"


def _beside(path: str, other: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), other))
