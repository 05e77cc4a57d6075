"""All words of a language are in one file, and each language has all of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from api.pages.languages import LANGUAGES, choose, read_words
from api.pages.views import STATIC

_NAMED = re.compile(r'\bword\(\s*"([a-z_]+\.[a-z_]+)"')
_PLACES = re.compile(r"\{(\w+)\}")


def _words(language: str) -> dict[str, str]:
    text = (STATIC / "words" / f"{language}.js").read_text().strip()
    groups: dict[str, Any] = json.loads(text.removeprefix("export default ").removesuffix(";"))
    return {f"{group}.{name}": sentence for group, names in groups.items() for name, sentence in names.items()}


def test_each_text_that_a_script_names_is_there() -> None:
    named = {name for path in STATIC.rglob("js/**/*.js") for name in _NAMED.findall(path.read_text())}

    assert len(named) > 50
    assert named <= _words("en").keys()


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_each_language_has_every_text_with_the_same_places(language: str) -> None:
    english, other = _words("en"), _words(language)

    assert other.keys() == english.keys()
    for name, sentence in english.items():
        # The form for one may leave its number out, where a language writes it as a word.
        assert name.endswith("_one") or set(_PLACES.findall(other[name])) == set(_PLACES.findall(sentence)), name


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_is_one(language: str) -> None:
    english, other = _words("en"), _words(language)
    same = [name for name in english if other[name] == english[name] and len(english[name].split()) > 3]

    assert [name for name in same if not _PLACES.search(english[name])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_days_and_months_are_complete(language: str) -> None:
    words = _words(language)

    assert [len(words[f"dates.{name}"].split()) for name in ("weekdays", "weekdays_short")] == [7, 7]
    assert [len(words[f"dates.{name}"].split()) for name in ("months", "months_short")] == [12, 12]


@pytest.mark.parametrize("accepted", ["", "*", "de", ";;q", "en;q=x", "da;q=0", "a" * 10_000])
def test_what_names_no_language_of_ours_is_english(accepted: str) -> None:
    assert choose(None, accepted) == "en"


def test_shells_have_their_words() -> None:
    assert set(read_words(STATIC / "words")) == set(LANGUAGES)
