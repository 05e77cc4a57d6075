"""What is said of a visit besides where, when and for whom, and which rules the office lifts for it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, TypeAdapter, WithJsonSchema

from models.access import STAFF, STRANGERS, Role
from models.fields import NoneIfBlank, OneLine, Printable, Reference, Text

Priority = Literal["low", "medium", "high", "emergency"]

Override = Literal["working_hours", "lead_time", "horizon", "past", "duration", "eligibility", "blackout"]
"""A rule that staff may lift for one visit. No word lifts a claim: a slot that is taken stays taken."""

Overrides = Annotated[list[Override], Field(max_length=7)]

MetadataName = Annotated[str, StringConstraints(min_length=1, max_length=40), OneLine]
MetadataValue = Annotated[str, StringConstraints(max_length=500), Printable]
Metadata = Annotated[
    dict[MetadataName, MetadataValue],
    Field(max_length=20),
    AfterValidator(lambda given: given or None),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": 20,
            "propertyNames": TypeAdapter(MetadataName).json_schema(),
            "additionalProperties": TypeAdapter(MetadataValue).json_schema(),
            "examples": [{"crm_ticket": "4711"}],
        }
    ),
]
"""Pairs of another system, which this one only keeps."""

Note = Annotated[Text | None, NoneIfBlank]


class Details(BaseModel):
    """What a visit is about. A field that is added here is also in the requests, the booking, its document, the reply
    and its example, and the CSV columns."""

    description: Text = ""
    priority: Priority = "medium"
    internal_note: Note = None
    metadata: Metadata | None = None
    external_reference: Reference = None


FOR_STAFF = ("internal_note", "override")
FOR_PROGRAMS = ("metadata", "external_reference")


WITHHELD: dict[Role, frozenset[str]] = {
    role: frozenset() if role in STAFF else frozenset((*FOR_STAFF, *(FOR_PROGRAMS if role in STRANGERS else ())))
    for role in Role
}
"""The fields of a visit that a caller of a role neither sends nor sees."""
