"""Builds the text message bot over what every other client uses."""

from __future__ import annotations

from services.catalogue.documents import org_of_number
from services.messages.opt_outs import OptOuts
from services.sms.around import Sources
from services.sms.bot import Bot
from services.sms.inbound import Inbound
from services.sms.store import Conversations
from services.sms.times import Acts
from services.wiring.messages import provider_requests
from services.wiring.parts import Parts
from services.wiring.visits import free_times

INBOUND_PATH = "/sms/inbound"


class Texts:
    """The parts that answer text messages, each built once."""

    def __init__(self, parts: Parts, acts: Acts, opt_outs: OptOuts) -> None:
        sources = Sources(
            free_times(parts, acts.life), parts.catalogue_desk, parts.service_desk, parts.customer_visits, parts.clock
        )
        self.bot, self.conversations = Bot(acts, sources), Conversations(parts.db)
        self.inbound = Inbound(
            self.bot,
            self.conversations,
            opt_outs,
            lambda number: org_of_number(parts.db, number),
            provider_requests(parts.settings, INBOUND_PATH),
        )
