"""What the scripts should do, written with plain dicts: slow, obvious, and without Redis."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.slot import Visit
from services.claims.keys import OrgKeys
from tests.claim_keys import claim_names
from tests.claims.board import BACKSTOP_MS, LIFETIME_MS, REMEMBERED_MS, TICK_MS, WINDOW_MS

LONGEST_MS = 3 * LIFETIME_MS


@dataclass
class Mark:
    state: str
    owner: str
    until: int


@dataclass
class Kept:
    """A hold's record. `until`: when Redis forgets it."""

    key: str
    visit: Visit
    created: int
    expires: int
    until: int
    status: str = "held"
    requested: int = 0
    replaced_by: str = ""

    def over(self, now: int) -> bool:
        return self.status == "released" or (self.status == "held" and self.expires <= now)


@dataclass
class Mirrored:
    """A booking's record. `until`: when Redis forgets it."""

    version: int
    claims: list[str]
    active: bool = False
    until: int = 0


@dataclass
class Ledger:
    """One org. Every method answers with the word that the script of its name should answer with."""

    names: OrgKeys
    now: int
    marks: dict[str, Mark] = field(default_factory=dict)
    holds: dict[str, Kept] = field(default_factory=dict)
    pins: dict[str, int] = field(default_factory=dict)
    mirrored: dict[str, Mirrored] = field(default_factory=dict)

    def pass_time(self, now: int) -> None:
        self.now = now
        self.marks = {key: mark for key, mark in self.marks.items() if mark.until > now}
        self.holds = {hold_id: kept for hold_id, kept in self.holds.items() if kept.until > now}
        self.mirrored = {booking_id: record for booking_id, record in self.mirrored.items() if record.until > now}

    def place(self, hold_id: str, key: str, visits: list[Visit]) -> tuple[str, int]:
        """The word, and for HELD the number of the candidate, from 1."""
        if hold_id in self.holds and not self.holds[hold_id].over(self.now):
            return "OWN", 0
        return self._grant(hold_id, key, visits, "")

    def replace(self, hold_id: str, old: str, key: str, visits: list[Visit]) -> tuple[str, int]:
        """As `place`, where the hold `old` is let go if the new one is granted."""
        if hold_id in self.holds and not self.holds[hold_id].over(self.now):
            return "OWN", 0
        kept = self.holds.get(old)
        if kept is None or kept.key != key:
            return "KEPT", 0
        if kept.status == "released" and self._is_wanted(kept.replaced_by, key, visits):
            return "OWN", 0
        if kept.status != "held" or kept.expires <= self.now:
            return "KEPT", 0
        return self._grant(hold_id, key, visits, old)

    def _is_wanted(self, hold_id: str, key: str, visits: list[Visit]) -> bool:
        """Whether a hold has one of the visits, and was asked for with the same start."""
        kept = self.holds.get(hold_id)
        if kept is None or kept.key != key or visits[0].start not in (kept.requested, kept.visit.start):
            return False
        mark = self.marks.get(self.claims(kept.visit)[0])
        return kept.visit in visits and mark is not None and mark.owner == hold_id and mark.state != "booked"

    def _grant(self, hold_id: str, key: str, visits: list[Visit], old: str) -> tuple[str, int]:
        for number, visit in enumerate(visits, 1):
            if not any(self.marks[claim].owner != old for claim in self.claims(visit) if claim in self.marks):
                if old:
                    self.holds[old].replaced_by = hold_id
                    self._end(old, self.holds[old], "released")
                expires = self.now + LIFETIME_MS
                requested = visits[0].start
                self.holds[hold_id] = Kept(key, visit, self.now, expires, expires + REMEMBERED_MS, requested=requested)
                self._mark(visit, "held", hold_id, expires)
                return "HELD", number
        return "TAKEN", 0

    def begin(self, hold_id: str, key: str) -> str:
        kept = self.holds.get(hold_id)
        if kept is None or kept.key != key:
            return "FOREIGN" if kept else "MISSING"
        if kept.status == "confirming":
            self._pin(hold_id)
            return "AGAIN"
        if kept.status != "held":
            return kept.status.upper()
        if kept.expires <= self.now:
            return "EXPIRED"
        for claim in self.claims(kept.visit):
            if claim not in self.marks:
                return "EXPIRED"
            if self.marks[claim].owner != hold_id:
                return "BLOCKED"
        self._mark(kept.visit, "confirming", hold_id, self.now + BACKSTOP_MS)
        kept.status, kept.until = "confirming", self.now + BACKSTOP_MS + REMEMBERED_MS
        self._pin(hold_id)
        return "BEGUN"

    def abort(self, hold_id: str, deadline: int, restore: bool) -> str:
        if self.pins.get(hold_id) != deadline:
            return "UNTOUCHED"
        del self.pins[hold_id]
        kept = self.holds.get(hold_id)
        if kept is None or kept.status != "confirming":
            return "UNTOUCHED"
        if restore and self._whole(hold_id, kept) and kept.expires > self.now:
            self._mark(kept.visit, "held", hold_id, kept.expires)
            kept.status, kept.until = "held", kept.expires + REMEMBERED_MS
            return "HELD"
        self._end(hold_id, kept, "held" if restore and kept.expires <= self.now else "released")
        return "RELEASED"

    def extend(self, hold_id: str, key: str, lifetime: int) -> str:
        kept = self.holds.get(hold_id)
        if kept is None or kept.key != key:
            return "FOREIGN" if kept else "MISSING"
        if kept.status != "held":
            return kept.status.upper()
        if not self._whole(hold_id, kept):
            return "EXPIRED"
        expires = self.now + lifetime
        if expires > kept.created + LONGEST_MS:
            return "LIMIT"
        if expires > kept.expires:
            kept.expires, kept.until = expires, expires + REMEMBERED_MS
            self._mark(kept.visit, "held", hold_id, expires)
        return "EXTENDED"

    def release(self, hold_id: str, key: str, staff: bool) -> str:
        kept = self.holds.get(hold_id)
        if kept is None:
            return "MISSING"
        if kept.key != key and not staff:
            return "FOREIGN"
        if kept.status in ("confirming", "booked"):
            return kept.status.upper()
        if not kept.over(self.now):
            self._end(hold_id, kept, "released")
        return "RELEASED"

    def mirror(self, booking_id: str, version: int, visit: Visit, active: bool, hold_id: str) -> str:
        known = self.mirrored.get(booking_id, Mirrored(0, []))
        over = (visit.end + visit.after) * TICK_MS
        ends = max(over, self.now) if active else self.now
        active = active and over > self.now
        if known.version > version or (known.version == version and not (active and known.active)):
            self._finish(hold_id)
            return "SAME"
        claims = self.claims(visit) if active else []
        there = (self.marks[claim] for claim in claims if claim in self.marks)
        if any(mark.state == "booked" and mark.owner != booking_id for mark in there):
            return "CLASH"
        whole = all(claim in self.marks and self.marks[claim].state == "booked" for claim in claims)
        if known.version == version and whole:
            self._finish(hold_id)
            return "SAME"
        self._drop(known.claims, booking_id)
        for claim in claims:
            self.marks[claim] = Mark("booked", booking_id, over)
        self.mirrored[booking_id] = Mirrored(version, claims, active, ends + REMEMBERED_MS)
        self._finish(hold_id)
        return "MIRRORED"

    def overdue(self) -> list[str]:
        due = [(deadline, hold_id) for hold_id, deadline in self.pins.items() if deadline <= self.now]
        return [hold_id for _, hold_id in sorted(due)]

    def claims(self, visit: Visit) -> list[str]:
        return claim_names(self.names, visit)

    def shown(self) -> dict[str, str]:
        """The owner of each claim, as `state owner`."""
        return {claim: f"{mark.state} {mark.owner}" for claim, mark in self.marks.items()}

    def _whole(self, hold_id: str, kept: Kept) -> bool:
        return all(claim in self.marks and self.marks[claim].owner == hold_id for claim in self.claims(kept.visit))

    def _mark(self, visit: Visit, state: str, owner: str, until: int) -> None:
        for claim in self.claims(visit):
            self.marks[claim] = Mark(state, owner, until)

    def _pin(self, hold_id: str) -> None:
        self.pins[hold_id] = max(self.now + WINDOW_MS, self.pins.get(hold_id, 0) + 1)

    def _drop(self, claims: list[str], owner: str) -> None:
        for claim in claims:
            if claim in self.marks and self.marks[claim].owner == owner:
                del self.marks[claim]

    def _end(self, hold_id: str, kept: Kept, status: str) -> None:
        self._drop(self.claims(kept.visit), hold_id)
        kept.status, kept.until = status, self.now + REMEMBERED_MS
        self.pins.pop(hold_id, None)

    def _finish(self, hold_id: str) -> None:
        self.pins.pop(hold_id, None)
        kept = self.holds.get(hold_id)
        if kept and kept.status != "booked":
            self._end(hold_id, kept, "booked")
