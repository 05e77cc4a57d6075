"""How long a visit and the travel around it may be, and who may say so. Pure: no store, no clock.

The service that a request names fills in what it leaves out, else the policy does, and what they fill in is allowed to
everybody. Besides:
- A duration is at most `max_duration_minutes`, and one of `allowed_duration_minutes` unless that is null. Where it is
  null, a stranger's is at most `public_max_duration_minutes`. With a service, a stranger's is that of the service.
- A stranger's buffers are those of the service, else of the policy. A bot's are no smaller. No buffer is above
  `max_buffer_minutes`.
- With `public_services_only` the publishable key names a service.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Protocol

from models.access import STRANGERS, Role
from models.catalogue import Policy
from models.errors import Fault
from models.service import Service
from services.timetable.grid import Grid
from services.timetable.rules import Extent


class Lengths(Protocol):
    """What requests say of an extent, in minutes. The service, else the policy, fills in what is None."""

    @property
    def duration_minutes(self) -> int | None: ...
    @property
    def buffer_before_minutes(self) -> int | None: ...
    @property
    def buffer_after_minutes(self) -> int | None: ...
    @property
    def service_id(self) -> str | None: ...


LENGTHS = ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes")


def measured(
    grid: Grid,
    policy: Policy,
    lengths: Lengths,
    role: Role,
    *,
    standing: Set[str] = frozenset(),
    service: Service | None = None,
) -> tuple[Extent, list[Fault]]:
    """The extent that a caller of this role asks for, and the faults of the request: off_grid, too_long, not_allowed,
    out_of_range, missing.

    standing: the fields whose values exist already. A stricter policy touches nothing that exists, so these need only
    to be on the grid. service: the one that the request names, if there is such a one.
    """
    usual = usual_minutes(policy, service)
    minutes = {name: _or(getattr(lengths, name), default) for name, default in usual.items()}
    faults = [
        Fault(name, "off_grid", f"Give {name} as a multiple of {grid.minutes}.")
        for name, value in minutes.items()
        if value % grid.minutes
    ]
    broken = list(_broken_rules(policy, minutes, usual, role, of_service=service is not None))
    if policy.public_services_only and role is Role.CHECKOUT and lengths.service_id is None:
        broken.append(Fault("service_id", "missing", "Give service_id, which is required."))
    faults += [fault for fault in broken if fault.field not in standing]
    return Extent(*(value // grid.minutes for value in minutes.values())), faults


def usual_minutes(policy: Policy, service: Service | None) -> dict[str, int]:
    """The lengths that a request has where it names none, by field."""
    if service is not None:
        return {name: getattr(service, name) for name in LENGTHS}
    defaults = (policy.default_duration_minutes, policy.buffer_before_minutes, policy.buffer_after_minutes)
    return dict(zip(LENGTHS, defaults, strict=True))


def _or(given: int | None, default: int) -> int:
    return default if given is None else given


def _broken_rules(
    policy: Policy, minutes: dict[str, int], usual: dict[str, int], role: Role, *, of_service: bool
) -> Iterator[Fault]:
    """of_service: the usual minutes are those of a service."""
    for name, default in usual.items():
        if of_service and minutes[name] == default:
            continue
        if of_service and role in STRANGERS:
            yield _only(name, default)
        elif name == "duration_minutes":
            yield from _duration_faults(policy, minutes[name], role)
        elif minutes[name] != default:
            yield from _buffer_faults(policy, name, minutes[name], default, role)


def _duration_faults(policy: Policy, length: int, role: Role) -> Iterator[Fault]:
    name, most, allowed = "duration_minutes", policy.max_duration_minutes, policy.allowed_duration_minutes
    public_most = policy.public_max_duration_minutes
    if role in STRANGERS and allowed is None and public_most and length != policy.default_duration_minutes:
        most = min(most, public_most)
    if length > most:
        yield Fault(name, "too_long", f"Give {name} as {most} or less.")
    if allowed is not None and length not in allowed:
        choice = ", ".join(str(each) for each in sorted(allowed))
        yield Fault(name, "not_allowed", f"Give {name} as one of {choice}.")


def _buffer_faults(policy: Policy, name: str, given: int, default: int, role: Role) -> Iterator[Fault]:
    if role in STRANGERS:
        yield _only(name, default)
    elif role is Role.BOT and given < default:
        yield Fault(name, "out_of_range", f"Give {name} as {default} or more.")
    elif given > policy.max_buffer_minutes:
        yield Fault(name, "too_long", f"Give {name} as {policy.max_buffer_minutes} or less.")


def _only(name: str, minutes: int) -> Fault:
    return Fault(name, "not_allowed", f"Leave out {name}, or give it as {minutes}.")
