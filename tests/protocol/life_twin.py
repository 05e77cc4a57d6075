"""The twin of each service: what requests and the relay do to the ledger, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.errors import (
    Forbidden,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    InvalidTransition,
    RequestInProgress,
    SlotBooked,
    TooEarly,
    TooLate,
    VersionConflict,
)
from models.slot import Visit
from tests.protocol.life_ledger import ACTIVE, Document, Record, Stores
from tests.protocol.life_patches import changed_fields, changed_visit, only

FOLLOWS = {
    "confirm": (("pending",), "confirmed"),
    "cancel": (("pending", "confirmed"), "cancelled"),
    "complete": (("confirmed",), "completed"),
    "no_show": (("confirmed",), "no_show"),
    "restore": (("cancelled", "completed", "no_show"), "confirmed"),
}


class Twin:
    """Callers are names; no time limit binds those in `staff`. Answers are the ids of bookings."""

    def __init__(self, stores: Stores, staff: frozenset[str]) -> None:
        self.stores = stores
        self.staff = staff

    # Holds

    def hold(self, by: str, hold_id: str, key: str, visit: Visit) -> str:
        known = self.stores.keys.get(key)
        if known:
            return known
        self.stores.claim(Record(hold_id, by, visit, "held", idempotency=key), "held")
        self.stores.records[hold_id].idempotency = ""  # an abort of its confirmation keeps the hold's own key
        self.stores.crash("after_place")
        return hold_id

    def extend(self, by: str, hold_id: str, owner: str) -> None:
        record = self._own(by, hold_id, owner)
        if record is None or (record.status == "held" and not self._whole(record)):
            raise HoldExpired
        self._require_not_booked(record)
        if record.status == "released":
            raise HoldReleased

    def release(self, by: str, hold_id: str, owner: str) -> None:
        if hold_id not in self.stores.records and by != owner:
            raise HoldNotFound
        record = self.stores.records.get(hold_id)
        if record is None:
            return
        if by != owner and by not in self.staff:
            raise Forbidden
        self._require_not_booked(record)
        if record.status == "held" and not record.lapsed:
            self.stores.end(record, "released")

    def _own(self, by: str, hold_id: str, owner: str) -> Record | None:
        record = self.stores.records.get(hold_id)
        if by != owner:
            raise Forbidden if record else HoldNotFound
        return record

    def _require_not_booked(self, record: Record) -> None:
        if record.status == "booked":
            raise InvalidTransition
        if record.status == "confirming":
            raise RequestInProgress(retry_after_seconds=1)

    def _whole(self, record: Record) -> bool:
        return all(
            claim in self.stores.marks and self.stores.marks[claim].owner == record.name
            for claim in record.visit.claims()
        )

    # Bookings

    def book_hold(self, by: str, hold_id: str, owner: str, key: str, booking_id: str) -> str:
        stores = self.stores
        stores.crash("before_begin")
        record, again = stores.records.get(hold_id), key in stores.keys
        if record and record.key != by:
            raise Forbidden
        begun = self._begin(record, booking_id, key) if record else ""
        stores.crash("after_begin")
        if record and begun in ("BEGUN", "AGAIN"):
            if begun == "AGAIN" and again and not record.old:
                raise RequestInProgress(retry_after_seconds=1)
            return self._go_on(record, self._made(record, booking_id, by, None), first=begun == "BEGUN")
        if booking_id in stores.documents and by == owner:
            return booking_id
        if record is None:
            raise HoldExpired if by == owner else HoldNotFound
        raise HoldExpired if begun == "EXPIRED" else HoldReleased

    def _begin(self, record: Record, booking_id: str, key: str) -> str:
        if record.status == "confirming":
            record.due, record.idempotency, self.stores.keys[key] = False, key, record.name
            return "AGAIN"
        if record.status != "held":
            if record.status == "booked":
                self.stores.keys[key] = record.name
            return record.status
        if record.lapsed or not self._whole(record):
            return "EXPIRED"
        record.status, record.booking_id, record.old, record.due = "confirming", booking_id, False, False
        record.idempotency, self.stores.keys[key] = key, record.name
        marks = self.stores.marks
        marks.update({claim: replace(marks[claim], state="confirming") for claim in record.visit.claims()})
        return "BEGUN"

    def _go_on(self, record: Record, made: Document, *, first: bool) -> str:
        stores = self.stores
        while made.booking_id not in stores.documents and stores.is_taken(made.visit, made.booking_id):
            if stores.blockers(made.visit):
                if first:
                    stores.abort(record, restore=False)
                raise SlotBooked
        return self._insert(made)

    def _insert(self, made: Document) -> str:
        if made.booking_id not in self.stores.documents:
            self.stores.insert(made)
        self.stores.crash("after_insert")
        self.stores.settle(self.stores.documents[made.booking_id])
        self.stores.crash("after_finish")
        return made.booking_id

    def _made(self, record: Record, booking_id: str, by: str, hours: int | None) -> Document:
        status, action = ("pending", "reserve") if hours else ("confirmed", "book")
        details = {"description": "", "priority": "medium"}
        reserved, history = bool(hours), [(action, by)]
        return Document(booking_id, status, record.visit, details, record.name, by, reserved, history=history)

    def book(self, by: str, name: str, key: str, booking_id: str, visit: Visit, hours: int | None) -> str:
        """Book directly. With hours: make a reservation."""
        stores = self.stores
        while True:
            record = Record(name, by, visit, "confirming", booking_id, direct=True, idempotency=key)
            try:
                known = stores.claim(record, "confirming")
            except Exception:
                if booking_id in stores.documents:
                    return booking_id
                raise
            stores.crash("after_begin")
            if known and known.status == "confirming":
                again = key in stores.keys
                self._begin(known, booking_id, key)
                if again and not known.old:
                    raise RequestInProgress(retry_after_seconds=1)
                return self._go_on(known, self._made(known, booking_id, by, hours), first=False)
            if known:
                return booking_id
            if booking_id not in stores.documents and stores.is_taken(visit, booking_id):
                stores.blockers(visit)
                stores.abort(record, restore=False)
                continue
            return self._insert(self._made(record, booking_id, by, hours))

    # Changes

    def act(self, by: str, booking_id: str, action: str, expected: int | None) -> str:
        stores, (before, after) = self.stores, FOLLOWS[action]
        document = stores.current(booking_id)
        if document.status == after and self._is_done(document, action):
            return booking_id
        self._require(document, expected, document.status in before)
        if action == "cancel":
            self._require_in_time(by, document)
        if action in ("complete", "no_show") and stores.now < stores.moment_of(document.visit.start):
            raise TooEarly
        if action == "restore":
            return self._decide(by, document, document.visit, action, {"status": after}, exact=True)
        if after in ACTIVE:
            stores.settle(document)
        changed = stores.update(document, action, by, status=after)
        stores.crash("after_change")
        stores.settle(changed)
        return booking_id

    def _is_done(self, document: Document, action: str) -> bool:
        if action == "restore":
            return any(entry[0] == "restore" for entry in document.history)
        return action != "confirm" or document.reserved

    def reschedule(self, by: str, booking_id: str, patch: dict[str, Any], expected: int | None) -> str:
        """patch: fields of a visit, in ticks, and of its details."""
        stores = self.stores
        document = stores.current(booking_id)
        if expected is not None and self._was_made(by, document, patch, expected):
            return booking_id
        self._require(document, expected, document.active)
        if any(name not in document.details for name in patch):
            self._require_in_time(by, document)
        visit, details = changed_visit(document.visit, patch), document.details | only(patch, document.details)
        if visit != document.visit:
            return self._move(by, document, visit, details)
        if details != document.details:
            stores.settle(
                stores.update(document, "edit", by, details=details, changed=changed_fields(document, visit, details))
            )
        return booking_id

    def _move(self, by: str, document: Document, visit: Visit, details: dict[str, Any]) -> str:
        changed = changed_fields(document, visit, details)
        return self._decide(by, document, visit, "move", {"visit": visit, "details": details, "changed": changed})

    def _decide(
        self, by: str, document: Document, visit: Visit, action: str, changes: dict[str, Any], *, exact: bool = False
    ) -> str:
        """exact: no rule is asked about the visit."""
        stores, standing = self.stores, visit.start == document.visit.start
        booking_id, version = document.booking_id, document.version
        target = f"{visit.property_id} {visit.technician_ids} {visit.start} {visit.end} {visit.before} {visit.after}"
        record = Record(
            f"m_{booking_id}.{version}.{target}", by, visit, "confirming", booking_id, direct=True, moves=version
        )
        known = stores.claim(record, "moving", standing=standing, moved=document, exact=exact)
        if known:
            if known.key != by or not known.old:
                raise RequestInProgress(retry_after_seconds=2)
            record, known.due = known, False
        stores.crash("after_move_claim")
        while stores.is_taken(visit, booking_id):
            if stores.blockers(visit, besides=booking_id):
                if not known:
                    stores.abort(record, restore=False)
                raise SlotBooked
        moved = stores.update(document, action, by, **changes)
        stores.crash("after_move")
        stores.settle(moved)
        stores.crash("after_move_mirrored")
        stores.abort(record, restore=False)
        return booking_id

    def _was_made(self, by: str, document: Document, patch: dict[str, Any], version: int) -> bool:
        action, who = document.history[-1]
        made = document.version == version + 1 and who == by and action in ("move", "edit")
        same = changed_visit(document.visit, patch) == document.visit
        same_details = only(patch, document.details).items() <= document.details.items()
        return made and same and same_details and document.changed <= patch.keys()

    def _require(self, document: Document, expected: int | None, possible: bool) -> None:
        if expected not in (None, document.version):
            raise VersionConflict
        if not possible:
            raise InvalidTransition

    def _require_in_time(self, by: str, document: Document) -> None:
        if by not in self.staff and self.stores.now >= self.stores.moment_of(document.visit.start):
            raise TooLate

    # The relay

    def carry_over(self) -> None:
        unread, self.stores.unread = self.stores.unread, []
        for booking_id in unread:
            document, known = self.stores.documents[booking_id], self.stores.mirrored.get(booking_id)
            if known is None or known.version < document.version:
                self.stores.settle(document)

    def tend(self) -> None:
        stores = self.stores
        if not stores.warm:
            for document in sorted(stores.documents.values(), key=lambda each: each.active):
                stores.settle(document)
            stores.warm = True
        for record in [record for record in stores.pins() if record.due]:
            found = stores.documents.get(record.booking_id)
            if found:
                stores.settle(found)
            if found is None or record.moves:
                stores.abort(record, restore=True)
        for document in list(stores.documents.values()):
            stores.current(document.booking_id)
