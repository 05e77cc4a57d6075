"""What must be true after every fault (docs/rules.md), read from both stores themselves."""

from __future__ import annotations

from collections import Counter
from typing import Any

from models.slot import Visit
from scripts.dev_server.child import wait_until
from tests.system.drills.customers import Customers, Deed
from tests.system.drills.installation import SOON, Answer, Installation

ALLOWED = {200, 201, 204, 409, 410, 412, 422, 429, 503}


def check_rules(customers: Customers) -> None:
    """Settles what is due, then checks every rule; the customers' wishes are all that was ever booked there."""
    place = customers.place
    assert _is_settled(place) or wait_until(lambda: _settles(place), seconds=SOON, every=0.1), (
        marked(place),
        claimed(place),
    )
    bookings = place.world.bookings()
    assert place.world.double_booked() == []
    for booking in bookings:
        assert booking["claims"] == _claims_of(place, booking), booking
    check_deeds(customers.deeds, bookings)
    check_answers([answer for deed in customers.deeds for answer in deed.answers])


def check_deeds(deeds: list[Deed], bookings: list[dict[str, Any]]) -> None:
    """What was acknowledged is there, once and as one booking; what was refused is not; nothing else is."""
    names = Counter(booking["customer"]["name"] for booking in bookings)
    active = {booking["customer"]["name"] for booking in bookings if booking["active"]}
    assert set(names) <= {deed.name for deed in deeds}
    for deed in deeds:
        allowed = {"ok": {1}, "refused": {0}, "unknown": {0, 1}}[deed.outcome]
        assert names[deed.name] in allowed, deed
        assert len({answer.body["booking_id"] for answer in deed.answers if answer.is_ok}) <= 1, deed
        if deed.outcome == "ok" and not deed.cancel_asked:
            assert deed.name in active, deed
        if deed.cancelled:
            assert deed.name not in active, deed


def check_answers(answers: list[Answer]) -> None:
    """Only such answers as faults may lead to; 0 is a connection that broke."""
    assert {answer.status for answer in answers} <= ALLOWED | {0}, Counter(answer.told for answer in answers)


def check_every_free_slot_can_be_held(customers: Customers, slots: list[dict[str, Any]]) -> None:
    """Once holds have lapsed and pins are resolved: a slot that MongoDB has no booking on is granted."""
    booked = {booking["start"].isoformat() for booking in customers.place.world.bookings(active=True)}
    for slot in slots:
        free = slot["start"].replace("Z", "+00:00") not in booked
        told: list[Answer] = []

        def is_as_it_should(slot: dict[str, Any] = slot, free: bool = free, told: list[Answer] = told) -> bool:
            told.append(customers.hold(slot))
            return told[-1].status == 201 if free else told[-1].told == (409, "slot_booked")

        assert wait_until(is_as_it_should, seconds=SOON, every=0.1), (free, told[-1])
        if free:
            assert customers.ask("DELETE", f"/hold/{told[-1].body['hold_id']}").status == 204


def marked(place: Installation) -> set[str]:
    """The claims that Redis has as booked."""
    return {claim for claim, mark in place.world.marks().items() if mark.startswith("booked|")}


def claimed(place: Installation) -> set[str]:
    """The claims of active bookings in MongoDB."""
    return {
        f"{claim['resource']}:{claim['tick']}"
        for booking in place.world.bookings(active=True)
        for claim in booking["claims"]
    }


def _settles(place: Installation) -> bool:
    place.settle()
    return _is_settled(place)


def _is_settled(place: Installation) -> bool:
    return marked(place) == claimed(place) and place.pins() == []


def _claims_of(place: Installation, booking: dict[str, Any]) -> list[dict[str, Any]]:
    """All the claims that a booking must have, by its times."""
    grid = place.world.services.grid
    before, after = (grid.ticks(booking[f"buffer_{side}_minutes"]) for side in ("before", "after"))
    start, end = grid.tick(booking["start"]), grid.tick(booking["end"])
    visit = Visit(booking["property_id"], booking["technician_id"], start, end, before, after)
    return [{"resource": resource, "tick": tick} for resource, tick in visit.claims()]
