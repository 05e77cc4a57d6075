"""Builds the text message bot over what every other client uses."""

from __future__ import annotations

from services.bookings.booking import Bookings
from services.bookings.changes import BookingLife
from services.holds.operations import Holds
from services.sms.around import Sources
from services.sms.bot import Bot
from services.sms.times import Acts
from services.wiring.parts import Parts
from services.wiring.visits import free_times


def bot(parts: Parts, holds: Holds, bookings: Bookings, life: BookingLife) -> Bot:
    sources = Sources(
        free_times(parts, life), parts.catalogue_desk, parts.service_desk, parts.customer_visits, parts.clock
    )
    return Bot(Acts(holds, bookings, life), sources)
