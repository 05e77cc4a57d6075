"""Faults in working hours, time off and a policy, each with the field that it names."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue import Policy, PolicyPatch, TimeOff
from services.catalogue.checks import hours_faults, policy_faults, time_off_faults


def policy_fields(current: dict[str, Any], change: dict[str, Any], grid_minutes: int = 15) -> list[str]:
    patch = PolicyPatch.model_validate(change)
    return [fault.field for fault in policy_faults(Policy(**{**current, **change}), patch, grid_minutes)]


@pytest.mark.parametrize(
    ("shifts", "indexes"),
    [
        ([["08:00", "12:00"], ["12:00", "16:00"]], []),
        ([["12:00", "16:00"], ["08:00", "12:00"]], []),
        ([["08:00", "12:00"], ["11:59", "16:00"]], [1]),
        ([["11:00", "16:00"], ["08:00", "12:00"]], [0]),
        ([["08:00", "12:00"], ["08:00", "12:00"]], [1]),
        ([["00:00", "24:00"], ["01:00", "02:00"], ["23:00", "24:00"]], [1, 2]),
    ],
)
def test_shifts_that_overlap_are_named(shifts: list[list[str]], indexes: list[int]) -> None:
    found = [fault.field for fault in hours_faults({"mon": [["09:00", "10:00"]], "tue": shifts})]
    assert found == [f"working_hours.tue.{index}" for index in indexes]


def test_no_working_hours_are_no_fault() -> None:
    assert hours_faults(None) == hours_faults({}) == hours_faults({"mon": []}) == []


def test_time_off_that_is_empty_in_milliseconds_is_a_fault() -> None:
    off = TimeOff.model_validate({"start": "2026-12-05T10:00:00.0001Z", "end": "2026-12-05T10:00:00.0009Z"})
    assert [fault.field for fault in time_off_faults([off])] == ["time_off.0.end"]


def test_minutes_that_become_ticks_must_be_on_the_grid() -> None:
    change = {"default_duration_minutes": 50, "buffer_before_minutes": 5, "allowed_duration_minutes": [50, 60]}
    expected = ["default_duration_minutes", "buffer_before_minutes", "allowed_duration_minutes.0"]
    assert policy_fields({}, change) == expected
    assert policy_fields({}, change, grid_minutes=5) == []


def test_lead_and_cancel_times_need_no_grid() -> None:
    assert policy_fields({}, {"min_lead_minutes": 7, "cancel_window_minutes": 100}) == []


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"default_duration_minutes": 495}, ["default_duration_minutes"]),
        ({"max_duration_minutes": 45}, ["max_duration_minutes"]),
        ({"default_duration_minutes": 90, "max_duration_minutes": 60}, ["default_duration_minutes"]),
        ({"default_duration_minutes": 495, "max_duration_minutes": 495}, []),
        ({"hold_seconds": 901}, ["hold_seconds"]),
        ({"max_hold_seconds": 299}, ["max_hold_seconds"]),
        ({"hold_seconds": 1000, "max_hold_seconds": 1000}, []),
        ({"allowed_duration_minutes": [30, 90]}, ["allowed_duration_minutes"]),
        ({"allowed_duration_minutes": [60, 495]}, ["allowed_duration_minutes.1"]),
        ({"allowed_duration_minutes": [30], "default_duration_minutes": 30}, []),
        ({"allowed_duration_minutes": None}, []),
        ({"buffer_before_minutes": 135}, ["buffer_before_minutes"]),
        ({"buffer_after_minutes": 135, "max_buffer_minutes": 60}, ["buffer_after_minutes"]),
        ({"buffer_after_minutes": 135, "max_buffer_minutes": 135}, []),
        ({"public_max_duration_minutes": 7}, []),
    ],
)
def test_rules_that_contradict_each_other_are_named(change: dict[str, Any], fields: list[str]) -> None:
    assert policy_fields({}, change) == fields


def test_the_changed_field_of_a_rule_is_named() -> None:
    current = {"allowed_duration_minutes": [60, 120]}
    assert policy_fields(current, {"default_duration_minutes": 30}) == ["default_duration_minutes"]
    assert policy_fields(current, {"max_duration_minutes": 60}) == ["max_duration_minutes"]
    current = {"buffer_before_minutes": 60, "buffer_after_minutes": 45}
    assert policy_fields(current, {"max_buffer_minutes": 30}) == ["max_buffer_minutes"]


def test_a_rule_that_the_patch_does_not_touch_is_not_checked() -> None:
    current = {"default_duration_minutes": 50, "max_duration_minutes": 20, "hold_seconds": 5000}
    assert policy_fields(current, {"blackout_dates": ["2026-12-25"]}) == []
