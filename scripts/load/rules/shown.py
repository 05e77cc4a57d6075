"""How documents and answers are printed: with their story, and without personal data or secrets."""

from __future__ import annotations

from datetime import datetime

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Document, changed_by, grouped

PRIVATE = ("customer", "description", "manage_token")
STORY = frozenset(
    {
        *("property_id", "technician_id", "start", "end", "duration_minutes"),
        *("buffer_before_minutes", "buffer_after_minutes"),
        *("status", "reserved_until", "hold_id", "offered_until", "booking_id"),
    }
)
"""The changes that are worth printing: a visit's time, property and technician, and what became of it."""


def shown(thing: Document | Exchange) -> Document:
    """A document or an answer as it is printed."""
    return _answer(thing) if isinstance(thing, Exchange) else _document(thing)


def _document(document: Document) -> Document:
    redacted = {name: "[redacted]" if name in PRIVATE else value for name, value in document.items()}
    history = redacted.pop("history", None)
    if history:
        redacted["story"] = [_step(number, entry) for number, entry in enumerate(history, 1)]
    if "claims" in redacted:  # as spans: a list of ticks hides everything else
        ticks = grouped(redacted["claims"], lambda claim: claim["resource"])
        runs = {resource: sorted(claim["tick"] for claim in claims) for resource, claims in ticks.items()}
        redacted["claims"] = [f"{resource} {own[0]}..{own[-1]} ({len(own)})" for resource, own in runs.items()]
    return redacted


def _step(version: int, entry: Document) -> str:
    """One version in a sentence, its request named."""
    changes = {name: change["to"] for name, change in entry["changes"].items() if name in STORY}
    values = ", ".join(f"{name} {_plain(value)}" for name, value in changes.items())
    maker = f"{entry['by']} {changed_by(entry)}".strip()
    return f"{version}: {entry['at']:%H:%M:%S.%f} {entry['action']} by {maker}: {values or 'no change of the visit'}"


def _plain(value: object) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)


def _answer(exchange: Exchange) -> Document:
    asked = {name: value for name, value in exchange.asked.items() if name != "holder"}
    return {
        "request": exchange.logical,
        "client": exchange.client,
        "asked": asked,
        "status": exchange.status,
        "reply": _document(exchange.reply),
        "sent": round(exchange.sent, 4),
        "received": round(exchange.received, 4),
    }
