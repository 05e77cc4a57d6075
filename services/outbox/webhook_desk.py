"""Webhooks as admins see them: make, change, rotate and remove one, send a test, look at deliveries, send one again."""

from __future__ import annotations

import secrets
from typing import Final

from models.access import Caller
from models.errors import Fault, InvalidRequest, NotFound
from models.webhooks import (
    TEST_KIND,
    DeliveryPage,
    DeliveryQuery,
    DeliveryReply,
    WebhookMade,
    WebhookPage,
    WebhookPatch,
    WebhookReply,
    WebhookRequest,
    WebhookRotated,
)
from services.clock import Clock
from services.ids import WebhookSecrets
from services.outbox.entries import NewEntry
from services.outbox.posting import Posting
from services.outbox.shelf import Kept, OutboxShelf
from services.outbox.signatures import shown_secret
from services.outbox.store import OutboxStore
from services.outbox.webhook_store import Webhook, WebhookStore

NO_WEBHOOK: Final = "There is no such webhook."
NOT_PUBLIC: Final = Fault("url", "bad_url", "Give url as an https address on the public internet.")


class WebhookDesk:
    """Everything may raise StoreUnavailable, and where an id is given NotFound."""

    def __init__(
        self,
        *,
        webhooks: WebhookStore,
        outbox: OutboxStore,
        shelf: OutboxShelf,
        secrets: WebhookSecrets,
        posting: Posting,
        clock: Clock,
    ) -> None:
        self._webhooks = webhooks
        self._outbox = outbox
        self._shelf = shelf
        self._secrets = secrets
        self._posting = posting
        self._clock = clock

    def make(self, caller: Caller, wanted: WebhookRequest) -> WebhookMade:
        """A new webhook, and its secret. Raises InvalidRequest for an address that is not public."""
        self._require_public(wanted.url)
        made = self._webhooks.make(caller.org, wanted.url, list(wanted.kinds))
        return WebhookMade(**_shown(made).model_dump(), secret=self._secret_of(made))

    def page(self, caller: Caller, limit: int, cursor: str | None) -> WebhookPage:
        """One page by id. Raises InvalidRequest for a cursor that no list gave."""
        found, next_cursor = self._webhooks.page(caller.org, limit, cursor)
        return WebhookPage(webhooks=[_shown(each) for each in found], next_cursor=next_cursor)

    def get(self, caller: Caller, webhook_id: str) -> WebhookReply:
        return _shown(_required(self._webhooks.find(caller.org, webhook_id)))

    def patch(self, caller: Caller, webhook_id: str, wanted: WebhookPatch) -> WebhookReply:
        """Changes what was sent. Raises InvalidRequest for an address that is not public."""
        if wanted.url is not None:
            self._require_public(wanted.url)
        values = {name: getattr(wanted, name) for name in wanted.model_fields_set if getattr(wanted, name) is not None}
        if not values:
            return self.get(caller, webhook_id)
        return _shown(_required(self._webhooks.change(caller.org, webhook_id, values)))

    def rotate(self, caller: Caller, webhook_id: str) -> WebhookRotated:
        """A new secret. The one before it signs too for a day."""
        rotated = _required(self._webhooks.rotate(caller.org, webhook_id))
        _, both_until = rotated.earlier[0]
        return WebhookRotated(webhook_id=webhook_id, secret=self._secret_of(rotated), both_until=both_until)

    def delete(self, caller: Caller, webhook_id: str) -> None:
        """Removes a webhook. What is still to be sent to it is not sent."""
        if not self._webhooks.delete(caller.org, webhook_id):
            raise NotFound(NO_WEBHOOK)

    def test(self, caller: Caller, webhook_id: str) -> DeliveryReply:
        """Lets a test be sent, also to a webhook that is off, and gives the delivery."""
        webhook = _required(self._webhooks.find(caller.org, webhook_id))
        entry = NewEntry(
            org=caller.org,
            booking_id=f"test_{secrets.token_hex(8)}",  # each test is another one
            version=1,
            kind=TEST_KIND,
            channel="webhook",
            receiver=webhook.webhook_id,
            due=self._clock(),
            body={},
        )
        self._outbox.insert([entry])
        return self.redeliver(caller, webhook_id, entry.entry_id)

    def deliveries(self, caller: Caller, webhook_id: str, query: DeliveryQuery) -> DeliveryPage:
        """One page of deliveries, the newest first. Raises InvalidRequest for a cursor that no list gave."""
        _required(self._webhooks.find(caller.org, webhook_id))
        found, next_cursor = self._shelf.page(caller.org, webhook_id, query.status, query.limit, query.cursor)
        return DeliveryPage(deliveries=[_delivery(each) for each in found], next_cursor=next_cursor)

    def redeliver(self, caller: Caller, webhook_id: str, delivery_id: str) -> DeliveryReply:
        """Lets a delivery be sent now, whatever became of it."""
        _required(self._webhooks.find(caller.org, webhook_id))
        kept = self._shelf.send_again(caller.org, webhook_id, delivery_id)
        if kept is None:
            raise NotFound("There is no such delivery.")
        return _delivery(kept)

    def _require_public(self, url: str) -> None:
        if not self._posting.may_be_asked(url):
            raise InvalidRequest(NOT_PUBLIC)

    def _secret_of(self, webhook: Webhook) -> str:
        return shown_secret(self._secrets.make(webhook.org, webhook.webhook_id, webhook.generation))


def _required(webhook: Webhook | None) -> Webhook:
    if webhook is None:
        raise NotFound(NO_WEBHOOK)
    return webhook


def _shown(webhook: Webhook) -> WebhookReply:
    return WebhookReply.model_validate({name: getattr(webhook, name) for name in WebhookReply.model_fields})


def _delivery(kept: Kept) -> DeliveryReply:
    return DeliveryReply(
        delivery_id=kept.id,
        kind=kept.kind,
        booking_id=kept.booking_id,
        version=kept.version,
        status=kept.state,
        attempts=kept.attempts,
        created_at=kept.created_at,
        next_attempt_at=kept.due,
        finished_at=kept.finished_at,
        response_status=kept.detail.get("status"),
        response_text=kept.detail.get("body"),
        error=kept.detail.get("error"),
    )
