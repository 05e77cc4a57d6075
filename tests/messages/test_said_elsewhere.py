"""What a customer heard in our own conversation, or with another visit of a series, is not said again; all else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.access import CONVERSATION_KEY, Caller, Role
from models.booking import Booking
from models.booking_changes import BookingPatch
from services.outbox.entries import Delivered, Suppressed
from tests.messages.sending import ALICE, Office, entry_of
from tests.series.making import make
from tests.world import World, rfc3339, tomorrow

TOMORROW = f"{tomorrow():%A} {tomorrow().day} {tomorrow():%B}"


@pytest.fixture
def office(world: World, tmp_path: Path) -> Office:
    return Office(world, tmp_path)


def conversation(office: Office) -> Caller:
    return Caller(office.world.org, Role.BOT, CONVERSATION_KEY)


def booked_in_it(office: Office) -> Booking:
    request = office.world.direct_request(start=rfc3339(tomorrow(10)), customer=ALICE)
    return office.plan(office.world.services.bookings.book(conversation(office), request).booking)


def moved_in_it(office: Office, booking: Booking, hour: int) -> Booking:
    patch = BookingPatch.model_validate({"start": rfc3339(tomorrow(hour))})
    life = office.world.services.booking_life
    return office.plan(life.reschedule(conversation(office), booking.booking_id, patch, None))


def test_our_own_conversation_is_not_answered_by_another_text(office: Office) -> None:
    booked_in_it(office)
    assert office.send("confirmation") == Suppressed({"reason": "said_in_the_conversation"})
    assert isinstance(office.send("confirmation", channel="email"), Delivered)


def test_a_visit_that_the_office_cancels_right_after_the_conversation_is_told_by_text(office: Office) -> None:
    office.act(booked_in_it(office), "cancel")
    assert isinstance(office.send("cancelled"), Delivered)
    assert office.send("cancelled", channel="email") == Suppressed({"reason": "nothing_new"})


def test_a_visit_that_the_office_moves_back_after_the_conversation_is_told(office: Office) -> None:
    booking = office.aged(office.book(), 7200)
    office.send("confirmation")
    office.move(office.aged(moved_in_it(office, booking, 15), 3600), start=rfc3339(tomorrow(10)))
    assert isinstance(office.send("moved", 3), Delivered)
    assert office.texts()[-1] == f"Your visit on {TOMORROW} at 15:00 has moved to {TOMORROW} at 10:00, House 1."


def test_the_rest_of_a_series_is_confirmed_where_its_first_visit_was_cancelled_at_once(office: Office) -> None:
    world = office.world
    first, *others = make(world.services, world.caller("desk"), customer=ALICE).bookings
    world.services.booking_life.act(world.caller("desk"), first.booking_id, "cancel")
    for booking in others:
        office.plan(booking)
    outcomes = [
        office.courier().send(entry_of(each, office.now))
        for each in office.planned.values()
        if (each.kind, each.channel) == ("confirmation", "sms")
    ]
    assert sum(isinstance(each, Delivered) for each in outcomes) == 1
    assert office.texts()[0].endswith("Further visits in the series: 2.")
