"""/messages: what customers are sent by text and e-mail; /sms/status: what became of a text."""

from __future__ import annotations

from flask import request

from api.http.endpoint import Ask, Reply, Routes
from models.access import STAFF
from models.errors import BookingNotFound, Forbidden, InvalidTransition, NotFound
from models.messages import MessagePage, MessageQuery, MessageReply, PreviewQuery, PreviewReply
from models.sms import ReportQuery, TextReport

routes = Routes("Messages", "What customers are sent by text and by e-mail, when, and in which words.")

SIGNATURE = "X-Twilio-Signature"


@routes.get("/messages", "List messages to customers", roles=STAFF, query=MessageQuery, replies={200: MessagePage})
def list_messages(ask: Ask[MessageQuery]) -> Reply:
    """Lists the messages to customers, the newest first, page by page: those that were sent in the last 30 days, and
    those that are planned. What a planned one says is decided when it is sent; it is shown as it would be sent now."""
    found, next_cursor = ask.services.messages.desk.page(ask.caller, ask.given)
    return Reply(200, MessagePage(messages=found, next_cursor=next_cursor))


@routes.get(
    "/messages/preview",
    "Preview a message",
    roles=STAFF,
    query=PreviewQuery,
    replies={200: PreviewReply},
    refusals=(BookingNotFound,),
)
def show_message_preview(ask: Ask[PreviewQuery]) -> Reply:
    """Shows how a message about a booking reads in a language, with the org's own templates where it has some, and how
    many segments a text takes. It sends nothing."""
    return Reply(200, ask.services.messages.desk.preview(ask.caller, ask.given))


@routes.post(
    "/messages/{message_id}/resend",
    "Send a message again",
    roles=STAFF,
    replies={202: MessageReply},
    refusals=(NotFound, InvalidTransition),
)
def send_message_again(ask: Ask[None], message_id: str) -> Reply:
    """Sends a message that failed again in a moment, as it would read now. One that has not failed stays as it is."""
    return Reply(202, ask.services.messages.desk.send_again(ask.caller, message_id))


@routes.post(
    "/sms/status",
    "Take the report of a text; the provider's signature stands for a key",
    roles=None,
    keyless="secret",
    query=ReportQuery,
    form=TextReport,
    replies={204: None},
    refusals=(Forbidden,),
    idempotency="none",
)
def take_text_report(ask: Ask[TextReport]) -> Reply:
    """Takes what Twilio reports of a text that was sent, with its signature over the configured public address. A
    repeat is fine."""
    query, named = request.query_string.decode("latin-1"), request.args.get("message_id")
    ask.services.messages.reports.take(ask.given, named, query, request.headers.get(SIGNATURE, ""))
    return Reply(204)
