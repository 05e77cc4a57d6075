"""Who comes to a visit, as requests say it: one technician, a named crew, or so many of any."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from models.fields import PlainId, Request, WholeNumber

LARGEST_CREW = 4


Crew = Annotated[list[PlainId], Field(min_length=1, max_length=LARGEST_CREW, json_schema_extra={"uniqueItems": True})]
"""Different technicians, all of whom come. The first one leads."""
CrewSize = Annotated[WholeNumber, Field(ge=1, le=LARGEST_CREW)]


def a_crew(crew: list[str], info: ValidationInfo) -> list[str]:
    """A field validator. Raises PydanticCustomError if a technician stands in it twice, or beside a `technician_id`."""
    if info.data.get("technician_id") is not None:
        raise PydanticCustomError("inconsistent", "Give either {field} or technician_id.")
    if len(set(crew)) < len(crew):
        raise PydanticCustomError("repeated", "Give each technician in {field} only once.")
    return crew


class Team(Request):
    """The technicians of a visit: `technician_id`, or `technician_ids`, or any `technicians` of them; else any one."""

    technician_id: PlainId | None = None
    technician_ids: Crew | None = None
    technicians: CrewSize | None = None

    check_crew = field_validator("technician_ids")(a_crew)

    @field_validator("technicians")
    @classmethod
    def _counts_the_named(cls, count: int | None, info: ValidationInfo) -> int | None:
        crew, one = info.data.get("technician_ids"), info.data.get("technician_id")
        named = len(crew or ()) or (1 if one is not None else 0)
        if count is not None and named not in (0, count):
            raise PydanticCustomError("inconsistent", "Give {field} as the number of the technicians that you name.")
        return count

    @property
    def named(self) -> tuple[str, ...]:
        """The ids of the technicians who are asked for; none if any will do."""
        if self.technician_ids:
            return tuple(self.technician_ids)
        return (self.technician_id,) if self.technician_id is not None else ()

    @property
    def needed(self) -> int:
        """How many technicians come."""
        return len(self.named) or self.technicians or 1
