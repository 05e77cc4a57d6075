"""What must be true after every step."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

from models.availability import AvailabilityQuery
from models.slot import Visit
from services.ledger.documents import as_of, booking_of
from tests.claim_keys import in_words
from tests.protocol.life_asking import Asking, alike, timeless
from tests.protocol.life_ledger import LEAD_MINUTES, LONGEST_TICKS
from tests.protocol.life_patches import visit_of

PLACES = ("prop-1", "prop-2", "prop-3")
TEAMS = (("tech-1",), ("tech-2",), ("tech-1", "tech-2"), ("tech-2", "tech-1"))


class Checked(Asking):
    """Reads both stores and compares them with the ledger."""

    def check(self) -> None:
        self.set_the_time()
        assert not self.world.double_booked()
        self.bookings_are_those_of_the_ledger()
        self.marks_are_those_of_the_ledger()
        self.pins_are_those_of_dead_workers()
        self.offered_slots_can_be_held()
        assert self.documents(self.world.other_org) == self.rivals[1]

    def bookings_are_those_of_the_ledger(self) -> None:
        shown = {}
        for document in self.documents(self.world.org):
            booking = booking_of(document)
            history = [(entry["action"], entry["by"]) for entry in booking.history]
            details = {"description": booking.description, "priority": booking.priority}
            shown[booking.booking_id] = (booking.status, set(booking.claims), booking.version, history, details)
            self._is_whole(booking)
        expected = {
            each.booking_id: (each.status, set(each.visit.claims()), each.version, each.history, each.details)
            for each in self.stores.documents.values()
        }
        assert shown == expected, [(shown.get(each), expected.get(each)) for each in shown | expected]

    def marks_are_those_of_the_ledger(self) -> None:
        claims = [
            (resource, tick)
            for resource in (*(f"property:{name}" for name in PLACES), "technician:tech-1", "technician:tech-2")
            for tick in range(self.base - 2, self.base + 12)
        ]
        values = self.redis.mget([self.claim_key(*claim) for claim in claims])
        found = {claim: in_words(value).split("|") for claim, value in zip(claims, values, strict=True) if value}
        shown = {claim: (mark[0], alike(mark[1]), mark[2:] == ["pending"]) for claim, mark in found.items()}
        marks = self.stores.marks.items()
        expected = {claim: (mark.state, alike(mark.owner), mark.pending) for claim, mark in marks}
        assert shown == expected, sorted(shown.items() ^ expected.items())
        if self.stores.warm and not self.stores.pins():
            self._are_bookings_and_live_holds(shown)

    def pins_are_those_of_dead_workers(self) -> None:
        pins = self.redis.zrange(self.world.names.pins, 0, -1)
        shown, expected = {alike(pin) for pin in pins}, {alike(record.name) for record in self.stores.pins()}
        assert shown == expected, (shown - expected, expected - shown)

    def offered_slots_can_be_held(self) -> None:
        self.looks += 1
        for look in (self.looks, 7 * self.looks):
            team = TEAMS[look // 3 % len(TEAMS)]
            start, length = self.base + look // 4 % 5, 1 + look % LONGEST_TICKS
            visit = visit_of(PLACES[look % 3], team, start, length, 0, look % 2)
            assert self._is_offered(visit) == self._can_be_held(visit), visit

    def _is_whole(self, booking: Any) -> None:
        """Its claims follow from its times, and its history leads from the first answer to its present state."""
        grid = self.services.grid
        before, after = (grid.ticks(getattr(booking, f"buffer_{side}_minutes")) for side in ("before", "after"))
        span = grid.tick(booking.start), grid.tick(booking.end)
        assert span[1] - span[0] == grid.ticks(booking.duration_minutes)
        team, length = tuple(booking.technician_ids), span[1] - span[0]
        assert team[0] == booking.technician_id
        visit = visit_of(booking.property_id, team, span[0], length, before, after)
        assert set(booking.claims) == set(visit.claims())
        assert len(booking.claims) == len(set(booking.claims))
        known = self.first.setdefault(booking.booking_id, booking)
        assert timeless(as_of(booking, 1)) == timeless(known)
        assert len(booking.history) == booking.version
        changes: dict[str, list[tuple[Any, Any]]] = {}
        for entry in booking.history:
            for name, values in named_in_full(entry["changes"]).items():
                changes.setdefault(name, []).append((values["from"], values["to"]))
        for name, values in changes.items():
            assert all(earlier[1] == later[0] for earlier, later in pairwise(values)), name
            assert (values[0][0], values[-1][1]) == (getattr(known, name), getattr(booking, name)), name

    def _are_bookings_and_live_holds(self, shown: dict[Any, tuple[str, str, bool]]) -> None:
        """Without unfinished work of a dead worker, the marks are exactly the active bookings and the live holds."""
        documents = self.stores.documents.values()
        known = self.stores.mirrored
        if any(each.booking_id not in known or known[each.booking_id].version < each.version for each in documents):
            return
        due = {each.booking_id for each in documents if self.stores.overdue(each)}
        booked = {(claim, each.booking_id) for each in documents if each.active for claim in each.visit.claims()}
        held = {
            (claim, record.name)
            for record in self.stores.records.values()
            if record.status == "held" and not record.lapsed
            for claim in record.visit.claims()
        }
        marks = {(claim, owner) for claim, (_, owner, _) in shown.items()}
        assert {pair for pair in marks if pair[1] not in due} == {pair for pair in booked | held if pair[1] not in due}

    def _is_offered(self, visit: Visit) -> bool:
        grid, start = self.services.grid, self.services.grid.moment(visit.start)
        query = {
            "property_id": visit.property_id,
            "technician_ids": list(visit.technician_ids),
            "from": str(start.date()),
            "duration_minutes": grid.minutes_of(visit.end - visit.start),
            "buffer_after_minutes": grid.minutes_of(visit.after),
        }
        days = self.services.free_times.slots(self.world.caller("desk"), AvailabilityQuery.model_validate(query))
        (slot,) = [slot for slot in days["slots"] if slot["start"] == start]
        return bool(slot["state"] == "free")

    def _can_be_held(self, visit: Visit) -> bool:
        stores, wanted = self.stores, set(visit.claims())
        if stores.moment_of(visit.start) < stores.now + timedelta(minutes=LEAD_MINUTES) or stores.in_the_way(visit):
            return False
        firm = (each for each in stores.documents.values() if each.active and not stores.overdue(each))
        return stores.warm or not any(wanted & set(each.visit.claims()) for each in firm)


def named_in_full(changes: dict[str, Any]) -> dict[str, Any]:
    """The changes of an entry, with the crew where the history names one technician in place of another."""
    one = changes.get("technician_id")
    if one is None or "technician_ids" in changes:
        return changes
    return {**changes, "technician_ids": {"from": [one["from"]], "to": [one["to"]]}}
