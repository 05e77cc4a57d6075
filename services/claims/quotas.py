"""The shares of a calendar: how many live holds and daily bookings a holder, an address and all strangers may have.

The publishable key stands in every visitor's browser. Its holds count for the client's address and for all strangers
together, and for the holder too if the request names one. Holds of other keys count for the holder alone. The
waitlist's offers to entries of the publishable key count as well: their ClaimRequest has the address_digest of the
entry. Redis keeps the counts.
"""

from __future__ import annotations

import math
from typing import Final

from models.access import Caller
from models.catalogue import Policy
from models.errors import RateLimited, TooManyHolds
from services.claims.keys import digest

OF_ALL_STRANGERS: Final = "public_holds_most"
_PER_DAY: Final = "public_bookings_per_address_per_day"
_SENTENCES: Final = {
    "holds_per_holder": "This holder has {most} holds, the most at once: {word}. Confirm or release one first.",
    "public_holds_per_address": "This address has {most} holds, the most at once: {word}. Confirm or release one.",
    OF_ALL_STRANGERS: "All visitors together have {most} holds, the most at once: {word}. Try again shortly.",
    _PER_DAY: "This address has made {most} bookings today, the most in a day: {word}. Try again tomorrow.",
}


def address_of(caller: Caller) -> str:
    """A digest of the client's address with the publishable key, else ''. No address counts as one address."""
    return digest("address", caller.address) if caller.is_public else ""


def limits_of(policy: Policy) -> dict[str, int]:
    """How many live holds each share may have, by the policy's word. One without a limit is left out."""
    words = ("holds_per_holder", "public_holds_per_address", OF_ALL_STRANGERS)
    return {word: most for word in words if (most := getattr(policy, word)) is not None}


def refusal(word: str, most: int, wait_ms: int) -> TooManyHolds | RateLimited:
    """The refusal of one more than a limit allows. wait_ms: until the first of what counts has ended."""
    detail, seconds = _SENTENCES[word].format(most=most, word=word), max(1, math.ceil(wait_ms / 1000))
    if word == _PER_DAY:
        return RateLimited(detail, retry_after_seconds=seconds)
    return TooManyHolds(detail, limit=word, retry_after_seconds=seconds)


def day_refusal(most: int, wait_ms: int) -> TooManyHolds | RateLimited:
    """The refusal of one more booking than an address may make on a day."""
    return refusal(_PER_DAY, most, wait_ms)
