"""Every exception becomes RFC 9457 application/problem+json here; views have no try.

The stable code decides status and title. An unexpected error says nothing of its inside to the client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, date, datetime
from typing import Any

import structlog
from flask import Flask, Response, request
from pydantic_core import to_json
from werkzeug.exceptions import HTTPException

from api.http.problem_codes import PROBLEM_TYPE, document
from api.http.replies import FinalResponse
from api.http.request_log import EXCHANGE
from models.errors import Refusal, StoreUnavailable

ALWAYS_RETRYABLE = frozenset({"request_in_progress", "rate_limited", "too_many_holds", "store_unavailable"})
"""Codes that carry Retry-After even where the service named no time."""

FLASK_PROBLEMS: dict[int, tuple[str, str]] = {
    400: ("invalid_request", "The request could not be understood."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not answer to that method; Allow names those it does."),
    413: ("too_large", "The request body is larger than 64 KiB."),
}
"""What Flask and Werkzeug refuse by themselves, by status."""

STORES = ("redis", "pymongo")
NOTHING_LOADS = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
"""A person may open the address of a problem in a browser. It is never a page that runs, loads or is framed."""


def handle_every_exception(app: Flask) -> None:
    """Routes every exception of the app through this module."""
    app.register_error_handler(Exception, _answer)


def _answer(error: Exception) -> Response:
    if isinstance(error, Refusal):
        return _refused(error)
    if isinstance(error, HTTPException):
        return _refused_by_flask(error)
    return _unexpected(error)


def _refused(refusal: Refusal) -> Response:
    members = {name: _plain(value) for name, value in refusal.members.items()}
    headers = []
    seconds = refusal.retry_after_seconds
    if seconds is not None or refusal.code in ALWAYS_RETRYABLE:
        headers.append(("Retry-After", str(max(1, seconds or 1))))
    if refusal.code == "unauthenticated":
        headers.append(("WWW-Authenticate", "Bearer"))
    return _reply(document(refusal.code, refusal.detail, **members), headers)


def _refused_by_flask(error: HTTPException) -> Response:
    code, detail = FLASK_PROBLEMS.get(error.code or 500, ("invalid_request", "The request could not be understood."))
    members: dict[str, Any] = {}
    if code == "invalid_request":
        members["errors"] = [{"field": "request", "code": "malformed", "message": detail}]
    kept = [(name, value) for name, value in error.get_headers() if name.lower() == "allow"]
    return _reply(document(code, detail, **members), kept)


def _unexpected(error: Exception) -> Response:
    if type(error).__module__.partition(".")[0] in STORES:
        # Services translate these; one that slipped through is an outage for the client and a line in our log.
        structlog.get_logger().error("untranslated_store_error", exc_info=error)
        return _refused(StoreUnavailable())
    structlog.get_logger().error("unexpected_error", exc_info=error)
    detail = "Something went wrong on our side. Please try again; X-Request-Id names this request to the operator."
    return _reply(document("internal_error", detail), [])


def _reply(body: dict[str, Any], headers: list[tuple[str, str]]) -> Response:
    request.environ[EXCHANGE].code = body["code"]
    headers += [("Cache-Control", "no-store"), NOTHING_LOADS]
    return FinalResponse(to_json(body), body["status"], headers, PROBLEM_TYPE)


def _plain(value: Any) -> Any:
    """A member of a problem as JSON's own types, times to the second. What is None in a dataclass is left out."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()[:19] + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if is_dataclass(value):
        members = [(name, getattr(value, name)) for name in value.__dataclass_fields__]
        return {name: _plain(item) for name, item in members if item is not None}
    return value
