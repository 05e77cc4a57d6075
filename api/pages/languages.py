"""The languages of the pages: which one a visitor reads, and the words that a page says without scripts.

All words of a language are in one file, `static/words/<language>.js`, which is JSON behind `export default`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

LANGUAGES: Final = ("en", "da", "is")
"""The first is spoken with visitors who read none of them."""

_JSON = re.compile(r"\s*export default (\{.*\});\s*", re.DOTALL)
_WISH = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q=([0-9.]{1,5}))?\s*")


def read_words(folder: Path) -> dict[str, dict[str, str]]:
    """For each language what its pages say without scripts: the group `shell` of its words."""
    found = {}
    for language in LANGUAGES:
        text = _JSON.fullmatch((folder / f"{language}.js").read_text())
        if text is None:
            raise ValueError(f"The words of {language} are not JSON behind `export default`.")
        found[language] = json.loads(text[1])["shell"]
    return found


def choose(asked: str | None, accepted: str) -> str:
    """The language of a reply. asked: by the address, or chosen before. accepted: the header Accept-Language."""
    if asked in LANGUAGES:
        return str(asked)
    best, most = LANGUAGES[0], 0.0
    for each in accepted[:200].split(","):
        wish = _WISH.fullmatch(each)
        if wish is None or wish[1].lower() not in LANGUAGES:
            continue
        weight = _weight(wish[2])
        if weight > most:
            best, most = wish[1].lower(), weight
    return best


def _weight(text: str | None) -> float:
    try:
        return 1.0 if text is None else float(text)
    except ValueError:
        return 0.0
