"""Takes what the provider reports of texts, and lets nobody else report anything."""

from __future__ import annotations

from typing import Final

from models.sms import TextReport
from services.messages.opt_outs import OptOuts
from services.messages.store import MessageStore, Report
from services.observability import Metrics
from services.texting.twilio import OPTED_OUT, Requests

_REPORTS: Final[dict[str, Report]] = {"delivered": "delivered", "undelivered": "failed", "failed": "failed"}
"""The provider's words that say how a text ended. Its other words say that it is on its way."""


class Reports:
    """Everything may raise StoreUnavailable; the provider then sends the report again."""

    def __init__(self, messages: MessageStore, opt_outs: OptOuts, metrics: Metrics, requests: Requests) -> None:
        self._messages = messages
        self._opt_outs = opt_outs
        self._metrics = metrics
        self._requests = requests

    def take(self, form: TextReport, message_id: str | None, query: str, signature: str) -> None:
        """Notes how a text ended. A report that says something else, or of a text that is not known, changes nothing.

        query: that of the request as it came, which is signed too. Raises Forbidden.
        """
        self._requests.require_signed(form, signature, query)
        report = _REPORTS.get(form.status)
        if report is None or message_id is None or not form.sid:
            return
        message = self._messages.report(message_id, form.sid, report)
        if message is None:
            return
        self._metrics.sms_reports.labels(report).inc()
        if form.error == str(OPTED_OUT) and message.to:
            self._opt_outs.add(message.org, message.to)
