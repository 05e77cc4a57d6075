"""Compresses replies with gzip for clients that accept it.

Only what a GET shows as JSON, and only up to the first credential: how long a compressed reply is tells an observer
what stands in it twice, and other people choose some of its words. So a hold id or a manage token, and all that follows
it, is stored as it is. Other secrets (an API key, a calendar's address) stand in replies to POST alone.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import Final

from flask import Response

LEAST_BYTES: Final = 1_024
LEVEL: Final = 1
"""Two weeks of availability, 180 kB, took half a millisecond and became 11 kB; level 6 took 5 ms for 9 kB."""
CREDENTIALS: Final = (b'"hold_id":"', b'"manage_token":"')
_BARE_FORM: Final = -15
"""For zlib: the largest window, and no header or trailer. Those of gzip are added here."""
_HEADER: Final = b"\x1f\x8b\x08" + bytes(6) + b"\xff"


def compress(response: Response, accepted: str, *, keyless: bool) -> Response:
    """The reply to a GET, compressed if that is worth while. accepted: the header Accept-Encoding. keyless: anybody may
    read it, so what looks like a credential is an example.

    The tag of a compressed reply ends in -gzip, because it stands for other bytes; `conditions` takes both.
    """
    headers = response.headers
    if response.status_code != 200 or not headers["Content-Type"].startswith("application/json"):
        return response
    headers["Vary"] = "Accept-Encoding"
    body = response.get_data()
    end = len(body) if keyless else min(_place_of(name, body) for name in CREDENTIALS)
    if end < LEAST_BYTES or not takes_gzip(accepted):
        return response
    response.set_data(_zipped(body, end))
    headers["Content-Length"] = str(len(response.get_data()))
    headers["Content-Encoding"] = "gzip"
    if "ETag" in headers:
        headers["ETag"] = headers["ETag"].removesuffix('"') + '-gzip"'
    return response


def _place_of(name: bytes, body: bytes) -> int:
    """Where it stands first; the length of the body if it does not."""
    found = body.find(name)
    return len(body) if found < 0 else found


def _zipped(body: bytes, end: int) -> bytes:
    """The body as gzip, compressed up to `end` and stored from there on."""
    packed, stored = zlib.compressobj(LEVEL, zlib.DEFLATED, _BARE_FORM), zlib.compressobj(0, zlib.DEFLATED, _BARE_FORM)
    begun = packed.compress(body[:end]) + packed.flush(zlib.Z_FULL_FLUSH)
    trailer = struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFF_FFFF)
    return b"".join((_HEADER, begun, stored.compress(body[end:]), stored.flush(), trailer))


@lru_cache(maxsize=256)
def takes_gzip(accepted: str) -> bool:
    """Whether a client accepts gzip. accepted: the header Accept-Encoding."""
    taken: dict[str, bool] = {}
    for each in accepted.lower().replace(" ", "").split(","):
        coding, _, weight = each.partition(";q=")
        taken[coding] = weight == "" or weight.strip("0.") != ""
    return next((taken[coding] for coding in ("gzip", "x-gzip", "*") if coding in taken), False)
