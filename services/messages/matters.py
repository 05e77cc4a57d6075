"""Reads what a message may name: the property, the service, the policy, and the language to write in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from models.booking import Booking
from models.catalogue import Policy, Property
from models.errors import PropertyNotFound
from models.messages import MessageKind
from models.service import Service
from models.waitlist import WaitEntry
from services.catalogue.reads import Site
from services.messages.languages import LANGUAGES, Language, language
from services.messages.letters import Matter


class Matters:
    """Reads as it is now. Everything may raise StoreUnavailable.

    policy, services: of an org. site: of an org and a property's id, or PropertyNotFound.
    """

    def __init__(
        self,
        policy: Callable[[str], Policy],
        site: Callable[[str, str], Site],
        services: Callable[[str], dict[str, Service]],
    ) -> None:
        self.policy = policy
        self._site_of = site
        self._services = services

    def remembering(self) -> Matters:
        """The same, which reads each thing once: for a list."""
        return Matters(cache(self.policy), cache(self._site_of), cache(self._services))

    def of_booking(
        self,
        booking: Booking,
        kind: MessageKind,
        *,
        before: datetime | None = None,
        until: datetime | None = None,
        more: int = 0,
    ) -> Matter:
        """What a message about a booking may name. For the rest see Matter."""
        policy = self.policy(booking.org)
        return Matter(
            org=booking.org,
            kind=kind,
            customer=booking.customer,
            site=self._site(booking.org, booking.property_id),
            start=booking.start,
            service=self._service(booking.org, booking.service_id),
            policy=policy,
            language=_language_of(booking.customer, policy),
            booking=booking,
            before=before,
            until=until,
            more=more,
        )

    def of_offer(self, entry: WaitEntry, start: datetime, until: datetime) -> Matter:
        """What a message about an offer may name."""
        policy = self.policy(entry.org)
        return Matter(
            org=entry.org,
            kind="waitlist_offer",
            customer=entry.customer,
            site=self._site(entry.org, entry.property_id),
            start=start,
            service=self._service(entry.org, entry.service_id),
            policy=policy,
            language=_language_of(entry.customer, policy),
            until=until,
        )

    def _site(self, org: str, property_id: str) -> Property:
        try:
            return self._site_of(org, property_id).property
        except PropertyNotFound:
            return Property(id=property_id, name=property_id)

    def _service(self, org: str, service_id: str | None) -> str | None:
        found = self._services(org).get(service_id) if service_id else None
        return found.name if found else None


def spoken(code: str | None) -> dict[str, Any]:
    """The language of a matter, where another one than the customer's is asked for."""
    return {"language": language(code)} if code else {}


def _language_of(customer: dict[str, Any], policy: Policy) -> Language:
    """The customer's language, where we have texts in it, else the org's."""
    wanted = customer.get("language")
    return language(wanted if wanted in LANGUAGES else policy.language)
