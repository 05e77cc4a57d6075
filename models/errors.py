"""Every refusal that Holdfast makes, one class per reason.

`code` is the stable word that clients match on; `sentence` is what a customer could read when nothing more exact is
known. `api.http.problems` gives each code its HTTP status.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


class Refusal(Exception):
    """A request that is not carried out. It has changed nothing.

    detail: a sentence for the customer; retry_after_seconds: when it is worth trying again;
    members: further members of the problem document (`conflicts`, `errors`, `next_available`).
    """

    code: ClassVar[str]
    sentence: ClassVar[str]

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int | None = None, **members: Any) -> None:
        self.detail = detail or self.sentence
        self.retry_after_seconds = retry_after_seconds
        self.members = members
        super().__init__(self.detail)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request: where, which kind, and a sentence about it."""

    field: str
    code: str
    message: str


class InvalidRequest(Refusal):
    """The request itself is wrong; `faults` names everything that is, all at once."""

    code = "invalid_request"
    sentence = "The request has mistakes; see errors."

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__(" ".join(fault.message for fault in faults[:5]), errors=[asdict(fault) for fault in faults])


class Unauthenticated(Refusal):
    code = "unauthenticated"
    sentence = "This needs a valid API key. Please send Authorization: Bearer <api key>."


class Forbidden(Refusal):
    code = "forbidden"
    sentence = "This key may not do that."


class NotFound(Refusal):
    code = "not_found"
    sentence = "There is nothing at this address."


class PropertyNotFound(Refusal):
    code = "property_not_found"
    sentence = "There is no such property."


class TechnicianNotFound(Refusal):
    code = "technician_not_found"
    sentence = "There is no such technician."


class ServiceNotFound(Refusal):
    code = "service_not_found"
    sentence = "There is no such service."


class HoldNotFound(Refusal):
    code = "hold_not_found"
    sentence = "There is no such hold."


class BookingNotFound(Refusal):
    code = "booking_not_found"
    sentence = "There is no such booking."


class SlotHeld(Refusal):
    code = "slot_held"
    sentence = "Somebody else is holding this slot right now. Try again shortly or choose another time."


class SlotBooked(Refusal):
    code = "slot_booked"
    sentence = "This slot is already booked. Please choose another time."


class NoSlotAvailable(Refusal):
    code = "no_slot_available"
    sentence = "Nothing is free from this time to the end of that day. Please try another day."


class PropertyUnavailable(Refusal):
    code = "property_unavailable"
    sentence = "Visits to this property cannot be booked at the moment."


class TechnicianUnavailable(Refusal):
    code = "technician_unavailable"
    sentence = "This technician is not available then. Please choose another technician or time."


class TechnicianNotEligible(Refusal):
    code = "technician_not_eligible"
    sentence = "This technician is not sent there for that. Please choose another technician."


class OutsideWorkingHours(Refusal):
    code = "outside_working_hours"
    sentence = "This time is outside working hours. Please choose another time."


class TooSoon(Refusal):
    code = "too_soon"
    sentence = "This time is too soon to be booked. Please choose a later one."


class TooFarAhead(Refusal):
    code = "too_far_ahead"
    sentence = "This time is further ahead than can be booked yet. Please choose an earlier one."


class AlreadyExists(Refusal):
    code = "already_exists"
    sentence = "Something with this id exists already. Please choose another id."


class InUse(Refusal):
    code = "in_use"
    sentence = "A visit or a hold lies ahead. Please move, cancel or release it first."


class SlotAvailable(Refusal):
    code = "slot_available"
    sentence = "Something is free in that time right now. Please hold one of next_available."


class HoldLimit(Refusal):
    code = "hold_limit"
    sentence = "This hold cannot be extended any further. Please confirm the booking."


class InvalidTransition(Refusal):
    code = "invalid_transition"
    sentence = "This booking can no longer be changed in that way."


class TooEarly(Refusal):
    code = "too_early"
    sentence = "This visit has not begun yet. Please wait until it has, or cancel it."


class TooLate(Refusal):
    code = "too_late"
    sentence = "It is too late to change or cancel this visit online. Please call us."


class RequestInProgress(Refusal):
    code = "request_in_progress"
    sentence = "The same request is being worked on. Please ask again in a moment."


class HoldExpired(Refusal):
    code = "hold_expired"
    sentence = "This hold has run out. Please hold the slot again."


class HoldReleased(Refusal):
    code = "hold_released"
    sentence = "This hold was released. Please hold the slot again."


class VersionConflict(Refusal):
    code = "version_conflict"
    sentence = "Somebody changed this in the meantime. Please read it again."


class PreconditionRequired(Refusal):
    code = "precondition_required"
    sentence = "The version is missing. Please send the one that you read in If-Match."


class IdempotencyKeyReused(Refusal):
    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used for a different request. Please send a new one."


class RequestTimeout(Refusal):
    code = "request_timeout"
    sentence = "The request body did not arrive in time. Please send it again."


class UnsupportedMediaType(Refusal):
    code = "unsupported_media_type"
    sentence = "Send the body as JSON, with Content-Type: application/json."


class RateLimited(Refusal):
    code = "rate_limited"
    sentence = "Too many requests. Please slow down."


class TooManyHolds(Refusal):
    code = "too_many_holds"
    sentence = "Too many slots are held at once. Confirm or release one first."

    def __init__(self, detail: str | None = None, *, limit: str = "", retry_after_seconds: int | None = None) -> None:
        """limit: the policy's field that says how many are allowed."""
        self.limit = limit
        super().__init__(detail, retry_after_seconds=retry_after_seconds)


class TooLarge(Refusal):
    """most: the bytes that the body may have."""

    code = "too_large"
    sentence = "The request body is larger than 64 KiB."

    def __init__(self, most: int = 65_536) -> None:
        super().__init__(f"The request body is larger than {most // 1024} KiB.")


class StoreUnavailable(Refusal):
    """A store did not answer. After a write was sent its outcome is unknown: repeat the request to learn it."""

    code = "store_unavailable"
    sentence = "The booking system is not reachable right now. Please try again in a moment."

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 1, **members: Any) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds, **members)


class TakesTooLong(StoreUnavailable):
    sentence = "The check of this file takes too long. Please send fewer rows at a time, or try again later."

    def __init__(self) -> None:
        super().__init__(retry_after_seconds=60)
