"""What can be wrong with a catalogue or policy request beyond the shape of its fields. Pure: no store, no clock.

Each function names every fault it finds, so that a client sees them all at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from models.catalogue import Policy, PolicyPatch, TimeOff, WorkingHours
from models.errors import Fault, InvalidRequest
from services.timetable.grid import to_milliseconds

GRIDDED = ("default_duration_minutes", "max_duration_minutes", "buffer_before_minutes", "buffer_after_minutes")
"""The minutes that become ticks. Lead and cancel times are compared with the clock and need no grid."""


def refuse_if(faults: Iterable[Fault]) -> None:
    """Raises InvalidRequest with all of them, if there are any."""
    found = list(faults)
    if found:
        raise InvalidRequest(*found)


def null_faults(patch: BaseModel, nullable: frozenset[str]) -> list[Fault]:
    """An explicit null clears a nullable field; for any other one it is a fault. A field left out stays as it is."""
    return [
        Fault(name, "null_not_allowed", f"{name} cannot be null; leave it out to keep it.")
        for name in sorted(patch.model_fields_set - nullable)
        if getattr(patch, name) is None
    ]


def hours_faults(hours: WorkingHours | None) -> list[Fault]:
    """Shifts of one day that overlap. Shifts that touch are fine, in whatever order they are given."""
    return [
        Fault(f"working_hours.{day}.{later}", "overlapping_shifts", "Working hours of one day may not overlap.")
        for day, shifts in (hours or {}).items()
        for later in _overlapping([(shift[0], shift[1]) for shift in shifts])
    ]


def _overlapping(shifts: Sequence[tuple[str, str]]) -> list[int]:
    """The places of those shifts that begin before another one, which began no later, has ended."""
    found, latest_end = [], ""
    for place, (start, end) in sorted(enumerate(shifts), key=lambda numbered: numbered[1]):
        if start < latest_end:
            found.append(place)
        latest_end = max(latest_end, end)
    return sorted(found)


def time_off_faults(time_off: Sequence[TimeOff] | None) -> list[Fault]:
    return [
        Fault(f"time_off.{place}.end", "bad_span", "Time off ends after it starts.")
        for place, off in enumerate(time_off or ())
        if to_milliseconds(off.start) >= to_milliseconds(off.end)
    ]


def policy_faults(policy: Policy, patch: PolicyPatch, grid_minutes: int) -> list[Fault]:
    """What is wrong with `policy`, which the patch has been applied to.

    Only rules that the patch touches are checked: an older policy may not fit a grid that was changed since, and that
    is no reason to refuse a new blackout date.
    """
    touched = patch.model_fields_set
    faults = _grid_faults(policy, touched, grid_minutes)
    faults += _duration_faults(policy, touched)
    if {"hold_seconds", "max_hold_seconds"} & touched and policy.hold_seconds > policy.max_hold_seconds:
        field = "hold_seconds" if "hold_seconds" in touched else "max_hold_seconds"
        faults.append(Fault(field, "inconsistent", "hold_seconds may not be more than max_hold_seconds."))
    return faults


def _grid_faults(policy: Policy, touched: set[str], grid_minutes: int) -> list[Fault]:
    minutes = {name: getattr(policy, name) for name in GRIDDED if name in touched}
    if "allowed_duration_minutes" in touched:
        minutes |= {f"allowed_duration_minutes.{place}": each for place, each in _allowed(policy)}
    return [
        Fault(name, "off_grid", f"{name} must be a multiple of {grid_minutes} minutes.")
        for name, value in minutes.items()
        if value % grid_minutes
    ]


def _duration_faults(policy: Policy, touched: set[str]) -> list[Fault]:
    """Blames the default where the patch names it, else the other half of the rule."""
    faults, default, allowed = [], policy.default_duration_minutes, policy.allowed_duration_minutes
    blamed = "default_duration_minutes" if "default_duration_minutes" in touched else None
    if default > policy.max_duration_minutes and (blamed or "max_duration_minutes" in touched):
        text = "default_duration_minutes may not be more than max_duration_minutes."
        faults.append(Fault(blamed or "max_duration_minutes", "inconsistent", text))
    if allowed and default not in allowed and (blamed or "allowed_duration_minutes" in touched):
        text = "default_duration_minutes must be one of allowed_duration_minutes."
        faults.append(Fault(blamed or "allowed_duration_minutes", "inconsistent", text))
    if touched & {"max_duration_minutes", "allowed_duration_minutes"}:
        faults += _too_long_faults(policy, named="allowed_duration_minutes" in touched)
    return faults


def _too_long_faults(policy: Policy, *, named: bool) -> list[Fault]:
    text = "No allowed duration may be more than max_duration_minutes."
    return [
        Fault(f"allowed_duration_minutes.{place}" if named else "max_duration_minutes", "inconsistent", text)
        for place, minutes in _allowed(policy)
        if minutes > policy.max_duration_minutes
    ]


def _allowed(policy: Policy) -> list[tuple[int, int]]:
    return list(enumerate(policy.allowed_duration_minutes or ()))
