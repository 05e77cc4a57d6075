"""Finds or makes the customer of each booking, from what MongoDB's log says. The relay calls it.

Each step may be repeated and done by several relays at once: it looks at what is there, and writes only what is still
missing. The unique index refuses a second customer for a key; the one that was refused looks again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from models.errors import NotFound, StoreUnavailable
from services.customers.records import Record, email_of, owner_of, with_visit
from services.customers.store import CustomerStore
from services.ledger.customer_visits import CustomerVisits, Seen
from services.ledger.persons import ERASED, contacts, customer_key

MOST_ATTEMPTS: Final = 8
LATEST: Final = 200
"""From so many of a customer's bookings what it is called is worked out anew, after one of them was erased."""
STEP: Final = 500
"""Bookings that one step of the walk looks at: a part of a second, so that no new booking waits longer."""


class Registry:
    """Keeps the customers. Everything may raise StoreUnavailable; a repeat then finishes the work."""

    def __init__(self, store: CustomerStore, visits: CustomerVisits) -> None:
        self._store = store
        self._visits = visits

    def keep(self, booking_ids: Iterable[str]) -> int:
        """Finds or makes the customers of some bookings of any orgs, as they are now. Gives how many it wrote."""
        return self._keep(self._visits.seen(booking_ids))

    def begin_walk(self) -> None:
        """Lets the walk over all bookings begin anew, because changes may have been missed."""
        self._store.walk_from("")

    def walk(self) -> int:
        """Keeps the customers of the next STEP bookings, where the last step ended. Gives how many it wrote."""
        after = self._store.walked_to()
        if after is None:
            return 0
        seen = self._visits.seen_after(after, STEP)
        kept = self._keep(seen)
        self._store.walk_from(seen[-1].booking_id if len(seen) == STEP else None)
        return kept

    def renew(self, record: Record, *, notes: bool) -> bool:
        """Makes a customer anew from the bookings that are left of it, with or without its notes, and removes it if
        there are none. Whether it was another before."""
        for _ in range(MOST_ATTEMPTS):
            left = self._rest_of(record, notes=notes)
            if left == record:
                return False
            if self._store.delete(record) if left is None else self._store.replace(record, left) == "written":
                return True
            try:
                record = self._store.find(record.org, record.customer_id)
            except NotFound:
                return True
        raise StoreUnavailable

    def _rest_of(self, record: Record, *, notes: bool) -> Record | None:
        used = self._visits.in_use(record.org, record.keys)
        if not used:
            return None
        keys = tuple(key for key in record.keys if key in used)
        latest = self._visits.latest(record.org, keys, LATEST)
        owned = self._store.owners(record.org, filter(None, map(email_of, latest)))
        others = {key: each for key, each in owned.items() if each.customer_id != record.customer_id}
        rest = Record(record.customer_id, record.org, keys, notes=record.notes if notes else None)
        for seen in sorted(latest, key=lambda each: each.created_at):
            rest = with_visit(rest, seen, others)
        return record.becomes(rest)

    def _keep(self, seen: list[Seen]) -> int:
        known = [each for each in seen if customer_key(each.customer)]
        return sum(self._keep_in(org, list(theirs)) for org, theirs in groupby(sorted(known, key=_org), key=_org))

    def _keep_in(self, org: str, seen: list[Seen]) -> int:
        written = 0
        for _ in range(MOST_ATTEMPTS):
            changes = self._missing(org, seen)
            done = self._store.write(changes)
            written += len(changes)
            if done:
                if written:
                    self._forget_erased(org, seen)
                return written
        raise StoreUnavailable

    def _missing(self, org: str, seen: list[Seen]) -> dict[Record, Record | None]:
        """What these bookings change: each customer as it becomes, with what it was, None for a new one."""
        keys = {key for each in seen for key in (customer_key(each.customer), email_of(each)) if key}
        owners = self._store.owners(org, keys)
        before: dict[str, Record | None] = {each.customer_id: each for each in owners.values()}
        after: dict[str, Record] = {}
        for each in sorted(seen, key=lambda each: each.created_at):
            owner = owner_of(each, owners) or Record(f"cu_{secrets.token_hex(12)}", org, ())
            whole = with_visit(owner, each, owners)
            after[whole.customer_id] = whole
            owners |= dict.fromkeys(whole.keys, whole)
        changes = {(old.becomes(new) if (old := before.get(name)) else new): old for name, new in after.items()}
        return {new: old for new, old in changes.items() if new != old}

    def _forget_erased(self, org: str, seen: list[Seen]) -> None:
        """A booking may have been erased after it was read here and before its customer was written. Its eraser did not
        find what was written later, so that is made anew here."""
        erased = self._visits.erased(each.booking_id for each in seen if each.customer["name"] != ERASED)
        persons = {key for each in seen if each.booking_id in erased for key in contacts(each.customer)}
        for record in self._store.of_person(org, persons) if persons else ():
            self.renew(record, notes=True)


def _org(seen: Seen) -> str:
    return seen.org
