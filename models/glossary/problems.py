"""The words of refusals and of the checks of a server."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "type": "Names the kind of problem: `urn:holdfast:problem:` and the code.",
    "title": "The kind of problem in a few words.",
    "Problem.status": "The HTTP status.",
    "detail": "A sentence that a customer could read. Its words may change.",
    "code": "The stable word to match on.",
    "errors": "Everything that is wrong with the request, if it is invalid.",
    "conflicts": "What stands in the way, one entry for each property or technician that is taken.",
    "next_available": "Slots that were free when they were looked for, if the request asked for them.",
    "checks": "Each check by its name: `ok`, or what is wrong.",
    "field": "The field or parameter, with dots between the parts of its path.",
    "message": "What to send instead, in one sentence.",
    "kind": "Which kind of resource is taken.",
    "BlockReply.id": "The id of the property or technician that is taken.",
    "BlockReply.state": "`held` may become free soon; `booked` is firm.",
    "BlockReply.start": "When the resource is taken from, with travel.",
    "BlockReply.end": "Until when the resource is taken, with travel.",
    "retry_after_seconds": "For how many seconds the hold in the way lives at most, unless it is extended.",
    "yours": (
        "True if it is the caller's own hold, a booking that was made of one, or what a bot booked for the same phone."
    ),
    "OpeningReply.technician_id": "A technician who was free for this slot.",
    "OpeningReply.technician_ids": "The technicians who were free for this slot, where several were asked for.",
    "Health.status": "The process answers.",
    "Readiness.status": "Every check is `ok`.",
}
