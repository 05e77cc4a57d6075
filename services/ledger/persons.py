"""Whose data a record holds: a booking or a waitlist entry, each with a customer and a history.

A person is known by a phone or an e-mail address, as `phone:<digits>` or `email:<address>`, so that two spellings are
one person. A document lists its persons in `persons`, by which it is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.collection import Collection

from models.booking import Booking
from models.contacts import phone_digits
from services.stores.connections import Document

Customer = dict[str, Any]
Entry = dict[str, Any]
"""An entry of a history: `changes` has each changed field's value before (`from`) and after (`to`)."""

BY_PERSON = IndexModel([("persons", ASCENDING), ("org", ASCENDING)], name="by_person")
"""A document without `persons` was written by an earlier release, and is found by this index too."""

ERASED = "Erased"
"""Stands where a name was, in a record whose form demands one."""
_TEXTS: dict[str, str | None] = {"description": "", "internal_note": None, "reason": "", "reserved_by": ERASED}
"""Texts that may speak of a person, and what stands there afterwards."""


def phone_key(phone: str) -> str:
    """The person with a phone: its digits alone, without its extension, where 00 counts as +."""
    return "phone:" + phone_digits(phone)


def email_key(email: str) -> str:
    """The person with an e-mail address: in any case of letters."""
    return "email:" + email.strip().casefold()


_KEYS = {"phone": phone_key, "phone_e164": phone_key, "email": email_key}
"""The fields of a customer by which a person is known. With its country code a phone is another key than without."""
_RANKED = [(field, _KEYS[field]) for field in ("phone_e164", "phone", "email")]


def contacts(customer: Customer) -> list[str]:
    """The persons that a customer's phone and e-mail address stand for, the phone with its country code after the one
    that was typed. A phone without a digit is nobody's."""
    found = (key(customer[field]) for field, key in _KEYS.items() if customer.get(field))
    return [key for key in dict.fromkeys(found) if not key.endswith(":")]


def customer_key(customer: Customer) -> str:
    """The one person of these for whom a booking is kept (`services.customers`): that of the phone, with its country
    code where that is known, else that of the e-mail address. Empty without both."""
    keys = (key(value) for field, key in _RANKED if (value := customer.get(field)))
    return next((key for key in keys if not key.endswith(":")), "")


def are_alike(one: Customer, other: Customer) -> bool:
    """Whether two customers have the same phone and the same e-mail address, in whatever spelling."""
    for kind in ("phone:", "email:"):
        these, those = ({key for key in contacts(each) if key.startswith(kind)} for each in (one, other))
        if these != those and these.isdisjoint(those):
            return False
    return True


def persons_in(customer: Customer, history: Sequence[Entry]) -> list[str]:
    """All persons of a record, now and earlier, sorted."""
    return sorted({key for each in customers_in(customer, history) for key in contacts(each)})


def person_fields(customer: Customer, history: Sequence[Entry]) -> Document:
    """The fields of a document by which a person's bookings are found."""
    return {"persons": persons_in(customer, history), "customer_key": customer_key(customer)}


def traces_of(persons: Iterable[str], customer: Customer, history: Sequence[Entry]) -> Callable[[Customer], bool]:
    """Which customers of one record are a person who is known by these keys: those with one of them, and those that
    share a name, phone or e-mail address with one of them."""
    linked, left = set(persons), [_links(each) for each in customers_in(customer, history)]
    while joined := [links for links in left if not linked.isdisjoint(links)]:
        linked.update(*joined)
        left = [links for links in left if links not in joined]
    return lambda each: not linked.isdisjoint(_links(each))


def redacted(booking: Booking, is_hidden: Callable[[Customer], bool], name: str = ERASED) -> Booking:
    """A booking, its history too, without the customers that are to be hidden and without their texts.

    A text is of the customer that the booking had once the text was written: they wrote it, or it was written about
    them. So it stays theirs when the booking gets another customer. name: stands for a hidden customer.
    """
    customer, history = _first_customer(booking), []
    holder = None if is_hidden(customer) else booking.holder_digest
    owners = dict.fromkeys(_TEXTS, customer)

    def person(value: Any) -> Any:
        return {"name": name} if value and is_hidden(value) else value

    def text(field: str, value: Any) -> Any:
        return _TEXTS[field] if value and is_hidden(owners[field]) else value

    for entry in booking.history:
        changes = dict(entry["changes"])
        if "customer" in changes:
            customer = changes["customer"]["to"]
            changes["customer"] = {side: person(value) for side, value in changes["customer"].items()}
        for field in changes.keys() & owners.keys():
            before = text(field, changes[field]["from"])
            owners[field] = customer
            changes[field] = {"from": before, "to": text(field, changes[field]["to"])}
        history.append({**entry, "changes": changes})
    texts = {field: text(field, value) for field in owners if (value := getattr(booking, field, None))}
    return booking.changed(history=history, customer=person(booking.customer), holder_digest=holder, **texts)


def fill_in_persons(records: Collection[Document]) -> None:
    """Lists the persons of documents that an earlier release wrote. The collection has the index by_person."""
    old = records.find({"persons": None}, {"customer": 1, "history": 1}).hint("by_person")
    for some in iter(lambda: list(islice(old, 1000)), []):
        records.bulk_write(
            [
                UpdateOne(
                    {"_id": each["_id"], "persons": None},
                    {"$set": {"persons": persons_in(each["customer"], each["history"])}},
                )
                for each in some
            ],
            ordered=False,
        )


def _first_customer(booking: Booking) -> Customer:
    """The customer that the booking was made for."""
    changes = (entry["changes"]["customer"] for entry in booking.history if "customer" in entry["changes"])
    return next((sides["from"] for sides in changes), booking.customer)


def customers_in(customer: Customer, history: Iterable[Entry]) -> Iterator[Customer]:
    """Every customer that a record holds: today's first, then those in its history."""
    yield customer
    for entry in history:
        yield from filter(None, entry["changes"].get("customer", {}).values())


def _links(customer: Customer) -> set[str]:
    return {f"name:{customer['name'].strip().casefold()}", *contacts(customer)}
