"""Builds the waitlist, the rounds of its offers, and the desks for customers and for what is held about a person."""

from __future__ import annotations

from services.customers.desk import CustomerDesk
from services.customers.personal_data import PersonalDataDesk
from services.messages.store import MessageStore
from services.outbox.shelf import OutboxShelf
from services.sms.store import Conversations
from services.waitlist.admission import Admission
from services.waitlist.entries import Waitlist
from services.waitlist.offers import Offering
from services.waitlist.rounds import Offers
from services.waitlist.rules import WaitRules
from services.wiring.parts import Parts


def waitlist(parts: Parts) -> Waitlist:
    candidates, catalogue = parts.candidates, parts.catalogue
    return Waitlist(
        entries=parts.waitlist_store,
        admission=Admission(parts.waitlist_store, parts.openings),
        ids=parts.waitlist_ids,
        rules=WaitRules(catalogue=catalogue, candidates=candidates, grid=parts.grid, clock=parts.clock),
        bookings=parts.store,
        claims=parts.claims,
        mirror=parts.mirror,
        catalogue=catalogue,
        candidates=candidates,
        grid=parts.grid,
        clock=parts.clock,
    )


def customers(parts: Parts) -> CustomerDesk:
    return CustomerDesk(
        store=parts.customers, visits=parts.customer_visits, catalogue=parts.catalogue, clock=parts.clock
    )


def personal_data(parts: Parts, entries: Waitlist, desk: CustomerDesk) -> PersonalDataDesk:
    return PersonalDataDesk(
        store=parts.store,
        mirror=parts.mirror,
        waitlist=entries,
        entries=parts.waitlist_store,
        customers=parts.customers,
        registry=parts.registry,
        conversations=Conversations(parts.db),
        messages=MessageStore(parts.db),
        outbox=OutboxShelf(parts.db),
        desk=desk,
        catalogue=parts.catalogue,
        clock=parts.clock,
    )


def offers(parts: Parts) -> Offers:
    offering = Offering(
        store=parts.waitlist_store,
        events=parts.offer_events,
        claims=parts.claims,
        placing=parts.placing,
        catalogue=parts.catalogue,
        hold_ids=parts.hold_ids,
        booked=parts.store.find_for_certain,
        metrics=parts.metrics,
        grid=parts.grid,
        clock=parts.clock,
        crash=parts.crash,
    )
    return Offers(
        store=parts.waitlist_store,
        events=parts.offer_events,
        leases=parts.leases,
        offering=offering,
        openings=parts.openings,
        mirror=parts.mirror,
        metrics=parts.metrics,
        grid=parts.grid,
        clock=parts.clock,
    )
