"""What the server answers when it cannot hand a request to the app, in the form of the app's own problems.

Only the class of an error is used: its text quotes the request.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from http import HTTPStatus

from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidHTTPVersion,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.util import http_date

from api.http.problem_codes import PROBLEM_TYPE, document
from api.server.wire import InvalidHost

MALFORMED = (400, "invalid_request", "The request does not follow HTTP; send it as RFC 9112 describes.")
OVERLOADED = "The server has too much to do and did not begin this request. Please send it again."
FOR_PAGES = ("Access-Control-Allow-Origin: *", "Access-Control-Expose-Headers: Retry-After, X-Request-Id")
"""Without these a page in a browser sees neither the status nor when to try again."""
BROKEN = (500, "internal_error", "Something went wrong on our side. Please try again.")

BY_ERROR: dict[type[Exception], tuple[int, str, str]] = {
    TimeoutError: (408, "request_timeout", "The request did not arrive in time; send it without pauses."),
    InvalidHost: (400, "invalid_request", "Send one Host header with the name of this server."),
    LimitRequestLine: (414, "too_large", "The request line is too long; send at most 8190 bytes."),
    ExpectationFailed: (417, "invalid_request", "The only expectation that can be met is 100-continue."),
    LimitRequestHeaders: (431, "too_large", "Send at most 64 header fields of at most 4096 bytes each."),
    UnsupportedTransferCoding: (501, "invalid_request", "The only transfer coding that can be read is chunked."),
    InvalidHTTPVersion: (505, "invalid_request", "Use HTTP/1.1."),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """kind: the class of the error. reply: the whole reply; the connection closes after it."""

    kind: str
    status: int
    code: str
    request_id: str
    reply: bytes


def refusal_of(error: Exception) -> Refusal:
    """What to answer after an error of the parser, or any other error of ours."""
    found = (BY_ERROR[kind] for kind in type(error).__mro__ if kind in BY_ERROR)
    status, code, detail = next(found, MALFORMED if isinstance(error, ParseException) else BROKEN)
    problem = document(code, detail) | {"status": status}
    if code == "invalid_request":
        problem["errors"] = [{"field": "request", "code": "malformed", "message": detail}]
    request_id = os.urandom(12).hex()
    return Refusal(
        type(error).__name__, status, code, request_id, _reply(status, request_id, problem, "Connection: close")
    )


def overloaded(*, closes: bool) -> bytes:
    """The whole reply to a request that could not begin. closes: the connection does, after it."""
    problem = document("store_unavailable", OVERLOADED)
    further = ("Retry-After: 1", *FOR_PAGES, *(("Connection: close",) if closes else ()))
    return _reply(503, os.urandom(12).hex(), problem, *further)


def _reply(status: int, request_id: str, problem: dict[str, object], *further: str) -> bytes:
    body = json.dumps(problem, separators=(",", ":")).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Date: {http_date()}",
        f"Content-Type: {PROBLEM_TYPE}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        f"X-Request-Id: {request_id}",
        *further,
    )
    return "\r\n".join((*head, "", "")).encode() + body
