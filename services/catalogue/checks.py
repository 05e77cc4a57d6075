"""Checks of catalogue and policy requests that go beyond the shape of one field. Pure: no store, no clock.

Each function returns every fault that it finds, so that a client sees all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.catalogue import Policy, PolicyPatch, TechnicianPatch, TimeOff
from models.errors import Fault, InvalidRequest
from models.working_hours import WorkingHours
from services.timetable.grid import to_milliseconds

BUFFERS = ("buffer_before_minutes", "buffer_after_minutes")
GRIDDED = ("default_duration_minutes", "max_duration_minutes", "buffer_before_minutes", "buffer_after_minutes")
"""The minutes that become ticks. Lead and cancel times are only compared with the clock and need no grid."""

SERVICE_LIMITS = {"duration_minutes": "max_duration_minutes", **dict.fromkeys(BUFFERS, "max_buffer_minutes")}
"""The minutes of a service -> the field of the policy that says how many there may be."""


def refuse_if(faults: Iterable[Fault]) -> None:
    """Raises InvalidRequest with all faults, if there are any."""
    found = list(faults)
    if found:
        raise InvalidRequest(*found)


def hours_faults(hours: WorkingHours | None) -> list[Fault]:
    """A fault for each shift that overlaps an earlier one of its day. Shifts may touch, and may come in any order."""
    return [
        Fault(f"working_hours.{day}.{later}", "overlapping_shifts", "Give shifts of one day that do not overlap.")
        for day, shifts in (hours or {}).items()
        for later in _overlapping([(shift[0], shift[1]) for shift in shifts])
    ]


def _overlapping(shifts: Sequence[tuple[str, str]]) -> list[int]:
    """The indexes of the shifts that begin before an earlier one has ended, in ascending order."""
    found, latest_end = [], ""
    for index, (start, end) in sorted(enumerate(shifts), key=lambda numbered: numbered[1]):
        if start < latest_end:
            found.append(index)
        latest_end = max(latest_end, end)
    return sorted(found)


def time_off_faults(time_off: Sequence[TimeOff] | None, field: str = "time_off") -> list[Fault]:
    """A fault for each time off that is empty in whole milliseconds, because MongoDB stores no less."""
    return [
        Fault(f"{field}.{index}.end", "bad_span", "Give an end after the start.")
        for index, off in enumerate(time_off or ())
        if to_milliseconds(off.start) >= to_milliseconds(off.end)
    ]


def patch_faults(patch: TechnicianPatch) -> list[Fault]:
    """The faults of a technician's change that its fields show only together, or in whole milliseconds."""
    faults = [*hours_faults(patch.working_hours), *time_off_faults(patch.time_off)]
    faults += time_off_faults(patch.time_off_add, "time_off_add")
    if "time_off" in patch.model_fields_set and {"time_off_add", "time_off_remove"} & patch.model_fields_set:
        text = "Give either time_off, which is the whole list, or time_off_add and time_off_remove."
        faults.append(Fault("time_off", "inconsistent", text))
    return faults


def service_grid_faults(fields: Mapping[str, Any], grid_minutes: int) -> list[Fault]:
    """The faults of those minutes among the fields of a service that are off the grid."""
    off = [name for name in SERVICE_LIMITS if (fields.get(name) or 0) % grid_minutes]
    return [Fault(name, "off_grid", f"Give {name} as a multiple of {grid_minutes}.") for name in off]


def service_limit_faults(fields: Mapping[str, Any], policy: Policy) -> list[Fault]:
    """The faults of those minutes among the fields of a service that are more than the policy allows."""
    limits = {name: (most, getattr(policy, most)) for name, most in SERVICE_LIMITS.items()}
    return [
        Fault(name, "too_long", f"Give {name} of at most {longest}, which is {most} of the policy.")
        for name, (most, longest) in limits.items()
        if (fields.get(name) or 0) > longest
    ]


def policy_faults(policy: Policy, patch: PolicyPatch, grid_minutes: int) -> list[Fault]:
    """The faults of `policy`, to which the patch has been applied.

    Checks only the rules that the patch touches: an older policy may not fit a grid that has changed since, and that
    is no reason to refuse a new blackout date.
    """
    touched = patch.model_fields_set
    faults = _grid_faults(policy, touched, grid_minutes)
    faults += _duration_faults(policy, touched)
    faults += _buffer_faults(policy, touched)
    if {"hold_seconds", "max_hold_seconds"} & touched and policy.hold_seconds > policy.max_hold_seconds:
        field = "hold_seconds" if "hold_seconds" in touched else "max_hold_seconds"
        faults.append(Fault(field, "inconsistent", "Give hold_seconds of at most max_hold_seconds."))
    return faults


def _grid_faults(policy: Policy, touched: set[str], grid_minutes: int) -> list[Fault]:
    minutes = {name: getattr(policy, name) for name in GRIDDED if name in touched}
    if "allowed_duration_minutes" in touched:
        minutes |= {f"allowed_duration_minutes.{index}": each for index, each in _allowed(policy)}
    return [
        Fault(name, "off_grid", f"Give {name} as a multiple of {grid_minutes}.")
        for name, value in minutes.items()
        if value % grid_minutes
    ]


def _duration_faults(policy: Policy, touched: set[str]) -> list[Fault]:
    """Names the default if the patch changes it, else the other field of the rule."""
    faults, default, allowed = [], policy.default_duration_minutes, policy.allowed_duration_minutes
    blamed = "default_duration_minutes" if "default_duration_minutes" in touched else None
    if default > policy.max_duration_minutes and (blamed or "max_duration_minutes" in touched):
        text = "Give a default_duration_minutes of at most max_duration_minutes."
        faults.append(Fault(blamed or "max_duration_minutes", "inconsistent", text))
    if allowed and default not in allowed and (blamed or "allowed_duration_minutes" in touched):
        text = "Give a default_duration_minutes that is one of allowed_duration_minutes."
        faults.append(Fault(blamed or "allowed_duration_minutes", "inconsistent", text))
    if touched & {"max_duration_minutes", "allowed_duration_minutes"}:
        faults += _too_long_faults(policy, named="allowed_duration_minutes" in touched)
    return faults


def _buffer_faults(policy: Policy, touched: set[str]) -> list[Fault]:
    """Names the buffer if the patch changes it, else the longest that a buffer may be."""
    over = [name for name in BUFFERS if getattr(policy, name) > policy.max_buffer_minutes]
    blamed = [name for name in over if name in touched]
    if over and not blamed and "max_buffer_minutes" in touched:
        blamed = ["max_buffer_minutes"]
    text = "Give buffers of at most max_buffer_minutes."
    return [Fault(name, "inconsistent", text) for name in blamed]


def _too_long_faults(policy: Policy, *, named: bool) -> list[Fault]:
    text = "Give allowed_duration_minutes of at most max_duration_minutes."
    return [
        Fault(f"allowed_duration_minutes.{index}" if named else "max_duration_minutes", "inconsistent", text)
        for index, minutes in _allowed(policy)
        if minutes > policy.max_duration_minutes
    ]


def _allowed(policy: Policy) -> list[tuple[int, int]]:
    return list(enumerate(policy.allowed_duration_minutes or ()))
