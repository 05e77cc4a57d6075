"""A small client of Holdfast that repeats safely what got no answer. It needs the standard library alone.

`Client` holds and books. A lost reply, a 429, a 503 and `request_in_progress` are repeated under the same
Idempotency-Key, so nothing is made twice. Every other refusal is raised at once as `Refused`.
"""

from __future__ import annotations

from scripts.client.calls import Client
from scripts.client.errors import NoAnswer, Refused
from scripts.client.results import (
    Booking,
    Conflict,
    Customer,
    Hold,
    KnownCustomer,
    Occurrence,
    Reassigned,
    Service,
    Slot,
    User,
    Webhook,
)

__all__ = [
    "Booking",
    "Client",
    "Conflict",
    "Customer",
    "Hold",
    "KnownCustomer",
    "NoAnswer",
    "Occurrence",
    "Reassigned",
    "Refused",
    "Service",
    "Slot",
    "User",
    "Webhook",
]
