"""Carries texts through the provider's API."""

from __future__ import annotations

from typing import Final

from services.messages.composing import Composed
from services.messages.letters import without_secret
from services.messages.opt_outs import OptOuts
from services.messages.store import Message
from services.observability import Metrics
from services.outbox.entries import Again, Dead, Delivered, Outcome, Suppressed
from services.texting.gsm7 import segments
from services.texting.twilio import OPTED_OUT, NoAnswer, Refused, Twilio

OUR_FAULT: Final = frozenset({401, 403, 404, 408, 425, 429})
"""Refusals that are not about the text: the settings are wrong, or there were too many. It is sent again."""


class SmsPost:
    """A Post. status_url: where the provider reports what becomes of a text, by message id; None for no reports."""

    def __init__(self, provider: Twilio, opt_outs: OptOuts, metrics: Metrics, status_url: str | None) -> None:
        self._provider = provider
        self._opt_outs = opt_outs
        self._metrics = metrics
        self._status_url = status_url

    def carry(self, composed: Composed, message_id: str) -> Outcome:
        sender = composed.policy.sms_number
        if sender is None:
            return Suppressed({"reason": "no_sms_number"})
        text = composed.letter.text
        reports = f"{self._status_url}?message_id={message_id}" if self._status_url else None
        try:
            taken = self._provider.send(sender, composed.to, text, reports)
        except NoAnswer as error:
            return Again({"error": str(error)})
        except Refused as refused:
            if refused.code == OPTED_OUT:
                self._opt_outs.add(composed.org, composed.to)
                return Suppressed({"reason": "opted_out"})
            return _refusal(refused)
        self._metrics.sms_segments.inc(segments(text))
        return Delivered({"provider_id": taken.sid, "segments": segments(text)})

    def find(self, begun: Message) -> Outcome | None:
        if begun.to is None or begun.text is None:
            return None
        try:
            taken = self._provider.find(begun.to, lambda sent: without_secret(sent) == begun.text, begun.began_at)
        except NoAnswer as error:
            return Again({"error": str(error)})
        except Refused as refused:
            return _refusal(refused)
        return Delivered({"provider_id": taken.sid}) if taken else None


def _refusal(refused: Refused) -> Outcome:
    detail = {"status": refused.status, "code": refused.code}
    if refused.status >= 500 or refused.status in OUR_FAULT:
        return Again(detail, refused.retry_after)
    return Dead(detail)
