"""Builds the text message bot over what every other client uses."""

from __future__ import annotations

from services.bookings.booking import Bookings
from services.bookings.changes import BookingLife
from services.catalogue.documents import org_of_number
from services.holds.operations import Holds
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


def bot(parts: Parts, holds: Holds, bookings: Bookings, life: BookingLife) -> Bot:
    sources = Sources(
        free_times(parts, life), parts.catalogue_desk, parts.service_desk, parts.customer_visits, parts.clock
    )
    return Bot(Acts(holds, bookings, life), sources)


def inbound(parts: Parts, made: Bot, conversations: Conversations, opt_outs: OptOuts) -> Inbound:
    requests = provider_requests(parts.settings, INBOUND_PATH)
    return Inbound(made, conversations, opt_outs, lambda number: org_of_number(parts.db, number), requests)
