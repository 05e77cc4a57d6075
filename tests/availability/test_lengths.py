"""The lengths of visits that a policy allows to public callers, bots and staff."""

from __future__ import annotations

from typing import Any

import pytest

from models.access import Role
from models.catalogue import Policy
from models.service import Service
from models.slot import SlotOptions
from services.availability.lengths import LENGTHS, measured
from services.timetable.grid import Grid

DURATION, BEFORE, AFTER = LENGTHS
STRANGERS = (Role.CHECKOUT, Role.CUSTOMER)
STAFF = (Role.DESK, Role.ADMIN)
POLICY = Policy(buffer_before_minutes=30, buffer_after_minutes=30)


def faults(
    roles: tuple[Role, ...], policy: Policy, *, standing: frozenset[str] = frozenset(), **given: Any
) -> set[Any]:
    """The (field, code) of each fault, which is the same for each of the roles."""
    found = [measured(Grid(15), policy, SlotOptions(**given), role, standing=standing)[1] for role in roles]
    assert all(each == found[0] for each in found)
    return {(fault.field, fault.code) for fault in found[0]}


@pytest.mark.parametrize("given", [{}, {BEFORE: 30}, {BEFORE: 30, AFTER: 30}])
def test_the_policys_own_buffers_are_allowed_to_every_role(given: dict[str, int]) -> None:
    assert faults(tuple(Role), POLICY, **given) == set()


@pytest.mark.parametrize("minutes", [0, 15, 45, 1440])
def test_a_public_caller_gets_the_buffers_of_the_policy_and_no_others(minutes: int) -> None:
    given = {BEFORE: minutes, AFTER: minutes}
    assert faults(STRANGERS, POLICY, **given) == {(BEFORE, "not_allowed"), (AFTER, "not_allowed")}


def test_the_sentence_says_what_to_send_instead() -> None:
    (fault,) = measured(Grid(15), POLICY, SlotOptions(buffer_before_minutes=0), Role.CHECKOUT)[1]
    assert fault.message == "Leave out buffer_before_minutes, or give it as 30."


def test_a_bot_may_lengthen_the_policys_buffers_but_not_shorten_them() -> None:
    assert faults((Role.BOT,), POLICY, buffer_before_minutes=45, buffer_after_minutes=120) == set()
    assert faults((Role.BOT,), POLICY, buffer_before_minutes=15, buffer_after_minutes=0) == {
        (BEFORE, "out_of_range"),
        (AFTER, "out_of_range"),
    }


def test_staff_may_shorten_the_policys_buffers() -> None:
    assert faults(STAFF, POLICY, buffer_before_minutes=0, buffer_after_minutes=15) == set()


def test_no_buffer_is_above_the_longest_one() -> None:
    wrong = {BEFORE: 135, AFTER: 1440}
    assert faults((Role.BOT, *STAFF), POLICY, **wrong) == {(BEFORE, "too_long"), (AFTER, "too_long")}


def test_a_buffer_of_a_policy_older_than_the_limit_is_no_fault() -> None:
    assert faults(tuple(Role), Policy(buffer_before_minutes=180)) == set()


def test_a_public_visit_is_no_longer_than_the_public_maximum() -> None:
    assert faults(STRANGERS, POLICY, duration_minutes=240) == set()
    assert faults(STRANGERS, POLICY, duration_minutes=255) == {(DURATION, "too_long")}
    assert faults((Role.BOT, *STAFF), POLICY, duration_minutes=480) == set()


def test_durations_in_the_orgs_own_list_are_allowed_to_public_callers_too() -> None:
    policy = Policy(allowed_duration_minutes=[60, 480])
    assert faults(STRANGERS, policy, duration_minutes=480) == set()
    assert faults(STRANGERS, policy, duration_minutes=120) == {(DURATION, "not_allowed")}


def test_the_default_duration_is_allowed_to_public_callers_at_any_length() -> None:
    policy = Policy(default_duration_minutes=300)
    assert faults(STRANGERS, policy) == faults(STRANGERS, policy, duration_minutes=300) == set()


def test_without_a_public_maximum_the_orgs_maximum_counts() -> None:
    policy = Policy(public_max_duration_minutes=None)
    assert faults(STRANGERS, policy, duration_minutes=480) == set()
    assert faults(STRANGERS, policy, duration_minutes=495) == {(DURATION, "too_long")}


@pytest.mark.parametrize("name", LENGTHS)
def test_an_unchanged_value_only_needs_to_be_on_the_grid(name: str) -> None:
    given = {DURATION: 495, BEFORE: 135, AFTER: 135}
    standing = frozenset({name})
    assert {field for field, _ in faults(STRANGERS, POLICY, standing=standing, **given)} == set(LENGTHS) - standing
    assert faults(STRANGERS, Policy(), standing=standing, **{name: 7}) == {(name, "off_grid")}


class TestWithAService:
    BOILER = Service(
        id="boiler", name="Boiler check", duration_minutes=300, buffer_before_minutes=150, buffer_after_minutes=15
    )

    def faults(self, roles: tuple[Role, ...], policy: Policy = POLICY, **given: Any) -> set[Any]:
        asked = SlotOptions(service_id="boiler", **given)
        found = [measured(Grid(15), policy, asked, role, service=self.BOILER)[1] for role in roles]
        assert all(each == found[0] for each in found)
        return {(fault.field, fault.code) for fault in found[0]}

    def test_it_fills_in_what_is_left_out(self) -> None:
        asked = SlotOptions(service_id="boiler", buffer_after_minutes=30)
        extent, _ = measured(Grid(15), POLICY, asked, Role.DESK, service=self.BOILER)
        assert extent == (20, 10, 2)

    @pytest.mark.parametrize("given", [{}, {DURATION: 300, BEFORE: 150, AFTER: 15}])
    @pytest.mark.parametrize(
        "policy",
        [POLICY, Policy(allowed_duration_minutes=[60]), Policy(max_duration_minutes=240, max_buffer_minutes=60)],
    )
    def test_its_own_lengths_are_allowed_to_every_role(self, given: dict[str, int], policy: Policy) -> None:
        assert self.faults(tuple(Role), policy, **given) == set()

    @pytest.mark.parametrize("name", LENGTHS)
    def test_a_public_caller_gets_its_lengths_and_no_others(self, name: str) -> None:
        assert self.faults(STRANGERS, **{name: 45}) == {(name, "not_allowed")}

    def test_a_bot_gives_no_smaller_buffers(self) -> None:
        assert self.faults((Role.BOT,), **{BEFORE: 135, AFTER: 0}) == {
            (BEFORE, "out_of_range"),
            (AFTER, "out_of_range"),
        }
        assert self.faults((Role.BOT,), **{AFTER: 30}) == set()

    def test_another_duration_is_one_that_the_policy_allows(self) -> None:
        policy = Policy(allowed_duration_minutes=[60])
        assert self.faults((Role.BOT, *STAFF), policy, duration_minutes=60) == set()
        assert self.faults((Role.BOT, *STAFF), policy, duration_minutes=315) == {(DURATION, "not_allowed")}


def test_with_services_only_the_publishable_key_has_to_name_one() -> None:
    policy = Policy(public_services_only=True)
    assert faults((Role.CHECKOUT,), policy) == {("service_id", "missing")}
    assert faults((Role.CHECKOUT,), policy, standing=frozenset({"service_id"})) == set()
    assert faults((Role.CHECKOUT,), policy, service_id="boiler") == set()
    assert faults((Role.CUSTOMER, Role.BOT, *STAFF), policy) == set()
