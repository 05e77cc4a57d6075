"""What the office does with customers: looks them up, corrects and merges them. It writes no booking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from models.access import Caller
from models.booking import Booking
from models.contacts import e164
from models.customers import CustomerPatch, CustomerQuery, CustomerRecord, CustomersQuery
from models.errors import AlreadyExists, Fault, InvalidRequest, VersionConflict
from services.catalogue.reader import Catalogue
from services.clock import Clock
from services.customers.records import Record
from services.customers.store import CustomerStore
from services.ledger.customer_visits import CustomerVisits
from services.ledger.persons import customer_key, email_key, phone_key

MOST_ATTEMPTS = 5
TAKEN = "Another customer has this phone. Please merge the two."
NAMING = frozenset({"name", "phone", "email"})


class Customer(NamedTuple):
    """A customer, and a page of the bookings with the cursor of the next one."""

    record: CustomerRecord
    bookings: list[Booking]
    next_cursor: str | None


class CustomerDesk:
    """Customers for staff. Everything may raise StoreUnavailable, and with an id NotFound."""

    def __init__(self, *, store: CustomerStore, visits: CustomerVisits, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._visits = visits
        self._catalogue = catalogue
        self._clock = clock

    def page(self, caller: Caller, query: CustomersQuery) -> tuple[list[CustomerRecord], str | None]:
        """One page by id, and the cursor of the next one or None. Raises InvalidRequest (a cursor of another list)."""
        found, cursor = self._store.page(caller.org, query)
        return self.shown(caller.org, found), cursor

    def get(self, caller: Caller, customer_id: str, query: CustomerQuery) -> Customer:
        """One customer with a page of the bookings. Raises InvalidRequest for a cursor of another list."""
        record = self._store.find(caller.org, customer_id)
        bookings, cursor = self._visits.page(caller.org, record.keys, query.limit, query.cursor)
        return Customer(self._alone(record), bookings, cursor)

    def patch(self, caller: Caller, customer_id: str, given: CustomerPatch, version: int | None) -> CustomerRecord:
        """Changes what is sent. A new phone belongs to this customer from now on, as does an e-mail address that no
        other customer has; the ones before stay, because bookings have them.

        Raises AlreadyExists if another customer has the phone; VersionConflict.
        """
        values = given.model_dump(include=given.model_fields_set)
        for _ in range(MOST_ATTEMPTS):
            old = self._store.find(caller.org, customer_id)
            if version is not None and old.version != version:
                raise VersionConflict
            new = old.becomes(self._corrected(old, values))
            outcome = "written" if new == old else self._store.replace(old, new)
            if outcome == "written":
                return self._alone(new)
        raise VersionConflict

    def merge(self, caller: Caller, customer_id: str, into: str) -> CustomerRecord:
        """Gives one customer all keys, bookings and notes of another, which is gone afterwards. Raises InvalidRequest
        for a merge with itself."""
        if customer_id == into:
            raise InvalidRequest(Fault("into", "same", "Give into as the id of another customer."))
        return self._alone(self._store.merge(caller.org, customer_id, into))

    def ids_of(self, org: str, bookings: Iterable[Booking]) -> dict[str, str | None]:
        """The customer of each booking by the booking's id, None for one without: one read for all of them."""
        keys = {each.booking_id: customer_key(each.customer) for each in bookings}
        wanted = set(filter(None, keys.values()))
        owners = self._store.owner_ids(org, wanted) if wanted else {}
        return {booking_id: owners.get(key) for booking_id, key in keys.items()}

    def shown(self, org: str, records: Sequence[Record]) -> list[CustomerRecord]:
        """Customers as staff see them, with their visits: one read for all of them."""
        keys = [key for each in records for key in each.keys]
        counts = self._visits.counts(org, keys) if keys else {}
        return [
            CustomerRecord(
                customer_id=each.customer_id,
                name=each.name,
                phone=each.phone,
                email=each.email,
                notes=each.notes,
                visits=sum(counts.get(key, 0) for key in each.keys),
                version=each.version,
            )
            for each in records
        ]

    def _alone(self, record: Record) -> CustomerRecord:
        (shown,) = self.shown(record.org, [record])
        return shown

    def _corrected(self, old: Record, values: dict[str, Any]) -> Record:
        """The customer with other values. Raises AlreadyExists."""
        keys = self._keys_of(old.org, values)
        owners = self._store.owner_ids(old.org, keys) if keys else {}
        others = {key for key in keys if owners.get(key, old.customer_id) != old.customer_id}
        if any(key.startswith("phone:") for key in others):
            raise AlreadyExists(TAKEN)
        keys = old.joined_by(tuple(key for key in keys if key not in others))
        named_at = old.named_at
        if any(getattr(old, name) != values.get(name, getattr(old, name)) for name in NAMING):
            named_at = max(named_at, self._clock())  # no booking of before says otherwise
        return replace(old, **values, keys=keys, named_at=named_at)

    def _keys_of(self, org: str, values: dict[str, Any]) -> tuple[str, ...]:
        keys = []
        if phone := values.get("phone"):
            keys.append(phone_key(e164(phone, self._catalogue.policy(org).country) or phone))
        if email := values.get("email"):
            keys.append(email_key(email))
        return tuple(keys)
