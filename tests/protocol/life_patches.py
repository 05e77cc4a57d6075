"""What a change of a booking makes of its visit and its details, in the words of the twin: ticks."""

from __future__ import annotations

from typing import Any

from models.slot import Visit
from tests.protocol.life_ledger import Document


def changed_fields(document: Document, visit: Visit, details: dict[str, Any]) -> frozenset[str]:
    before, after = words_of(document.visit) | document.details, words_of(visit) | details
    return frozenset(name for name in before if before[name] != after[name])


def words_of(visit: Visit) -> dict[str, Any]:
    return {
        "property_id": visit.property_id,
        "technician_id": visit.technician_id,
        "start": visit.start,
        "length": visit.end - visit.start,
        "before": visit.before,
        "after": visit.after,
    }


def only(patch: dict[str, Any], details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in patch.items() if name in details}


def changed_visit(visit: Visit, patch: dict[str, Any]) -> Visit:
    words = words_of(visit)
    words |= only(patch, words)
    end = words["start"] + words["length"]
    property_id, technician_id, before, after = (
        words[name] for name in ("property_id", "technician_id", "before", "after")
    )
    return Visit(property_id, technician_id, words["start"], end, before, after)
