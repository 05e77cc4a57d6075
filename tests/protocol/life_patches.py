"""What a change of a booking makes of its visit and its details, in the words of the twin: ticks."""

from __future__ import annotations

from typing import Any

from models.slot import Visit
from tests.protocol.life_ledger import Document

UNITS = {"prop-3": ("prop-1",)}
"""Properties that are buildings, and their units."""


def visit_of(property_id: str, team: tuple[str, ...], start: int, length: int, before: int, after: int) -> Visit:
    """A visit of a team to a property, with all units if that is a building."""
    first, *crew = team
    units = UNITS.get(property_id, ())
    return Visit(property_id, first, start, start + length, before, after, tuple(crew), units)


def changed_fields(document: Document, visit: Visit, details: dict[str, Any]) -> frozenset[str]:
    before, after = words_of(document.visit) | document.details, words_of(visit) | details
    return frozenset(name for name in before if before[name] != after[name])


def words_of(visit: Visit) -> dict[str, Any]:
    return {
        "property_id": visit.property_id,
        "team": visit.technician_ids,
        "start": visit.start,
        "length": visit.end - visit.start,
        "before": visit.before,
        "after": visit.after,
    }


def only(patch: dict[str, Any], details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in patch.items() if name in details}


def changed_visit(visit: Visit, patch: dict[str, Any]) -> Visit:
    words = words_of(visit)
    return visit_of(**{**words, **only(patch, words)})
