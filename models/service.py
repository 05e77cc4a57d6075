"""What is done on a visit: how long it takes, the travel around it, and the skill it needs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.fields import FormText, Minutes, Name, PlainId, Request, WholeNumber, require_the_others

Duration = Annotated[WholeNumber, Field(ge=1, le=1440)]


class ServiceCreate(Request):
    """Body of POST /services."""

    id: PlainId | None = None
    name: Name
    duration_minutes: Duration
    buffer_before_minutes: Minutes = 0
    buffer_after_minutes: Minutes = 0
    skill: PlainId | None = None
    price_text: FormText = None
    public: bool = False


class ServicePatch(Request):
    """Body of PATCH /services/{id}: only the fields that change. Null empties `skill` and `price_text`."""

    emptied_by_null = frozenset({"skill", "price_text"})

    name: Name | None = None
    duration_minutes: Duration | None = None
    buffer_before_minutes: Minutes | None = None
    buffer_after_minutes: Minutes | None = None
    skill: PlainId | None = None
    price_text: FormText = None
    public: bool | None = None


class Service(BaseModel):
    """What is done on a visit. Its figures are the defaults of a visit that names it, in place of the policy's.

    skill: what a technician must have for it; without one everybody may go. public: whether the publishable key sees
    and books it. version: grows by one with each change.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra=require_the_others)

    id: str
    name: str
    duration_minutes: int
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    skill: str | None = None
    price_text: str | None = None
    public: bool = False
    version: int = 1

    def __hash__(self) -> int:
        return hash(self.id)
