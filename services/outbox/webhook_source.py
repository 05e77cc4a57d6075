"""Says which webhooks hear of which news. An entry holds no body: the courier makes it from the booking's history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from services.clock import Clock
from services.outbox.entries import NewEntry, News, OfferMade
from services.outbox.webhook_news import kind_of
from services.outbox.webhook_store import Webhook, WebhookStore


class WebhookSource:
    """A webhook hears of what changed after it was made, or was made active again. It is a Source."""

    def __init__(self, webhooks: WebhookStore, clock: Clock) -> None:
        self._webhooks = webhooks
        self._clock = clock

    def since(self) -> datetime | None:
        return self._webhooks.listening_since()

    def entries(self, news: Sequence[News]) -> list[NewEntry]:
        listening: defaultdict[str, list[Webhook]] = defaultdict(list)
        for webhook in self._webhooks.listening({each.org for each in news}):
            listening[webhook.org].append(webhook)
        now = self._clock()
        return [
            _entry(each, kind, webhook, now)
            for each in news
            if (kind := kind_of(each))
            for webhook in listening[each.org]
            if kind in webhook.kinds and each.logged > webhook.since
        ]


def _entry(news: News, kind: str, webhook: Webhook, now: datetime) -> NewEntry:
    named, version = (
        (news.entry.waitlist_id, news.entry.version)
        if isinstance(news, OfferMade)
        else (news.booking.booking_id, news.booking.version)
    )
    return NewEntry(
        org=news.org,
        booking_id=named,
        version=version,
        kind=kind,
        channel="webhook",
        receiver=webhook.webhook_id,
        due=now,
        body={},
    )
