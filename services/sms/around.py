"""What a message is answered from: the places, services, visits and free times as this phone may see them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from models.access import Caller
from models.availability import AvailabilityQuery
from models.booking import Booking
from models.catalogue import Property
from models.errors import PropertyNotFound
from models.service import Service
from services.bookings.free_times import FreeTimes
from services.catalogue.editor import CatalogueDesk
from services.catalogue.service_desk import ServiceDesk
from services.clock import Clock
from services.ledger.customer_visits import CustomerVisits
from services.ledger.persons import phone_key
from services.timetable.grid import instant_of, zone_of

LOOK_DAYS = 14
"""How many days are looked through for a free time."""
MOST_OPTIONS = 3
MOST_SERVICES = 9
APART = timedelta(hours=1)
"""Offered times begin at least so far apart."""
MOST_VISITS = 50


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the bot reads."""

    free_times: FreeTimes
    catalogue: CatalogueDesk
    services: ServiceDesk
    visits: CustomerVisits
    clock: Clock


class Around:
    """The view of one caller and one phone. Everything may raise StoreUnavailable."""

    def __init__(self, sources: Sources, caller: Caller, phone: str) -> None:
        self._from = sources
        self._caller = caller
        self._phone = phone

    def site(self, property_id: str) -> Property:
        """Raises PropertyNotFound."""
        return self._from.catalogue.get_property(self._caller.org, property_id)

    def sites(self, text: str) -> list[Property]:
        """The properties that a text may name: the one with this id, else some of which each word begins a word. One
        too many are read, so that the caller sees where a word is not enough."""
        org = self._caller.org
        try:
            return [self._from.catalogue.get_property(org, text.lower())]
        except PropertyNotFound:
            return self._from.catalogue.list_properties(org, MOST_OPTIONS + 1, q=text, public=True)[0]

    def services(self) -> list[Service]:
        """The services that everybody may choose."""
        return self._from.services.page(self._caller.org, MOST_SERVICES, None, public=True)[0]

    def bookings(self) -> list[Booking]:
        """The latest bookings of this phone, the latest start first."""
        return self._from.visits.page(self._caller.org, [phone_key(self._phone)], MOST_VISITS, None)[0]

    def coming(self) -> list[Booking]:
        """The visits of this phone that lie ahead, by start."""
        now = self._from.clock()
        return sorted(
            (each for each in self.bookings() if each.active and each.start > now), key=lambda each: each.start
        )

    def now(self) -> datetime:
        """The present in UTC, without a zone."""
        return self._from.clock().replace(tzinfo=None)

    def now_at(self, site: Property) -> datetime:
        """The present by the clock of a property, without a zone."""
        return self.local(site, self._from.clock())

    def local(self, site: Property, moment: datetime) -> datetime:
        """A moment by the clock of a property, without a zone."""
        return moment.astimezone(zone_of(site.timezone)).replace(tzinfo=None)

    def moments(self, site: Property, wall: datetime) -> list[datetime]:
        """The moments of a local time: one, none where clocks skip it, two where it comes twice."""
        instants = sorted({instant_of(wall, site.timezone, last=last) for last in (False, True)})
        found = [datetime.fromtimestamp(each, UTC) for each in instants]
        return [each for each in found if self.local(site, each) == wall]

    def free(
        self,
        site: Property,
        service_id: str | None,
        moving: Booking | None,
        day: date | None,
        hours: tuple[time, time],
    ) -> list[datetime]:
        """Some free starts by the clock of a property, on one day or on the first that have some: each at a time in
        [first, last) of the hours, and apart from the others. moving: the booking that is to begin there. Its visit is
        in the way of none, its length counts, and its present start is left out."""
        query = AvailabilityQuery.model_validate(
            {
                "property_id": site.id,
                "service_id": service_id,
                "from": (day or self.now_at(site).date()).isoformat(),
                "days": 1 if day else LOOK_DAYS,
            }
        )
        caller = replace(self._caller, booking_id=moving.booking_id) if moving else self._caller
        found: list[datetime] = []
        for slot in self._from.free_times.slots(caller, query)["slots"]:
            start = self.local(site, slot["start"])
            is_own = moving is not None and slot["start"] == moving.start
            if slot["state"] != "free" or is_own or not hours[0] <= start.time() < hours[1]:
                continue
            if not found or start - found[-1] >= APART:
                found.append(start)
            if len(found) == MOST_OPTIONS:
                break
        return found
