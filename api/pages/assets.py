"""The styles and scripts of the pages. Each is read once, named after its content, and kept compressed.

A name changes whenever the content does, so a browser may keep each file for ever. A page's script comes in one file
with all that it imports, see `bundles`.
"""

from __future__ import annotations

import gzip
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from api.pages.bundles import bundle

PREFIX = "/static/"
HASH_LENGTH = 12
CONTENT_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLANKS = re.compile(r"\s+")
_AROUND = re.compile(r" ?([{};]) ?|(?<=[:,]) ")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent. name: the end of its address, behind `PREFIX`."""

    name: str
    content_type: str
    body: bytes
    zipped: bytes


class Assets:
    """The files below a folder that pages load. A path is relative to the folder, such as `css/base.css`.

    entries: the paths of the scripts that pages load. Styles are sent as they are, without comments. With each script
    go the groups of words that it uses, and no others.
    """

    def __init__(self, folder: Path, entries: tuple[str, ...]) -> None:
        found = (path for path in sorted(folder.rglob("*")) if path.suffix in CONTENT_TYPES)
        sources = {path.relative_to(folder).as_posix(): path.read_text() for path in found}
        scripts = {path: text for path, text in sources.items() if path.startswith("js/")}
        self._by_path = {path: _asset(path, _plain(path, sources[path])) for path in sources.keys() - scripts.keys()}
        self._words: dict[tuple[str, str], str] = {}
        for path in entries:
            self._add(path, scripts)
        self._by_name = {asset.name: asset for asset in self._by_path.values()}

    def _add(self, entry: str, scripts: Mapping[str, str]) -> None:
        """Adds the file of an entry, and the words that it uses in each language."""
        languages = [path for path in self._by_path if path.startswith("words/") and "/" not in path[6:]]
        used = bundle(entry, scripts, dict.fromkeys(languages, ""))
        addresses = {}
        for path in languages:
            words = _words(path, _name(entry), self._by_path[path].body.decode(), used)
            self._by_path[f"{entry} {path}"] = words
            self._words[entry, path] = addresses[path] = PREFIX + words.name
        self._by_path[entry] = _asset(_name(entry), bundle(entry, scripts, addresses))

    def words(self, entry: str, language: str) -> str:
        """Where a browser finds the words of an entry."""
        return self._words[entry, f"words/{language}.js"]

    def named(self, name: str) -> Asset | None:
        """The file whose address ends in this name; None for an unknown or outdated one."""
        return self._by_name.get(name)

    def at(self, path: str) -> Asset:
        """The file of a path."""
        return self._by_path[path]

    def address(self, path: str) -> str:
        """Where a browser finds the file."""
        return PREFIX + self._by_path[path].name


def _name(entry: str) -> str:
    """The name of an entry's file: the folder that its modules are in, or itself."""
    return entry.removeprefix("js/").replace("/main", "")


def _words(path: str, name: str, text: str, script: str) -> Asset:
    """The groups of words that a script names, as `word("group.` does."""
    groups = json.loads(text.strip().removeprefix("export default ").removesuffix(";"))
    used = {
        group: words for group, words in groups.items() if re.search(rf'["`]{group}\.|\bwords\(\)\.{group}\b', script)
    }
    folder, _, file = path.partition("/")
    kept = json.dumps(used, ensure_ascii=False, separators=(",", ":"))
    return _asset(f"{folder}/{posixpath.splitext(name)[0]}.{file}", f"export default {kept};\n")


def _asset(path: str, text: str) -> Asset:
    body = text.encode()
    stem, suffix = posixpath.splitext(path)
    name = f"{stem}.{sha256(body).hexdigest()[:HASH_LENGTH]}{suffix}"
    return Asset(name, CONTENT_TYPES[suffix], body, gzip.compress(body, mtime=0))


def _plain(path: str, text: str) -> str:
    """The text without what only people read."""
    if not path.endswith(".css"):
        return text
    return _AROUND.sub(lambda found: found[1] or "", _BLANKS.sub(" ", _CSS_COMMENT.sub("", text))).strip()
