"""A world and its HTTP API as the cast use it: Alice in her browser, the bot, Bob at the desk, Ada the admin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.world import World, rfc3339, tomorrow

ALICES_BROWSER = "web-5f1c9a7be2d04c6b"
EVERYBODY = frozenset({"checkout", "bot", "desk", "admin"})
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


def visit_at_ten() -> dict[str, Any]:
    """What replies say of a visit as Town.slot asks for it."""
    return {
        "property_id": "prop-1",
        "technician_id": "tech-1",
        "technician_ids": ["tech-1"],
        "start": rfc3339(tomorrow(10)),
        "end": rfc3339(tomorrow(11)),
        "duration_minutes": 60,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "requested_start": rfc3339(tomorrow(10)),
        "fallback_used": False,
    }


@dataclass
class Town:
    """Requests to one app over one world. `key` is a role of the org, or `rival`, or None."""

    world: World

    @cached_property
    def _client(self) -> FlaskClient:
        return self.world.client()

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = "checkout", **headers: str
    ) -> TestResponse:
        """Header names are written with _ for -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            secret = self.world.rival_key if key == "rival" else self.world.keys.get(key, key)
            sent["Authorization"] = f"Bearer {secret}"
        return self._client.open(path, method=method, headers=sent, json=body)

    def slot(self, hour: int = 10, minute: int = 0, **changed: Any) -> dict[str, Any]:
        """Tomorrow, prop-1, tech-1; None leaves a field out."""
        fields = {
            "property_id": "prop-1",
            "technician_id": "tech-1",
            "start": rfc3339(tomorrow(hour, minute)),
        } | changed
        return {name: value for name, value in fields.items() if value is not None}

    def hold(self, hour: int = 10, *, key: str = "checkout", **changed: Any) -> dict[str, Any]:
        """A new hold, as answered."""
        reply = self.call("POST", "/hold", self.slot(hour, **changed), key=key)
        assert reply.status_code == 201, reply.text
        return body_of(reply)

    def book(self, hour: int = 10, *, key: str = "bot", **changed: Any) -> dict[str, Any]:
        """A new direct booking for Alice, as answered."""
        reply = self.call("POST", "/book", self.slot(hour, **changed) | {"customer": {"name": "Alice"}}, key=key)
        assert reply.status_code == 201, reply.text
        return body_of(reply)

    def check_admission(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        roles: frozenset[str],
        elsewhere: frozenset[str] = frozenset(),
    ) -> None:
        """No key: 401. A role that is not named: 403. A method that the path does not know: 405 with Allow.

        elsewhere: methods that a path with a parameter answers in its place.
        """
        refused(self.call(method, path, body, key=None), 401, "unauthenticated")
        refused(self.call(method, path, body, key="hf_admin_made-up"), 401, "unauthenticated")
        for role in EVERYBODY - roles:
            refused(self.call(method, path, body, key=role), 403, "forbidden")
        answering = set(self.call("OPTIONS", path, key=None).headers["Allow"].split(", "))
        assert method in answering
        for other in METHODS - answering - elsewhere:
            reply = self.call(other, path, body)
            refused(reply, 405, "method_not_allowed")
            assert set(reply.headers["Allow"].split(", ")) - elsewhere == answering - elsewhere


def body_of(reply: TestResponse) -> dict[str, Any]:
    body = reply.get_json()
    assert isinstance(body, dict), reply.text
    return body


def lasting(hold: TestResponse) -> dict[str, Any]:
    """The body of a hold without the seconds that it has left, which a slow machine sees go by between two replies."""
    return {name: value for name, value in body_of(hold).items() if name != "remaining_seconds"}


def refused(reply: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Asserts a problem, and returns it."""
    assert reply.content_type == "application/problem+json", (reply.status_code, reply.text)
    body = body_of(reply)
    assert (reply.status_code, body["code"]) == (status, code), reply.text
    assert reply.headers["X-Request-Id"]
    return body


def fault_codes(reply: TestResponse) -> set[tuple[str, str]]:
    """The (field, code) of each fault of a 400."""
    return {(error["field"], error["code"]) for error in refused(reply, 400, "invalid_request")["errors"]}
