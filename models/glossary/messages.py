"""The words of messages to customers."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "messages": "The messages of this page.",
    "PersonReply.messages": "The messages that were sent to the person in the last 30 days, the oldest first.",
    "Erased.messages": "How many messages lost their address and text.",
    "message_id": "The id of the message.",
    "MessageReply.booking_id": "The booking that the message is about; null for an offer.",
    "MessageReply.waitlist_id": "The entry of the waitlist that an offer was made to.",
    "MessageQuery.booking_id": "Only messages about this booking.",
    "PreviewQuery.booking_id": "The booking that the message is about.",
    "MessageReply.kind": "The kind of news that planned the message.",
    "MessageQuery.kind": "Only messages of this kind.",
    "PreviewQuery.kind": "The kind of message.",
    "channel": "`sms` or `email`.",
    "PreviewQuery.language": "The language; if it is left out, the customer's, else that of the policy.",
    "MessageReply.to": "The phone (E.164) or the e-mail address that it goes to.",
    "MessageReply.text": "The text, or the plain part of an e-mail, without the secret of a link in it.",
    "PreviewReply.text": "The text, or the plain part of an e-mail.",
    "segments": "How many segments the text takes, which the provider charges for.",
    "subject": "The subject of the e-mail.",
    "html": "The page of the e-mail.",
    "MessageReply.status": (
        "`held` waits for its time; `queued` is due, or is tried again; `sent` was taken by the provider or the mail "
        "server; `failed` was refused, tried for a day or not delivered; `suppressed` is not sent."
    ),
    "MessageReply.detail": (
        "Why a message is not sent: such as `nothing_new` (the customer knows it already), `outdated`, `too_late`, "
        "`no_address` or `opted_out`."
    ),
    "send_after": "When the message was to be sent, or is to be sent next.",
}
