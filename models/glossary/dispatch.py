"""The words of changes of who comes to several visits."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "SwapRequest.with": "The id of the other booking.",
    "SwapRequest.override": "The rules that staff lift for both visits. A slot that is taken stays taken.",
    "SwapReply.bookings": "Both bookings as the swap made them: the one of the path, then the other.",
    "ReassignRequest.from": "From when the technician is away. A visit whose travel touches this time counts.",
    "ReassignRequest.to": "Until when the technician is away, at most 31 days later.",
    "dry_run": "Whether to show the plan alone. Nothing is changed then.",
    "moves": "The visits that go to others, by start; of a dry run, those that would go.",
    "to_technician_id": "The technician who gets the visit.",
}
