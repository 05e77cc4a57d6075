"""Compresses replies with gzip for clients that accept it.

Only what a GET shows as JSON, and only without a credential: how long a compressed reply is tells an observer what
stands in it twice, and other people choose some of its words. So a reply that shows a hold id or a manage token is sent
as it is. Other secrets (an API key, a calendar's address) stand in replies to POST alone.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Final

from flask import Response

LEAST_BYTES: Final = 1_024
LEVEL: Final = 1
"""Two weeks of availability, 180 kB, took half a millisecond and became 11 kB; level 6 took 5 ms for 9 kB."""
CREDENTIALS: Final = (b'"hold_id":"', b'"manage_token":"')
_GZIP_FORM: Final = 31
"""For zlib: the largest window, and the header and trailer of gzip, without a time."""


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
    if len(body) < LEAST_BYTES or not takes_gzip(accepted):
        return response
    if not keyless and any(name in body for name in CREDENTIALS):
        return response
    response.set_data(_zipped(body))
    headers["Content-Length"] = str(len(response.get_data()))
    headers["Content-Encoding"] = "gzip"
    if "ETag" in headers:
        headers["ETag"] = headers["ETag"].removesuffix('"') + '-gzip"'
    return response


def _zipped(body: bytes) -> bytes:
    gzip = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP_FORM)
    return gzip.compress(body) + gzip.flush()


@lru_cache(maxsize=256)
def takes_gzip(accepted: str) -> bool:
    """Whether a client accepts gzip. accepted: the header Accept-Encoding."""
    taken: dict[str, bool] = {}
    for each in accepted.lower().replace(" ", "").split(","):
        coding, _, weight = each.partition(";q=")
        taken[coding] = weight == "" or weight.strip("0.") != ""
    return next((taken[coding] for coding in ("gzip", "x-gzip", "*") if coding in taken), False)
