"""What a request to change a property or technician comes to, given what is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from models.catalogue import MOST_TIMES_OFF, Technician, TechnicianPatch
from models.errors import Fault
from services.catalogue.checks import refuse_if
from services.timetable.grid import to_milliseconds

_STEPS = frozenset({"time_off_add", "time_off_remove"})


def differing(known: BaseModel, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The wanted fields that have another value in what is known."""
    values = known.model_dump()
    return {name: value for name, value in wanted.items() if values[name] != value}


def with_time_off(patch: TechnicianPatch, known: Technician) -> dict[str, Any]:
    """The fields of a patch, with the whole time off in place of what leaves and joins it.

    Raises InvalidRequest if that is too many.
    """
    fields = patch.model_dump(exclude_unset=True, exclude=set(_STEPS))
    if _STEPS & patch.model_fields_set:
        gone, new = _spans(patch.time_off_remove), _spans(patch.time_off_add)
        kept = [off for off in _spans(known.time_off) if off not in gone]
        whole = kept + [off for index, off in enumerate(new) if off not in kept and off not in new[:index]]
        text = f"Give so few that there are at most {MOST_TIMES_OFF} together with those that stay, or remove some."
        refuse_if([Fault("time_off_add", "too_long", text)] if len(whole) > MOST_TIMES_OFF else [])
        fields["time_off"] = [{"start": start, "end": end} for start, end in whole]
    return fields


def _spans(times: Any) -> list[tuple[Any, Any]]:
    return [(to_milliseconds(off.start), to_milliseconds(off.end)) for off in times or ()]
