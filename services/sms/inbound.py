"""A text message from the provider's request to the answer that goes back in its reply.

https://www.twilio.com/docs/messaging/twiml and, for the words with which a customer stops and starts texts,
https://help.twilio.com/articles/223134027. To these words the provider answers itself, so nothing is added here.

The provider notes a refusal of ours in its log, and the person who wrote hears nothing. So while a store is away the
answer asks for the text once more. The message is not taken then: what was begun of it meets itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from xml.sax.saxutils import escape

from models.errors import NotFound, RequestInProgress, StoreUnavailable
from models.sms import InboundText
from services.messages.opt_outs import OptOuts
from services.sms import sentences as say
from services.sms.bot import Bot
from services.sms.store import Conversations
from services.sms.talk import Talk
from services.texting.gsm7 import plain
from services.texting.twilio import Requests

STOP: Final = frozenset({"CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "STOP", "STOPALL", "UNSUBSCRIBE"})
START: Final = frozenset({"START", "UNSTOP"})
HELP: Final = frozenset({"HELP", "INFO"})
NOTHING: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
_E164: Final = re.compile(r"\+[1-9][0-9]{5,14}\Z")


class Inbound:
    """Answers the provider's requests. org_of: the org of the number that a text was sent to."""

    def __init__(
        self,
        bot: Bot,
        conversations: Conversations,
        stopped: OptOuts,
        org_of: Callable[[str], str | None],
        requests: Requests,
    ) -> None:
        self._bot = bot
        self._conversations = conversations
        self._stopped = stopped
        self._org_of = org_of
        self._requests = requests

    def receive(self, form: InboundText, signature: str) -> bytes:
        """The reply (TwiML) to a message, the same to each repeat.

        Raises Forbidden (not signed by the provider), NotFound (a number of no org); RequestInProgress and
        StoreUnavailable for the words to which the provider answers, because nobody reads an answer of ours.
        """
        self._requests.require_signed(form, signature)
        try:
            return self._answered(form)
        except (RequestInProgress, StoreUnavailable):
            if _word(form) in STOP | START:
                raise
            return reply(say.LATER)

    def _answered(self, form: InboundText) -> bytes:
        org = self._org_of(form.to)
        if org is None:
            raise NotFound
        if not form.sid or not _E164.match(
            form.sender
        ):  # a short code, or a sender that has a name: it reads no answer
            return NOTHING
        answer = self._conversations.answer(org, form.sender, form.sid, lambda talk: self._act(org, form, talk))
        return reply(answer)

    def _act(self, org: str, form: InboundText, talk: Talk) -> tuple[Talk, str]:
        phone, word = form.sender, _word(form)
        if word in STOP:
            self._stopped.add(org, phone)
            return self._bot.stop(org, phone, talk), ""
        if word in HELP:
            return talk, ""
        if self._stopped.includes(org, phone):
            if word not in START | {"YES"}:
                return talk, ""
            self._stopped.remove(org, phone)
            return talk, ""
        if word in START or not word:
            return talk, say.MENU if word else say.NO_WORDS
        return self._bot.answer(org, phone, talk, form.text)


def _word(form: InboundText) -> str:
    return form.text.strip().upper()


def reply(text: str) -> bytes:
    """The TwiML that sends a text, or nothing for an empty one."""
    if not text:
        return NOTHING
    said = escape(plain(text))
    return f'<?xml version="1.0" encoding="UTF-8"?><Response><Message>{said}</Message></Response>'.encode()
