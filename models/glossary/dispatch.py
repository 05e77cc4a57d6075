"""The words of changes of who comes to several visits."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "SwapRequest.with": "The id of the other booking.",
    "SwapRequest.override": "The rules that staff lift for both visits. A slot that is taken stays taken.",
    "SwapReply.bookings": "Both bookings as the swap made them: the one of the path, then the other.",
}
