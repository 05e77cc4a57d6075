"""The words of webhooks."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "webhook_id": "The id of the webhook.",
    "webhooks": "Webhooks by id.",
    "url": "The https address that changes are sent to. It leads to the public internet.",
    "kinds": "What the webhook hears of.",
    "WebhookReply.status": "Whether the webhook hears of changes.",
    "WebhookPatch.status": "`active` switches the webhook on, `disabled` off.",
    "WebhookReply.created_at": "When the webhook was made.",
    "disabled_reason": (
        "Why the webhook is off: `failing`, nothing arrived for 24 hours; `gone`, the receiver answered 410; "
        "`by_request`, a person switched it off. Null while it is on."
    ),
    "failing_since": "Since when nothing has arrived, though there was something to send; null while all is well.",
    "secret": (
        "What deliveries are signed with: `whsec_` and base64, as https://www.standardwebhooks.com says. No other "
        "reply shows it."
    ),
    "both_until": "Until when each delivery is signed with the old secret too.",
    "delivery_id": "The id of the delivery, which the receiver sees in the header `webhook-id`.",
    "deliveries": "Deliveries, the newest first.",
    "DeliveryReply.kind": "The type of the delivery.",
    "DeliveryReply.booking_id": (
        "The booking that it is about; of an offer the waitlist entry, of a test a name of its own."
    ),
    "DeliveryReply.version": "The version that the change made.",
    "DeliveryReply.status": (
        "`waiting`, also while it is tried again; `delivered`; `dead`, after 24 hours of failures or because the "
        "webhook was off; `suppressed`, because there was nothing left to send."
    ),
    "DeliveryQuery.status": "Only deliveries in this state.",
    "attempts": "How often it was sent.",
    "DeliveryReply.created_at": "When the delivery was made.",
    "next_attempt_at": "When it is sent, or sent again; null after its end.",
    "finished_at": "When it ended; null before.",
    "response_status": "The status that the receiver answered last; null if it gave no answer.",
    "response_text": "The first 1,024 bytes of that answer.",
    "error": "A word for why there was no answer, such as `timeout`; null if there was one.",
    "BookingEvent.type": "The kind of the change.",
    "OfferEvent.type": "`waitlist.offered`.",
    "BookingEvent.timestamp": "When the change was made.",
    "OfferEvent.timestamp": "When the offer was made.",
    "data": "What it is about.",
    "BookingEventData.booking": (
        "The booking as it was at the version that the change made, without `internal_note`; `hold_id` is null."
    ),
    "BookingEventData.changed": "The fields that differ from the version before; empty for a new booking.",
    "OfferEventData.waitlist_entry": "The entry as it was when the offer was made, without its hold.",
    "OfferEventData.changed": "The fields that differ.",
}
