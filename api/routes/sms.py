"""/sms/inbound: the provider of text messages hands over what customers write."""

from __future__ import annotations

from flask import request

from api.http.endpoint import Ask, Reply, Routes
from models.errors import Forbidden, NotFound, RequestInProgress
from models.sms import InboundText

routes = Routes("Text messages", "A bot that books, moves and cancels visits by text message (SMS).")

TWIML = "text/xml; charset=utf-8"
SIGNATURE = "X-Twilio-Signature"


@routes.post(
    "/sms/inbound",
    "Answer a text message; the provider's signature stands for a key",
    roles=None,
    keyless="secret",
    form=InboundText,
    replies={200: None},
    refusals=(Forbidden, NotFound, RequestInProgress),
    content_type=TWIML,
    idempotency="none",
)
def take_text(ask: Ask[InboundText]) -> Reply:
    """Takes a text message in the form of Twilio, with its signature over the configured public address, and answers
    with TwiML. The org is the one whose `sms_number` the text was sent to. A repeat with the same `MessageSid` gets the
    first answer."""
    return Reply(200, ask.services.texts.inbound.receive(ask.given, request.headers.get(SIGNATURE, "")))
