"""Services that answer from fixed data, for tests of what the HTTP side does by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import fakeredis
from flask import Flask
from werkzeug.test import Client, TestResponse

from api.app import app_over
from models.access import Caller, IdempotencyClaim, Role
from models.calendar import TechnicianCalendar
from models.catalogue import Policy, Technician
from models.errors import Fault, InvalidRequest, NotFound, Unauthenticated
from models.hold import Hold, HoldRequest
from models.slot import SlotFields, Visit
from services.observability import Metrics
from services.stores.shared_counts import SharedCounts
from tests.world import PATIENT

START = datetime(2026, 12, 5, 10, tzinfo=UTC)
SECRET_HOLDER = "web-5f1c9a7be2d04c6b"
SLOT = {"property_id": "prop-101", "technician_id": "tech-7", "start": "2026-12-05T10:00:00Z"}

HOLD = Hold(
    hold_id="h_alice",
    ref="ref-of-alice",
    property_id="prop-101",
    technician_id="tech-7",
    technician_ids=["tech-7"],
    visit=Visit("prop-101", "tech-7", 1, 5),
    status="held",
    start=START,
    end=START + timedelta(hours=1),
    duration_minutes=60,
    buffer_before_minutes=0,
    buffer_after_minutes=0,
    ttl_seconds=300,
    remaining_seconds=300,
    source="web",
    created_at=START - timedelta(days=1),
    expires_at=START - timedelta(days=1) + timedelta(seconds=300, milliseconds=900),
    requested_start=START,
    fallback_used=False,
    owner="key-checkout",
)

CALLERS = {role.value: Caller("demo", role, f"key-{role.value}") for role in Role if role is not Role.CUSTOMER}
CALLERS["manage-token"] = Caller("demo", Role.CUSTOMER, "token", booking_id="bk_alice")

Send = Callable[..., TestResponse]


class StubAccess:
    """Knows one key per role, named as the role is, and one manage token. What is `unread` only MongoDB can tell."""

    def __init__(self, unread: frozenset[str] = frozenset()) -> None:
        self.unread = unread
        self.looked_up: list[str] = []

    def known(self, bearer: str) -> Caller | None:
        if bearer in self.unread:
            return None
        if bearer not in CALLERS:
            raise Unauthenticated
        return CALLERS[bearer]

    def authenticate(self, bearer: str) -> Caller:
        self.looked_up.append(bearer)
        if bearer not in CALLERS:
            raise Unauthenticated
        return CALLERS[bearer]


@dataclass
class StubHolds:
    """Answers the same hold, or raises what a test put into `trouble`."""

    trouble: Exception | None = None
    asked: list[tuple[Caller, HoldRequest, IdempotencyClaim | None]] = field(default_factory=list)

    def place(self, caller: Caller, request: HoldRequest, idempotency: IdempotencyClaim | None) -> Any:
        self.asked.append((caller, request, idempotency))
        if self.trouble is not None:
            raise self.trouble
        return SimpleNamespace(hold=HOLD, created=True, replayed=False)


@dataclass
class StubBookingLife:
    """Notes what a cancellation or a list is asked for, then refuses with `reached`."""

    cancelled: list[tuple[str | None, int | None]] = field(default_factory=list)
    listed: list[Any] = field(default_factory=list)

    def act(
        self,
        _caller: Caller,
        _booking_id: str,
        _action: str,
        reason: str | None,
        expected_version: int | None,
        **_if_free: bool,
    ) -> Any:
        self.cancelled.append((reason, expected_version))
        raise InvalidRequest(Fault("stub", "reached", "The service was reached."))

    def page(self, _caller: Caller, query: Any) -> Any:
        self.listed.append(query)
        return [], None


@dataclass
class StubFeeds:
    """Knows one calendar, empty, of one token or of none; `first` is done before each look."""

    first: Callable[[], None] = lambda: None
    right: str = ""
    asked: list[str] = field(default_factory=list)

    def read(self, _technician_id: str, token: str, **_shown: bool) -> Any:
        self.asked.append(token)
        self.first()
        if token != self.right:
            raise NotFound
        return TechnicianCalendar(Technician(id="tech-7", name="Tessa"), [], {})

    def text(self, _calendar: TechnicianCalendar) -> bytes:
        return b""


def _wish(_snapshot: object, _now: datetime, slot: SlotFields, _role: object) -> None:
    if slot.start.minute % 15:
        raise InvalidRequest(Fault("start", "off_grid", "start should be on the quarter of an hour."))


@dataclass
class Stubbed:
    """An app over stubs, and a way to send requests to it."""

    holds: StubHolds = field(default_factory=StubHolds)
    life: StubBookingLife = field(default_factory=StubBookingLife)
    feeds: StubFeeds = field(default_factory=StubFeeds)
    metrics: Metrics = field(default_factory=Metrics)
    checks: dict[str, str] = field(default_factory=lambda: {"redis": "ok", "mongodb": "ok"})
    access: StubAccess = field(default_factory=StubAccess)
    redis: Any = field(default_factory=lambda: fakeredis.FakeRedis(decode_responses=True))
    policy: Policy = field(default_factory=Policy)
    rate_limit_per_minute: int = 0
    keyless_per_minute: int = 0
    trusted_proxies: int = 0

    def app(self) -> Flask:
        """A new app; its settings are those of this moment."""
        services: Any = SimpleNamespace(
            settings=SimpleNamespace(
                log_level="INFO",
                rate_limit_per_minute=self.rate_limit_per_minute,
                keyless_per_minute=self.keyless_per_minute,
                page_key="",
                request_seconds=PATIENT.request_seconds,
                trusted_proxies=self.trusted_proxies,
            ),
            access=self.access,
            counts=SharedCounts(self.redis, self.metrics, now=START.timestamp),  # no minute ends within a test
            holds=self.holds,
            booking_life=self.life,
            calendar_feeds=self.feeds,
            candidates=SimpleNamespace(wish=_wish),
            catalogue=SimpleNamespace(
                policy=lambda _org: self.policy, known_policy=lambda _org: self.policy, snapshot=lambda _org: None
            ),
            clock=lambda: START,
            metrics=self.metrics,
            health=SimpleNamespace(readiness=lambda: self.checks),
        )
        return app_over(services)

    def send(self) -> Send:
        """`send(method, path, key=role, …)`; further options are werkzeug's."""
        client = Client(self.app())

        def send(method: str, path: str, *, key: str | None = "admin", **options: Any) -> TestResponse:
            headers = dict(options.pop("headers", {}))
            if key is not None:
                headers.setdefault("Authorization", f"Bearer {key}")
            return client.open(path, method=method, headers=headers, **options)

        return send


def faults(reply: TestResponse) -> set[tuple[str, str]]:
    """The (field, code) of every fault that a 400 names."""
    assert reply.status_code == 400, reply.text
    body = reply.get_json()
    assert body["code"] == "invalid_request"
    assert all(error["message"] for error in body["errors"])
    return {(error["field"], error["code"]) for error in body["errors"]}
