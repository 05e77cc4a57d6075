"""The stable codes of refusals, and the document that carries one. Imports nothing, so that the server uses it too."""

from __future__ import annotations

from typing import Any

PROBLEM_TYPE = "application/problem+json"

PROBLEMS: dict[str, tuple[int, str]] = {
    "invalid_request": (400, "Invalid request"),
    "unauthenticated": (401, "Unauthenticated"),
    "forbidden": (403, "Forbidden"),
    "not_found": (404, "Not found"),
    "property_not_found": (404, "Property not found"),
    "technician_not_found": (404, "Technician not found"),
    "service_not_found": (404, "Service not found"),
    "hold_not_found": (404, "Hold not found"),
    "booking_not_found": (404, "Booking not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "request_timeout": (408, "Request timeout"),
    "slot_held": (409, "Slot held"),
    "slot_booked": (409, "Slot booked"),
    "property_unavailable": (409, "Property unavailable"),
    "technician_unavailable": (409, "Technician unavailable"),
    "technician_not_eligible": (409, "Technician not eligible"),
    "outside_working_hours": (409, "Outside working hours"),
    "too_soon": (409, "Too soon"),
    "too_far_ahead": (409, "Too far ahead"),
    "no_slot_available": (409, "No slot available"),
    "already_exists": (409, "Already exists"),
    "in_use": (409, "In use"),
    "slot_available": (409, "Slot available"),
    "hold_limit": (409, "Hold limit reached"),
    "invalid_transition": (409, "Invalid transition"),
    "too_early": (409, "Too early"),
    "too_late": (409, "Too late"),
    "request_in_progress": (409, "Request in progress"),
    "hold_expired": (410, "Hold expired"),
    "hold_released": (410, "Hold released"),
    "version_conflict": (412, "Version conflict"),
    "too_large": (413, "Request too large"),
    "unsupported_media_type": (415, "Unsupported media type"),
    "idempotency_key_reused": (422, "Idempotency key reused"),
    "precondition_required": (428, "Precondition required"),
    "rate_limited": (429, "Too many requests"),
    "too_many_holds": (429, "Too many holds"),
    "internal_error": (500, "Internal error"),
    "store_unavailable": (503, "Store unavailable"),
}


def document(code: str, detail: str, **members: Any) -> dict[str, Any]:
    """A problem document without its further members rendered; `code` is one of PROBLEMS."""
    status, title = PROBLEMS[code]
    return {
        "type": f"urn:holdfast:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **members,
    }
