"""/webhooks: the addresses that hear of changes, for the admins of an org."""

from __future__ import annotations

from api.http.endpoint import Ask, Reply, Routes
from api.openapi.schemas import PageQuery
from models.access import Role
from models.errors import NotFound
from models.webhooks import (
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

routes = Routes(
    "Webhooks",
    "Addresses of yours that hear of changes. Each delivery is a POST of `{type, timestamp, data}`, signed as "
    "https://www.standardwebhooks.com says. It is repeated for 24 hours until your server answers 2xx, and may arrive "
    "more than once, with the same `webhook-id`.",
)

ADMIN = frozenset({Role.ADMIN})

# No idempotency key on what answers a secret: the first answer, kept for a day, would be the secret in Redis.


@routes.post(
    "/webhooks", "Make a webhook", roles=ADMIN, body=WebhookRequest, replies={201: WebhookMade}, idempotency="none"
)
def make_webhook(ask: Ask[WebhookRequest]) -> Reply:
    """Makes a webhook, which hears of these kinds of changes from now on. Only this reply shows its secret. The reply
    is never repeated, so it takes no idempotency key. The address must be https and lead to the public internet."""
    return Reply(201, ask.services.webhooks.make(ask.caller, ask.given))


@routes.get("/webhooks", "List webhooks", roles=ADMIN, query=PageQuery, replies={200: WebhookPage})
def list_webhooks(ask: Ask[PageQuery]) -> Reply:
    """Lists the webhooks, page by page. One that was switched off says why."""
    return Reply(200, ask.services.webhooks.page(ask.caller, ask.given.limit, ask.given.cursor))


@routes.get("/webhooks/{webhook_id}", "Read a webhook", roles=ADMIN, replies={200: WebhookReply}, refusals=(NotFound,))
def read_webhook(ask: Ask[None], webhook_id: str) -> Reply:
    """Shows one webhook, without its secret."""
    return Reply(200, ask.services.webhooks.get(ask.caller, webhook_id))


@routes.patch(
    "/webhooks/{webhook_id}",
    "Change a webhook, or switch it on or off",
    roles=ADMIN,
    body=WebhookPatch,
    replies={200: WebhookReply},
    refusals=(NotFound,),
)
def change_webhook(ask: Ask[WebhookPatch], webhook_id: str) -> Reply:
    """Changes the fields that are sent. What changed while a webhook was off is not sent later: read it from
    `GET /bookings?updated_since`."""
    return Reply(200, ask.services.webhooks.patch(ask.caller, webhook_id, ask.given))


@routes.post(
    "/webhooks/{webhook_id}/rotate",
    "Give a webhook a new secret",
    roles=ADMIN,
    replies={201: WebhookRotated},
    refusals=(NotFound,),
    idempotency="none",
)
def rotate_webhook(ask: Ask[None], webhook_id: str) -> Reply:
    """Makes a new secret, which only this reply shows. For 24 hours each delivery is signed with the old secret too."""
    return Reply(201, ask.services.webhooks.rotate(ask.caller, webhook_id))


@routes.delete("/webhooks/{webhook_id}", "Remove a webhook", roles=ADMIN, replies={204: None}, refusals=(NotFound,))
def remove_webhook(ask: Ask[None], webhook_id: str) -> Reply:
    """Removes a webhook. What was still to be sent to it is not sent."""
    ask.services.webhooks.delete(ask.caller, webhook_id)
    return Reply(204)


@routes.post(
    "/webhooks/{webhook_id}/test",
    "Send a test",
    roles=ADMIN,
    replies={202: DeliveryReply},
    refusals=(NotFound,),
)
def send_test(ask: Ask[None], webhook_id: str) -> Reply:
    """Sends a delivery of the type `webhook.test` in a moment, also to a webhook that is off. The list of deliveries
    says how it went."""
    return Reply(202, ask.services.webhooks.test(ask.caller, webhook_id))


@routes.get(
    "/webhooks/{webhook_id}/deliveries",
    "List deliveries, the newest first",
    roles=ADMIN,
    query=DeliveryQuery,
    replies={200: DeliveryPage},
    refusals=(NotFound,),
)
def list_deliveries(ask: Ask[DeliveryQuery], webhook_id: str) -> Reply:
    """Lists what was sent to a webhook or is still to be sent, page by page, and what the receiver answered. A delivery
    is kept for 30 days after its end."""
    return Reply(200, ask.services.webhooks.deliveries(ask.caller, webhook_id, ask.given))


@routes.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    "Send a delivery again",
    roles=ADMIN,
    replies={202: DeliveryReply},
    refusals=(NotFound,),
)
def send_again(ask: Ask[None], webhook_id: str, delivery_id: str) -> Reply:
    """Sends a delivery in a moment, whatever became of it, with the same `webhook-id`. One that had ended is sent
    whatever else waits for this booking."""
    return Reply(202, ask.services.webhooks.redeliver(ask.caller, webhook_id, delivery_id))
