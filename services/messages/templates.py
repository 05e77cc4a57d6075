"""The words of a message with its values put in: an org's own templates, else ours.

A template is plain text with values such as $when. An org's stand in <folder>/<org>/<language>/<kind>.txt and .html.
The first is of texts and of the plain part of e-mails. Each file is read when it is needed, so a change of it applies
at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Literal

from models.fields import ID_PATTERN
from models.messages import MessageKind

Values = Mapping[str, str]

_ORG = re.compile(ID_PATTERN.rstrip("$") + r"\Z")
_LINK = re.compile(r"https?://[^\s<>\"]+")


class Templates:
    """The templates of all orgs. folder: None for none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def find(self, org: str, language: str, kind: MessageKind, suffix: Literal[".txt", ".html"]) -> str | None:
        """An org's own template, or None if it has none or it cannot be read."""
        if self._folder is None or not _ORG.match(org):
            return None
        try:
            return (self._folder / org / language / f"{kind}{suffix}").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None


def filled(lines: Iterable[str], values: Values) -> list[str]:
    """The lines with their values. A line that names a value which is empty is left out."""
    found = []
    for line in lines:
        template = Template(line)
        if all(values.get(name, "unknown") for name in template.get_identifiers()):
            found.append(template.safe_substitute(values).strip())
    return found


def filled_html(template: str, values: Values) -> str:
    """A page with its values, each escaped."""
    return Template(template).safe_substitute({name: escape(value) for name, value in values.items()})


def paragraphs(lines: Iterable[str]) -> str:
    """Lines of plain text as HTML; what looks like an address becomes a link."""
    return "\n".join(f"<p>{_linked(line)}</p>" for line in lines)


def _linked(line: str) -> str:
    parts, last = [], 0
    for found in _LINK.finditer(line):
        address = escape(found[0])
        parts += [escape(line[last : found.start()]), f'<a href="{address}">{address}</a>']
        last = found.end()
    return "".join([*parts, escape(line[last:])])
