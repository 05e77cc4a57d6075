"""Sends one entry to its webhook: makes the body, signs it, posts it, and notes at the webhook how that went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from pydantic_core import to_json

from models.booking import Booking
from models.waitlist import WaitEntry
from models.webhooks import TEST_KIND, WebhookBody
from services.clock import Clock
from services.ids import WebhookSecrets
from services.observability import Metrics
from services.outbox.entries import Again, Body, Dead, Delivered, Entry, Outcome, Suppressed
from services.outbox.news import booking_change
from services.outbox.posting import Answer, PostFailed, Posting
from services.outbox.signatures import signed_headers
from services.outbox.webhook_news import booking_body, offer_body, test_body
from services.outbox.webhook_store import Webhook, WebhookStore

log = structlog.get_logger()

GONE: Final = 410
OTHER_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "Holdfast-Webhooks"}


class WebhookCourier:
    """It is a Courier.

    find: a booking by org and id. offer_at: a waitlist entry as it was at a version, by org, id and version.
    """

    def __init__(
        self,
        *,
        webhooks: WebhookStore,
        secrets: WebhookSecrets,
        posting: Posting,
        find: Callable[[str, str], Booking | None],
        offer_at: Callable[[str, str, int], WaitEntry | None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._webhooks = webhooks
        self._secrets = secrets
        self._posting = posting
        self._find = find
        self._offer_at = offer_at
        self._clock = clock
        self._metrics = metrics

    def send(self, entry: Entry) -> Outcome:
        webhook = self._webhooks.find(entry.org, entry.receiver)
        if webhook is None:
            return Suppressed({"error": "webhook_deleted"})
        if webhook.status == "disabled" and entry.kind != TEST_KIND:
            return Dead({"error": "webhook_disabled"})
        body = self._body(entry)
        if body is None:
            return Suppressed({"error": "nothing_to_send"})
        try:
            answer = self._post(webhook, entry, to_json(body))
        except PostFailed as failure:
            return self._failed(webhook, entry, {"error": failure.reason})
        detail: Body = {"status": answer.status, "body": answer.text}
        if 200 <= answer.status < 300:
            self._webhooks.succeeded(webhook)
            return Delivered(detail)
        return self._failed(webhook, entry, detail, answer)

    def _post(self, webhook: Webhook, entry: Entry, body: bytes) -> Answer:
        now = self._clock()
        generations = [webhook.generation, *(number for number, until in webhook.earlier if until > now)]
        secrets = [self._secrets.make(webhook.org, webhook.webhook_id, number) for number in generations]
        headers = signed_headers(secrets, entry.id, int(now.timestamp()), body)
        return self._posting.post(webhook.url, {**OTHER_HEADERS, **headers}, body)

    def _body(self, entry: Entry) -> WebhookBody | None:
        """None where what it is about is gone. Data that was erased since is not in it."""
        if entry.kind == TEST_KIND:
            return test_body(entry.kind, entry.receiver, entry.created_at)
        if entry.kind == "waitlist.offered":
            offer = self._offer_at(entry.org, entry.booking_id, entry.version)
            return offer_body(offer) if offer else None
        booking = self._find(entry.org, entry.booking_id)
        return booking_body(entry.kind, booking_change(booking, entry.version, 0)) if booking else None

    def _failed(self, webhook: Webhook, entry: Entry, detail: Body, answer: Answer | None = None) -> Outcome:
        """A test does not count, because it says nothing of what was missed."""
        gone = answer is not None and answer.status == GONE
        if entry.kind != TEST_KIND and self._webhooks.failed(webhook, gone=gone):
            self._metrics.webhooks_disabled.inc()
            log.warning("webhook_disabled", org=webhook.org, webhook_id=webhook.webhook_id, gone=gone)
        if gone:
            return Dead(detail)
        return Again(detail, answer.retry_after if answer else None)
