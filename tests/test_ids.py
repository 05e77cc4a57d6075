"""Ids and tokens show by themselves that this installation made them."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from itertools import permutations
from string import ascii_letters, digits
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.slot import Visit
from services.ids import HoldIds, ManageTokens, booking_id_for, hold_name

SECRET = "a secret of at least thirty-two characters"
NOW_MS = 1_796_119_200_000

ids = st.text(ascii_letters + digits + "._-", min_size=1, max_size=64)


@pytest.fixture(scope="module")
def hold_ids() -> HoldIds:
    return HoldIds(SECRET)


@pytest.fixture(scope="module")
def tokens() -> ManageTokens:
    return ManageTokens(SECRET)


def every_other_character(text: str) -> list[str]:
    """The text with each of its characters, one at a time, replaced by another allowed one."""
    return [text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :] for at in range(len(text))]


@given(org=ids, key_id=ids, now_ms=st.integers(0, 2**48 - 1))
def test_a_hold_id_contains_the_time_of_its_issue(hold_ids: HoldIds, org: str, key_id: str, now_ms: int) -> None:
    hold_id = hold_ids.make(org, key_id, now_ms)
    assert re.fullmatch(r"h_[A-Za-z0-9_-]{1,62}", hold_id)
    assert hold_ids.issued_at_ms(org, key_id, hold_id) == now_ms


def test_two_hold_ids_of_the_same_moment_differ(hold_ids: HoldIds) -> None:
    assert len({hold_ids.make("alice-co", "key_1", NOW_MS) for _ in range(1000)}) == 1000


def test_a_hold_id_is_valid_only_for_its_org_key_and_secret(hold_ids: HoldIds) -> None:
    hold_id = hold_ids.make("alice-co", "key_1", NOW_MS)
    assert hold_ids.issued_at_ms("charlie-co", "key_1", hold_id) is None
    assert hold_ids.issued_at_ms("alice-co", "key_2", hold_id) is None
    assert HoldIds("another" + SECRET).issued_at_ms("alice-co", "key_1", hold_id) is None


def test_a_hold_id_with_any_character_changed_is_invalid(hold_ids: HoldIds) -> None:
    hold_id = hold_ids.make("alice-co", "key_1", NOW_MS)
    changed = every_other_character(hold_id)
    assert [hold_ids.issued_at_ms("alice-co", "key_1", each) for each in changed] == [None] * len(hold_id)


@pytest.mark.parametrize("hold_id", ["", "h_", "h_" + "A" * 32, "h_" + "A" * 31 + "\n", "x" * 34, "h_" + "é" * 32])
def test_a_text_that_was_never_issued_is_invalid(hold_ids: HoldIds, hold_id: str) -> None:
    assert hold_ids.issued_at_ms("alice-co", "key_1", hold_id) is None


VISIT = Visit("prop-1", "tech-1", 10, 14, 1, 2)


def test_an_id_proves_its_visit_and_no_other(hold_ids: HoldIds) -> None:
    name = hold_ids.make("alice-co", "key_1", NOW_MS)
    hold_id = hold_ids.seal("alice-co", "key_1", name, VISIT)
    assert hold_name(hold_id) == name
    assert hold_ids.proves("alice-co", "key_1", hold_id, VISIT)
    of_slot = [field.name for field in fields(VISIT) if field.name != "units"]
    others = [replace(VISIT, **{name: changed(getattr(VISIT, name))}) for name in of_slot]
    assert [hold_ids.proves("alice-co", "key_1", hold_id, other) for other in others] == [False] * 7
    assert not hold_ids.proves("charlie-co", "key_1", hold_id, VISIT)
    assert not hold_ids.proves("alice-co", "key_2", hold_id, VISIT)
    assert not HoldIds("another" + SECRET).proves("alice-co", "key_1", hold_id, VISIT)
    for wrong in every_other_character(hold_id):
        assert not hold_ids.proves("alice-co", "key_1", wrong, VISIT)


def test_only_an_id_that_was_given_out_is_genuine_and_its_slot_need_not_be_known(hold_ids: HoldIds) -> None:
    name, other = (hold_ids.make("alice-co", "key_1", NOW_MS) for _ in range(2))
    hold_id = hold_ids.seal("alice-co", "key_1", name, VISIT)
    assert hold_ids.was_given("alice-co", hold_id)
    assert not hold_ids.was_given("charlie-co", hold_id)
    assert not HoldIds("another" + SECRET).was_given("alice-co", hold_id)
    for wrong in (*every_other_character(hold_id), other + hold_id[len(name) :], name, name + "A" * 20, ""):
        assert not hold_ids.was_given("alice-co", wrong)


def changed(value: Any) -> Any:
    if isinstance(value, tuple):
        return (*value, "somebody")
    return value + 1 if isinstance(value, int) else value + "0"


def test_an_id_proves_a_crew_in_any_order_and_no_smaller_or_other_one(hold_ids: HoldIds) -> None:
    crew = replace(VISIT, technician_id="tech-3", crew=("tech-1", "tech-2"))
    hold_id = hold_ids.seal("alice-co", "key_1", hold_ids.make("alice-co", "key_1", NOW_MS), crew)
    for lead, *others in permutations(crew.technician_ids):
        assert hold_ids.proves("alice-co", "key_1", hold_id, replace(crew, technician_id=lead, crew=tuple(others)))
    for wrong in ((), ("tech-1",), ("tech-1", "tech-4"), ("tech-1", "tech-2", "tech-4")):
        assert not hold_ids.proves("alice-co", "key_1", hold_id, replace(crew, crew=wrong))


@pytest.mark.parametrize("text", ["", "h_" + "A" * 32, "h_" + "A" * 52 + "\n", "d_" + "A" * 52, "h_" + "é" * 52])
def test_what_is_no_id_has_no_name(hold_ids: HoldIds, text: str) -> None:
    assert hold_name(text) is None
    assert not hold_ids.was_given("alice-co", text)
    assert not hold_ids.proves("alice-co", "key_1", text, VISIT)


@given(org=ids, booking_id=ids, generation=st.integers(0, 10**9 - 1))
def test_a_manage_token_is_a_legal_bearer_and_names_one_booking_and_generation(
    tokens: ManageTokens, org: str, booking_id: str, generation: int
) -> None:
    token = tokens.make(org, booking_id, generation)
    assert re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token)
    assert tokens.read(token) == (org, booking_id, generation)


def test_dots_in_ids_cannot_move_from_the_org_to_the_booking(tokens: ManageTokens) -> None:
    assert tokens.make("a.b", "c", 0) != tokens.make("a", "b.c", 0)
    mac = tokens.make("a.b", "c", 0).rpartition("~")[2]
    assert tokens.read(f"hfm_a~b.c~{mac}") is None


@pytest.mark.parametrize("generation", [0, 17])
def test_a_manage_token_with_any_character_changed_is_invalid(tokens: ManageTokens, generation: int) -> None:
    token = tokens.make("alice-co", "bk_1", generation)
    assert [tokens.read(each) for each in every_other_character(token)] == [None] * len(token)
    assert ManageTokens("another" + SECRET).read(token) is None


def test_other_spellings_of_the_same_mac_are_invalid(tokens: ManageTokens) -> None:
    token = tokens.make("alice-co", "bk_1", 0)
    assert [last for last in ascii_letters + digits + "-_" if tokens.read(token[:-1] + last)] == [token[-1]]


@pytest.mark.parametrize("token", ["", "hfm_", "hfm_a~b", "hfm_a~b~", "hfm_a~b~" + "A" * 43, "hf_a~b~" + "A" * 43])
def test_any_other_text_is_no_manage_token(tokens: ManageTokens, token: str) -> None:
    assert tokens.read(token) is None


def test_the_id_of_a_booking_depends_on_each_of_its_parts_and_nothing_else() -> None:
    assert booking_id_for("alice-co", "h_1") == booking_id_for("alice-co", "h_1")
    assert re.fullmatch(r"bk_[a-z2-7]{26}", booking_id_for("alice-co", "h_1"))
    different = [
        ("a", "b", "c"),
        ("a", "bc"),
        ("ab", "c"),
        ("a", "b\0c"),
        ("abc",),
        ("a", "b", "c", ""),
        ("c", "b", "a"),
    ]
    assert len({booking_id_for(*parts) for parts in different}) == len(different)
