"""Who had what when: only what is certain accuses."""

from __future__ import annotations

import pytest

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Evidence
from scripts.load.rules.timeline import owners_refused, trespasses
from tests.load.planted import answer, booked, evidence, held, slot


def trespassers(*exchanges: Exchange) -> list[str]:
    return [grant.logical for grant, _, _ in trespasses(evidence(list(exchanges), []))]


def refused_owners(*exchanges: Exchange) -> list[str]:
    run: Evidence = evidence(list(exchanges), [])
    return [refusal.logical for refusal, _ in owners_refused(run)]


def test_a_hold_on_a_booked_slot_trespasses() -> None:
    assert trespassers(booked("0", slot(), at=1, by_hold=False), held("1", slot(), at=2)) == ["1:hold"]


def test_a_hold_on_a_held_slot_trespasses() -> None:
    assert trespassers(held("0", slot(), at=1), held("1", slot(615), at=2)) == ["1:hold"]


def test_a_direct_booking_of_a_held_slot_trespasses() -> None:
    assert trespassers(held("0", slot(), at=1), booked("1", slot(), at=2, by_hold=False)) == ["1:direct"]


def test_booking_ones_own_hold_does_not_trespass() -> None:
    assert trespassers(held("0", slot(), at=1), booked("0", slot(), at=2)) == []


def test_grants_that_crossed_on_the_way_accuse_nobody() -> None:
    assert trespassers(held("0", slot(), at=1.0), held("1", slot(), at=1.05)) == []


def test_a_slot_whose_hold_ran_out_may_be_held() -> None:
    assert trespassers(held("0", slot(), at=1, ttl_seconds=2), held("1", slot(), at=3)) == []


def test_a_slot_whose_hold_is_being_released_may_be_held() -> None:
    released = answer("0:release", {"hold_id": "hold-0"}, at=2, status=204)
    assert trespassers(held("0", slot(), at=1), released, held("1", slot(), at=2.05)) == []


def test_an_extended_hold_protects_beyond_its_first_lifetime() -> None:
    extended = answer("0:extend", {"hold_id": "hold-0", "ttl_seconds": 60}, at=2, status=200)
    first = held("0", slot(), at=1, ttl_seconds=2)
    assert trespassers(first, extended, held("1", slot(), at=5)) == ["1:hold"]
    assert trespassers(first, extended, held("1", slot(), at=70)) == []


def test_a_slot_whose_booking_is_cancelled_may_be_booked() -> None:
    cancelled = answer("0:cancel", {"booking_id": "bk-0"}, at=3, status=200)
    first = booked("0", slot(), at=1, by_hold=False)
    assert trespassers(first, cancelled, booked("1", slot(), at=3.05, by_hold=False)) == []
    assert trespassers(first, booked("1", slot(), at=3.05, by_hold=False)) == ["1:direct"]


def test_a_slot_whose_booked_hold_is_cancelled_may_be_held() -> None:
    cancelled = answer("0:cancel", {"booking_id": "bk-0"}, at=3, status=200)
    assert trespassers(held("0", slot()), booked("0", slot()), cancelled, held("1", slot(), at=4)) == []


def test_a_replayed_answer_grants_nothing_new() -> None:
    first, again = held("0", slot(), at=1, ttl_seconds=1), held("0", slot(), at=5)
    assert trespassers(first, booked("1", slot(), at=3, by_hold=False), again) == []


def test_travel_of_a_technician_is_protected() -> None:
    there, next_door = slot(600, travel=30), slot(675, site="p1", travel=0)
    assert trespassers(held("0", there, at=1), held("1", next_door, at=2)) == ["1:hold"]


@pytest.mark.parametrize(("at", "accused"), [(1.5, ["0:book"]), (3.0, [])])
def test_an_owner_may_be_refused_only_after_the_hold_ran_out(at: float, accused: list[str]) -> None:
    refusal = answer("0:book", {"hold_id": "hold-0"}, at=at, status=409, code="slot_booked")
    assert refused_owners(held("0", slot(), at=1, ttl_seconds=2), refusal) == accused


def test_an_owner_who_released_may_be_refused() -> None:
    released = answer("0:release", {"hold_id": "hold-0"}, at=1.2, status=204)
    refusal = answer("0:book", {"hold_id": "hold-0"}, at=1.4, status=410, code="hold_released")
    assert refused_owners(held("0", slot(), at=1), released, refusal) == []
