"""What a list of the catalogue finds, by a real mongod and by the pattern alone."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.catalogue import PropertyCreate, PropertyPatch, TechnicianCreate
from services.catalogue.listing import MOST_WORDS, list_filter
from tests.world import World

HOUSES = {
    "strand-1": ("Ólafur's house", "Strandvejen 12, 2. tv., København Ø"),
    "strand-2": ("Mill House (north)", "Łódź"),
    "umlaut": ("Ŭber-Haus Größe", None),
    "apart": (unicodedata.normalize("NFD", "Cafe\u0301 Zoë"), "Quay 1"),
    "kyrill": ("Дом Ёлка", "Main St. 9"),
}
"""Names and addresses by id."""


@pytest.fixture
def town(world: World) -> World:
    for plain_id, (name, address) in HOUSES.items():
        made = PropertyCreate(id=plain_id, name=name, address=address)
        world.services.catalogue_desk.create_property(world.org, made)
    return world


def found(world: World, q: str | None, **asked: Any) -> set[str]:
    properties, _ = world.services.catalogue_desk.list_properties(world.org, q=q, **asked)
    return {each.id for each in properties} - {"prop-1", "prop-2", "prop-3"}


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("olafur", {"strand-1"}),
        ("ÓLAF", {"strand-1"}),
        ("house", {"strand-1", "strand-2"}),
        ("north mill", {"strand-2"}),
        ("(north", {"strand-2"}),
        ("größe", {"umlaut"}),
        ("strand", {"strand-1", "strand-2"}),
        ("strand-2", {"strand-2"}),
        ("kobenhavn o", {"strand-1"}),
        ("lodz", {"strand-2"}),
        ("gro", {"umlaut"}),
        ("haus uber", {"umlaut"}),
        ("cafe zoe", {"apart"}),
        ("Café ZOË", {"apart"}),
        ("afe", set()),
        ("елка", {"kyrill"}),
        ("ДОМ", {"kyrill"}),
        ("9 main", {"kyrill"}),
        ("st.", {"kyrill"}),
        (".*", set()),
        ("house nowhere", set()),
    ],
)
def test_each_word_is_found_at_the_beginning_of_a_word(town: World, q: str, ids: set[str]) -> None:
    assert found(town, q) == ids


@pytest.mark.parametrize("q", [None, "", "  \t"])
def test_no_words_find_everything(town: World, q: str | None) -> None:
    assert found(town, q) == HOUSES.keys()


def test_what_strangers_search_has_no_addresses_and_nothing_unlisted(town: World) -> None:
    town.services.catalogue_desk.patch_property(town.org, "strand-2", PropertyPatch(unlisted=True))
    assert found(town, "strand", public=True) == {"strand-1"}
    for hidden in ("strandvejen", "lodz", "quay"):
        assert found(town, hidden, public=True) == set()
        assert len(found(town, hidden)) == 1


def test_status_and_words_go_together_and_pages_follow(town: World) -> None:
    desk = town.services.catalogue_desk
    desk.patch_property(town.org, "strand-1", PropertyPatch(status="unavailable"))
    assert found(town, "house", status="available") == {"strand-2"}
    assert found(town, None, status="unavailable") == {"strand-1"}
    pages, cursor = [], None
    while len(pages) < 5:
        properties, cursor = desk.list_properties(town.org, 2, cursor, q="house", status="available")
        pages.append([each.id for each in properties])
        if cursor is None:
            break
    assert pages == [["prop-1", "prop-2"], ["prop-3", "strand-2"]]


def test_technicians_are_found_by_name_and_id(world: World) -> None:
    desk = world.services.catalogue_desk
    desk.create_technician(world.org, TechnicianCreate(id="jb", name="Jón Birgisson"))
    for q in ("jon", "birg", "JB", "jon jb"):
        assert [each.id for each in desk.list_technicians(world.org, q=q)[0]] == ["jb"]


@given(st.text(max_size=40))
@example("ΣΑΣ")
@example("\u0301x")
@example("\uf900")
@example("ǅ İ K ﬁ ½ 한글 กุ")
def test_any_text_is_a_valid_pattern_that_finds_itself(text: str) -> None:
    words = text.split()[:MOST_WORDS]
    for condition in list_filter(None, text, ["name"]).get("$and", []):
        ((_, pattern),) = condition["$or"][0].items()
        compiled = re.compile(pattern["$regex"], re.IGNORECASE)
        assert any(compiled.search(word) for word in words)
