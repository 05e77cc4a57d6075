"""HTML as values. Text is always escaped; what is markup already says so by its type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

_MARKED = re.compile(r"`([^`]+)`|\*(\w+)\*")
_VOID = frozenset({"meta", "link", "br"})


class Markup(str):
    """HTML, as it is sent."""

    __slots__ = ()


Child = str | None | Iterable["Child"]


def element(name: str, /, *children: Child, **attributes: str | bool | None) -> Markup:
    """An element. `class_` stands for class and `data_path` for data-path; True is an attribute without a value, and
    None and False leave one out."""
    pairs = "".join(_pair(each, value) for each, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{pairs}>")
    return Markup(f"<{name}{pairs}>{joined(children)}</{name}>")


def joined(child: Child) -> Markup:
    """The markup of a text, of an element, or of several of them."""
    if child is None:
        return Markup("")
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return Markup(escape(child, quote=False))
    return Markup("".join(map(joined, child)))


def prose(text: str) -> list[Markup]:
    """Sentences of the document: what stands between backticks is code, and a word between stars is stressed."""
    found, at, text = [], 0, " ".join(text.split())
    for mark in _MARKED.finditer(text):
        found += [joined(text[at : mark.start()]), element("code", mark[1]) if mark[1] else element("em", mark[2])]
        at = mark.end()
    return [*found, joined(text[at:])]


def between(children: Sequence[Child], separator: str) -> list[Child]:
    """The children with a text between each two of them."""
    return [part for place, child in enumerate(children) for part in ((separator, child) if place else (child,))]


def _pair(name: str, value: str | bool | None) -> str:
    plain = name.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {plain}" if value is True else f' {plain}="{escape(str(value))}"'
