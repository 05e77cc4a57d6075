"""One HTTP exchange, and when it is worth another one."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

Json = dict[str, Any]

LOST = (OSError, HTTPException)
"""What is raised where no reply, or half of one, comes back."""
WORTH_REPEATING: Final = frozenset({429, 503})
IN_PROGRESS: Final = "request_in_progress"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole reply. body: its JSON, or empty. retry_after_seconds: as the server said, or None."""

    status: int
    body: Json
    retry_after_seconds: float | None = None

    @property
    def is_worth_repeating(self) -> bool:
        """Whether the same request may be answered otherwise in a moment."""
        return self.status in WORTH_REPEATING or self.body.get("code") == IN_PROGRESS


def exchange(
    url: str, method: str, path: str, body: Json | None, headers: dict[str, str], *, timeout_seconds: float
) -> Answer:
    """One request on a connection of its own. Raises one of LOST where no whole JSON reply comes back."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=timeout_seconds)
    sent = None if body is None else json.dumps(body).encode()
    if sent is not None:
        headers = {**headers, "Content-Type": "application/json"}
    try:
        connection.request(method, parts.path.rstrip("/") + path, sent, headers)
        reply = connection.getresponse()
        text = reply.read()
    finally:
        connection.close()
    return Answer(reply.status, _read(reply.status, text), _seconds(reply.getheader("Retry-After")))


def _read(status: int, text: bytes) -> Json:
    try:
        found = json.loads(text) if text else {}
    except ValueError as error:
        if 400 <= status < 500:  # a proxy refuses in its own words
            return {}
        raise HTTPException(f"the reply of status {status} is not JSON") from error
    return found if isinstance(found, dict) else {}


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdecimal() else None


def pause_seconds(
    attempt: int, retry_after_seconds: float | None, jitter: Callable[[], float] = random.random
) -> float:
    """How long to wait after the attempt with this number, from 0 on: twice as long each time, up to four seconds.

    It is never shorter than the server asked for. Each client draws another length, so that they do not come back all
    at once. jitter: from 0 to 1.
    """
    own = min(4.0, 0.1 * (1 << attempt)) * (0.5 + jitter() / 2)
    return own if retry_after_seconds is None else retry_after_seconds + own
