"""What must be true after every fault (docs/rules.md), read from both stores."""

from __future__ import annotations

from collections import Counter
from typing import Any

from models.slot import Visit
from scripts.dev_server.child import wait_until
from tests.system.drills.customers import Customers, Deed, served
from tests.system.drills.installation import SOON, Answer, Installation

ALLOWED = {200, 201, 204, 409, 410, 412, 422, 429, 503}


def check_rules(customers: Customers) -> None:
    """Finish what is due, then check every rule. Only these customers may have booked in the installation."""
    installation = customers.installation
    assert _is_settled(installation) or wait_until(lambda: _settles(installation), seconds=SOON, every=0.1), (
        marked(installation),
        claimed(installation),
    )
    bookings = installation.world.bookings()
    assert installation.world.double_booked() == []
    for booking in bookings:
        assert booking["claims"] == _claims_of(installation, booking), booking
    check_deeds(customers.deeds, bookings)
    check_answers([answer for deed in customers.deeds for answer in deed.answers])


def check_deeds(deeds: list[Deed], bookings: list[dict[str, Any]]) -> None:
    """Each acknowledged deed is exactly one booking, each refused deed is none, and there are no others."""
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
    """Every answer has a status that a fault may lead to. 0: the connection broke."""
    assert {answer.status for answer in answers} <= ALLOWED | {0}, Counter(answer.status_and_code for answer in answers)


def check_every_free_slot_can_be_held(customers: Customers, slots: list[dict[str, Any]]) -> None:
    """A hold is granted on each slot without a booking in MongoDB, once holds have lapsed and pins are resolved."""
    booked = {booking["start"].isoformat() for booking in customers.installation.world.bookings(active=True)}
    for slot in slots:
        free = slot["start"].replace("Z", "+00:00") not in booked
        answers: list[Answer] = []

        def is_as_expected(slot: dict[str, Any] = slot, free: bool = free, answers: list[Answer] = answers) -> bool:
            answers.append(customers.hold(slot))
            return answers[-1].status == 201 if free else answers[-1].status_and_code == (409, "slot_booked")

        assert wait_until(is_as_expected, seconds=SOON, every=0.1), (free, answers[-1])
        if free:
            path = f"/hold/{answers[-1].body['hold_id']}"
            assert served(lambda path=path: customers.ask("DELETE", path)).status == 204  # type: ignore[misc]


def marked(installation: Installation) -> set[str]:
    """The claims that Redis shows as booked."""
    return {claim for claim, mark in installation.world.marks().items() if mark.startswith("booked|")}


def claimed(installation: Installation) -> set[str]:
    """The claims of active bookings in MongoDB."""
    return {
        f"{claim['resource']}:{claim['tick']}"
        for booking in installation.world.bookings(active=True)
        for claim in booking["claims"]
    }


def _settles(installation: Installation) -> bool:
    installation.settle()
    return _is_settled(installation)


def _is_settled(installation: Installation) -> bool:
    return marked(installation) == claimed(installation) and installation.pins() == []


def _claims_of(installation: Installation, booking: dict[str, Any]) -> list[dict[str, Any]]:
    """All the claims that a booking must have, by its times."""
    grid = installation.world.services.grid
    before, after = (grid.ticks(booking[f"buffer_{side}_minutes"]) for side in ("before", "after"))
    start, end = grid.tick(booking["start"]), grid.tick(booking["end"])
    visit = Visit(booking["property_id"], booking["technician_id"], start, end, before, after)
    return [{"resource": resource, "tick": tick} for resource, tick in visit.claims()]
