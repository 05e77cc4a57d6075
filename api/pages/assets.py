"""The styles and scripts of the pages. Each is read once, named after its content, and kept compressed.

A name changes whenever the content does, so a browser may keep each file for ever. A page's script comes in one file
with all that it imports, see `bundles`.
"""

from __future__ import annotations

import gzip
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

    entries: the paths of the scripts that pages load. Styles and words are sent as they are, without comments.
    """

    def __init__(self, folder: Path, entries: tuple[str, ...]) -> None:
        found = (path for path in sorted(folder.rglob("*")) if path.suffix in CONTENT_TYPES)
        sources = {path.relative_to(folder).as_posix(): path.read_text() for path in found}
        scripts = {path: text for path, text in sources.items() if path.startswith("js/")}
        self._by_path = {path: _asset(path, _plain(path, sources[path])) for path in sources.keys() - scripts.keys()}
        addresses = {path: self.address(path) for path in self._by_path}
        for path in entries:
            self._by_path[path] = _script(path, scripts, addresses)
        self._by_name = {asset.name: asset for asset in self._by_path.values()}

    def named(self, name: str) -> Asset | None:
        """The file whose address ends in this name; None for an unknown or outdated one."""
        return self._by_name.get(name)

    def at(self, path: str) -> Asset:
        """The file of a path."""
        return self._by_path[path]

    def address(self, path: str) -> str:
        """Where a browser finds the file."""
        return PREFIX + self._by_path[path].name


def _script(path: str, scripts: Mapping[str, str], addresses: Mapping[str, str]) -> Asset:
    """The file of an entry. It is named after the folder that its modules are in, or itself."""
    return _asset(path.removeprefix("js/").replace("/main", ""), bundle(path, scripts, addresses))


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
