"""A customer, and what a booking, a change by the office and a merge make of one. Pure: no store is asked here.

A customer owns keys, `phone:<digits>` and `email:<address>` (`ledger.persons`), and each key has one owner in its org.
A booking belongs to the owner of its `customer_key`: the phone decides, and the e-mail address where there is no phone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from services.ledger.customer_visits import Seen
from services.ledger.persons import ERASED, contacts, customer_key, email_key

MOST_KEYS = 50
"""More e-mail addresses than this do not join a customer by bookings: many people may book with one phone."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """A customer as it is stored.

    named_at: when the booking was made, or the change by the office, that the name, phone and e-mail address come from.
    """

    customer_id: str
    org: str
    keys: tuple[str, ...]
    name: str = ERASED
    phone: str | None = None
    email: str | None = None
    notes: str | None = None
    named_at: datetime = LONG_AGO
    version: int = 1

    @property
    def has_phone(self) -> bool:
        return any(key.startswith("phone:") for key in self.keys)

    @property
    def persons(self) -> list[str]:
        """All by which this customer is found when a person is erased or exported."""
        shown = {"phone": self.phone, "email": self.email}
        return sorted({*self.keys, *contacts(shown)})

    def becomes(self, other: Record) -> Record:
        """Another state of this customer as its next version; this one where nothing differs."""
        if replace(other, version=self.version) == self:
            return self
        return replace(other, version=self.version + 1)

    def joined_by(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """The keys with some more behind them."""
        return tuple(dict.fromkeys((*self.keys, *keys)))


def owner_of(seen: Seen, owners: Mapping[str, Record]) -> Record | None:
    """The customer of a booking, among the owners of its keys; None if it has none yet.

    An owner of the e-mail address who has no phone so far is the owner of this phone.
    """
    key = customer_key(seen.customer)
    by_email = owners.get(email_of(seen))
    return owners.get(key) or (by_email if by_email and not by_email.has_phone else None)


def email_of(seen: Seen) -> str:
    """The key of the e-mail address in a booking; empty without one."""
    return email_key(seen.customer["email"]) if seen.customer.get("email") else ""


def with_visit(record: Record, seen: Seen, owners: Mapping[str, Record]) -> Record:
    """A customer after one of its bookings: with its keys, as far as no other customer owns them, and if no booking is
    newer, with its name, and its phone and e-mail address if it has them."""
    keys = record.joined_by((customer_key(seen.customer),))
    email = email_of(seen)
    if email and email not in owners and len(keys) < MOST_KEYS:
        keys = tuple(dict.fromkeys((*keys, email)))
    values: dict[str, Any] = {"keys": keys}
    if seen.created_at >= record.named_at:
        said = {name: seen.customer[name] for name in ("name", "phone", "email") if seen.customer.get(name)}
        values |= {**said, "named_at": seen.created_at}
    return replace(record, **values)


def merged(into: Record, gone: Record) -> Record:
    """Both as one: the name, phone and e-mail address are those of the one that was named later, where it has them."""
    older, newer = sorted((into, gone), key=lambda each: each.named_at)
    whole = replace(
        into,
        keys=into.joined_by(gone.keys),
        name=newer.name,
        phone=newer.phone or older.phone,
        email=newer.email or older.email,
        notes="\n".join(each.notes for each in (into, gone) if each.notes) or None,
        named_at=newer.named_at,
    )
    return into.becomes(whole)
