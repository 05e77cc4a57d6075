"""The part of the document on what webhooks get, for generators of code and for readers."""

from __future__ import annotations

from typing import Any, Final, get_args

from pydantic import BaseModel

from models.webhooks import BookingEvent, OfferEvent, WebhookKind

Json = dict[str, Any]

EVENTS: Final[dict[str, type[BaseModel]]] = {
    kind: OfferEvent if kind == "waitlist.offered" else BookingEvent for kind in get_args(WebhookKind)
}
HEADERS: Final = {
    "webhook-id": "The same for each repeat of this delivery.",
    "webhook-timestamp": "When this attempt is made, in seconds since 1970.",
    "webhook-signature": "`v1,` and a signature in base64; several with blanks between after a rotation.",
}


def webhooks_of(refs: dict[type[BaseModel], Json]) -> Json:
    """By kind, the request that a webhook gets. refs: the references of the models."""
    return {kind: {"post": _request(kind, refs[model])} for kind, model in EVENTS.items()}


def _request(kind: str, ref: Json) -> Json:
    name = "".join(part.capitalize() for part in kind.replace(".", "_").split("_"))
    return {
        "operationId": f"hear{name}",
        "summary": f"A webhook of yours hears of `{kind}`",
        "description": "Sent to the webhooks that chose this kind, at least once. Answer within ten seconds.",
        "tags": ["Webhooks"],
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "description": "What changed.",
            "content": {"application/json": {"schema": ref}},
        },
        "responses": {
            "2XX": {"description": "You have it."},
            "410": {"description": "You want no more of this: the webhook is switched off."},
            "default": {"description": "It is tried again for 24 hours."},
        },
    }
