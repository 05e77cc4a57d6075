"""What a worker grants each connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BODY_LIMIT_BYTES: Final = 65_536
"""Of the body of a request, where its endpoint takes no larger one."""
LARGER_BODY: Final = "holdfast.larger_body"
"""In the environ of a request, where a server bounds bodies: the app calls it with the bytes that it takes instead."""


@dataclass(frozen=True, slots=True)
class Limits:
    """header_seconds: for a whole head, from the first byte, or from the start of the connection for its first request.
    body_seconds: for a whole body, from the moment when it is read.
    body_bytes: of a whole body as it is sent, with the sizes of its chunks: tiny chunks cost much time.
    strangers: connections of one address in this worker that have not shown a known key; None: any number.
    """

    header_seconds: float = 10.0
    body_seconds: float = 10.0
    body_bytes: int = 81_920
    strangers: int | None = None
