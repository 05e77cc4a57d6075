"""The expected life of visits in plain dicts: what MongoDB has, what Redis shows, and which requests are refused.

Each method does what the service of its name should do, raises what it should raise, and dies where it should die.
It shares no code with the services but the shape of a visit. The words of Redis are those of docs/protocol.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from models.errors import InvalidRequest, Refusal, RequestInProgress, SlotBooked, SlotHeld, TooSoon
from models.slot import Claim, Visit

LEAD_MINUTES = 60
LONGEST_TICKS = 3
ACTIVE = ("pending", "confirmed")


@dataclass(frozen=True)
class Mark:
    state: str
    owner: str
    pending: bool = False


@dataclass
class Document:
    """A booking in MongoDB. reserved: made as a reservation. lapsed: its deadline is over by the clocks of both stores.

    changed: the fields that its last move or edit changed.
    """

    booking_id: str
    status: str
    visit: Visit
    details: dict[str, Any]
    made_as: str
    made_by: str
    reserved: bool = False
    lapsed: bool = False
    version: int = 1
    history: list[tuple[str, str]] = field(default_factory=list)
    changed: frozenset[str] = frozenset()

    @property
    def active(self) -> bool:
        return self.status in ACTIVE


@dataclass
class Record:
    """The record of a hold or a pin in Redis. moves: the version that it moves; old: its worker is surely dead.

    due: the deadline of its outcome is over, so that the relay may resolve it.
    """

    name: str
    key: str
    visit: Visit
    status: str
    booking_id: str = ""
    direct: bool = False
    moves: int = 0
    old: bool = False
    due: bool = False
    idempotency: str = ""
    lapsed: bool = False


@dataclass
class Mirrored:
    version: int = 0
    claims: tuple[Claim, ...] = ()
    active: bool = False


@dataclass
class Stores:
    """What both stores have, and what every operation does to them."""

    now: datetime
    moment_of: Callable[[int], datetime]
    crash: Callable[[str], None]
    documents: dict[str, Document] = field(default_factory=dict)
    marks: dict[Claim, Mark] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    mirrored: dict[str, Mirrored] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """The record that each idempotency key belongs to."""
    unread: list[str] = field(default_factory=list)
    """Bookings in MongoDB's log that the relay has not read yet."""
    warm: bool = True

    def lose_redis(self) -> None:
        self.marks, self.records, self.mirrored, self.keys, self.warm = {}, {}, {}, {}, False

    def pins(self) -> list[Record]:
        return [record for record in self.records.values() if record.status == "confirming"]

    # MongoDB

    def overdue(self, document: Document) -> bool:
        """The clocks of the stores decide, which go on in real time: only a rule lets a deadline pass."""
        return document.status == "pending" and document.lapsed

    def insert(self, document: Document) -> None:
        self.documents[document.booking_id] = document
        self.unread.append(document.booking_id)

    def update(self, document: Document, action: str, by: str, **changed: Any) -> Document:
        after = replace(document, version=document.version + 1, history=[*document.history, (action, by)], **changed)
        self.insert(after)
        return after

    def current(self, booking_id: str) -> Document:
        document = self.documents[booking_id]
        if not self.overdue(document):
            return document
        expired = self.update(document, "expire", "system", status="expired")
        self.settle(expired)
        return expired

    def blockers(self, visit: Visit, besides: str | None = None) -> list[Document]:
        """The other active bookings in the way of a visit. Mirrors them, and expires overdue reservations."""
        wanted, found = set(visit.claims()), []
        for document in list(self.documents.values()):
            if document.active and not wanted.isdisjoint(document.visit.claims()):
                now = self.current(document.booking_id)
                if now.active and now.booking_id != besides:
                    self.settle(now)
                    found.append(now)
        return found

    def is_taken(self, visit: Visit, besides: str) -> bool:
        others = (each for each in self.documents.values() if each.active and each.booking_id != besides)
        return any(not set(visit.claims()).isdisjoint(other.visit.claims()) for other in others)

    # Redis

    def in_the_way(self, visit: Visit, booking_id: str = "") -> dict[Claim, Mark]:
        there = ((claim, self.marks[claim]) for claim in visit.claims() if claim in self.marks)
        return {claim: mark for claim, mark in there if (mark.state, mark.owner) != ("booked", booking_id)}

    def mark(self, claims: Iterable[Claim], mark: Mark) -> None:
        for claim in claims:
            self.marks[claim] = mark

    def drop(self, owner: str) -> None:
        self.marks = {claim: mark for claim, mark in self.marks.items() if mark.owner != owner}

    def end(self, record: Record, status: str) -> None:
        self.drop(record.name)
        record.status = status

    def abort(self, record: Record, *, restore: bool) -> None:
        """Release a pin. With `restore` its hold is held again, where that is still possible."""
        if record.status != "confirming":
            return
        self.keys.pop(record.idempotency, None)
        whole = all(self.marks.get(claim, Mark("", "")).owner == record.name for claim in record.visit.claims())
        if restore and whole and not record.direct:
            self.mark(record.visit.claims(), Mark("held", record.name))
            record.status = "held"
        else:
            self.end(record, "released")

    def settle(self, document: Document) -> None:
        """Mirror a booking. On a clash mirror both bookings as MongoDB has them, the inactive one first."""
        clash = self._mirror(document)
        while clash:
            both = [self.documents[document.booking_id], self.documents[clash]]
            clashes = [self._mirror(each) for each in sorted(both, key=lambda each: each.active)]
            clash = next(filter(None, clashes), None)

    def _mirror(self, document: Document) -> str | None:
        known = self.mirrored.get(document.booking_id, Mirrored())
        shown = document.active and not (document.status == "pending" and document.lapsed)
        claims = tuple(document.visit.claims()) if shown else ()
        older = known.version > document.version
        if not older and not (known.version == document.version and not (shown and known.active)):
            marks = [self.marks.get(claim, Mark("", "")) for claim in claims]
            others = [mark.owner for mark in marks if mark.state == "booked" and mark.owner != document.booking_id]
            if others:
                return others[0]
            if known.version < document.version or any(mark.state != "booked" for mark in marks):
                for claim in known.claims:
                    if claim in self.marks and self.marks[claim].owner == document.booking_id:
                        del self.marks[claim]
                self.mark(claims, Mark("booked", document.booking_id, pending=document.status == "pending"))
                self.mirrored[document.booking_id] = Mirrored(document.version, claims, shown)
        record = self.records.get(document.made_as)
        if record and record.status != "booked":
            self.end(record, "booked")
        return None

    # Requests for a slot

    def require_allowed(self, visit: Visit, *, standing: bool) -> None:
        start = self.moment_of(visit.start)
        if visit.end - visit.start > LONGEST_TICKS or (start < self.now and not standing):
            raise InvalidRequest
        if start < self.now + timedelta(minutes=LEAD_MINUTES) and not standing:
            raise TooSoon

    def claim(
        self,
        record: Record,
        state: str,
        *,
        standing: bool = False,
        moved: Document | None = None,
        exact: bool = False,
    ) -> Record | None:
        """Mark a visit for a record. Gives the earlier record of this name, if there is one. Raises the refusal."""
        own = moved.booking_id if moved else ""
        while True:
            if not exact:
                self.require_allowed(record.visit, standing=standing)
            known = self.records.get(record.name)
            if known and known.status in ("confirming", "booked", "held"):
                return known
            obstacles = self.in_the_way(record.visit, own)
            if obstacles:
                if not self._made_way(obstacles) and not (moved and self._freed_own_pins(moved, obstacles)):
                    raise refusal(obstacles)
                continue
            for claim in record.visit.claims():
                self.marks.setdefault(claim, Mark(state, record.name))
            if self.warm or state != "held" or not self.blockers(record.visit):
                self.records[record.name] = record
                if record.idempotency:
                    self.keys[record.idempotency] = record.name
                return None
            self.drop(record.name)

    def _made_way(self, obstacles: dict[Claim, Mark]) -> bool:
        for booking_id in sorted({mark.owner for mark in obstacles.values() if mark.pending}):
            before = self.documents[booking_id]
            if not self.current(booking_id).active:
                self.settle(before if not before.active else self.documents[booking_id])
                return True
        return False

    def _freed_own_pins(self, moved: Document, obstacles: dict[Claim, Mark]) -> bool:
        owners = {mark.owner for mark in obstacles.values()}
        changing = {
            record.name
            for record in self.pins()
            if record.booking_id == moved.booking_id and record.moves == moved.version
        }
        if owners <= changing:
            raise RequestInProgress(retry_after_seconds=2)
        known = self.mirrored.get(moved.booking_id, Mirrored())
        freed = moved.made_as in owners and known.version < moved.version
        earlier = [
            record
            for record in self.pins()
            if record.name in owners and record.booking_id == moved.booking_id and 0 < record.moves < moved.version
        ]
        if freed or earlier:
            self.settle(moved)
        for record in earlier:
            self.abort(record, restore=False)
        return freed or bool(earlier)


def refusal(obstacles: dict[Claim, Mark]) -> Refusal:
    return SlotBooked() if any(mark.state == "booked" for mark in obstacles.values()) else SlotHeld()
