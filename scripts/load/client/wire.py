"""HTTP/1.1 as bytes: requests made ready before they are sent, replies cut out of a buffer with little work."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

CLOSED = b"connection: close"


class WireError(Exception):
    """The server sent something that is no HTTP/1.1 reply with a known length."""


@dataclass(slots=True)
class Reply:
    """One reply. head: status line and header fields, lower case; body: as sent."""

    status: int
    head: bytes
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; empty where it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def request_bytes(
    method: str,
    path: str,
    *,
    key: str = "",
    body: dict[str, Any] | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """A whole request for a keep-alive connection. key: the API key; body: sent as JSON."""
    payload = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: holdfast.test"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body is not None:
        lines.append("Content-Type: application/json")
    if body is not None or method != "GET":
        lines.append(f"Content-Length: {len(payload)}")
    lines.extend(f"{name}: {value}" for name, value in headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


def _content_length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: *([0-9]+)", head)
    if not found and head[9:12] not in (b"204", b"304"):
        raise WireError(f"a reply without Content-Length: {head[:80]!r}")
    return int(found[1]) if found else 0


def take_reply(buffer: bytearray) -> Reply | None:
    """Cuts the first whole reply out of the buffer; None while it is not all there."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end]).lower()
    if not head.startswith(b"http/1."):
        raise WireError(f"not HTTP: {head[:80]!r}")
    total = end + 4 + _content_length(head)
    if len(buffer) < total:
        return None
    reply = Reply(int(head[9:12]), head, bytes(buffer[end + 4 : total]))
    del buffer[:total]
    return reply
