"""The HTML of a page: a shell that says what the page is, and what it loads.

A shell is a file with `$names`. `$links` stands for its styles and scripts, `$brand`, `$phone`, `$key` and `$call` for
what is known of the org, and the rest for words of the visitor's language. Every value is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from api.pages.assets import Assets

FOLDER = Path(__file__).parent / "shells"

CONTENT_TYPE = "text/html; charset=utf-8"
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' "
    "rx='8' fill='%230b6170'/%3E%3Cpath d='M9 17l5 5 9-11' fill='none' stroke='%23fff' stroke-width='3.5'/%3E%3C/svg%3E"
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page. path: its address. shell: the name of its file in the folder of shells, and the group of its words:
    `<shell>_title` and so on. script, styles: paths of the assets that it loads. framed: the sites of its key may
    show it in a frame."""

    path: str
    shell: str
    script: str
    styles: tuple[str, ...]
    framed: bool = False


@dataclass(frozen=True, slots=True)
class Org:
    """What a page may show of the org whose publishable key it carries; nothing without a key."""

    key: str = ""
    name: str | None = None
    phone: str | None = None
    origins: frozenset[str] = frozenset()


class Shell:
    """Renders one page. words: by language."""

    def __init__(self, page: Page, assets: Assets, words: Mapping[str, Mapping[str, str]]) -> None:
        self._template = Template((FOLDER / f"{page.shell}.html").read_text())
        self._words = words
        self._links = {language: _links(page, assets, language) for language in words}

    def render(self, org: Org, language: str) -> bytes:
        """The page in this language."""
        words = self._words[language]
        call = words["call"].format(phone=org.phone) if org.phone else words["call_nobody"]
        safe = {name: escape(text) for name, text in words.items()}
        known = {"lang": language, "key": org.key, "brand": org.name or words["brand"], "call": call}
        safe |= {name: escape(text) for name, text in known.items()}
        return self._template.substitute(safe, links=self._links[language], phone=_phone(org.phone)).encode()


def _phone(phone: str | None) -> str:
    """A link that calls the org; nothing where it names no phone."""
    if not phone:
        return ""
    digits = "".join(letter for letter in phone if letter.isdigit() or letter == "+")
    return f'<a class="phone" href="tel:{escape(digits)}">{escape(phone)}</a>'


def _links(page: Page, assets: Assets, language: str) -> str:
    """The elements that load a page's files. The words are named too, so that they need not wait for the script."""
    early = f'<link rel="modulepreload" href="{assets.words(page.script, language)}">'
    return f"{early}\n{links(assets, page.script, page.styles)}"


def links(assets: Assets, script: str, styles: tuple[str, ...]) -> str:
    """The elements that load an icon, styles and a script. script, styles: paths of the assets."""
    styled = (f'<link rel="stylesheet" href="{assets.address(path)}">' for path in styles)
    run = f'<script type="module" src="{assets.address(script)}"></script>'
    return "\n".join((f'<link rel="icon" href="{ICON}">', *styled, run))
