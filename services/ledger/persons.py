"""Whose data a record holds: a booking or a waitlist entry, each with a customer and a history.

A person is known by a phone or an e-mail address, as `phone:<digits>` or `email:<address>`, so that two spellings are
one person. A document lists its persons in `persons`, by which it is found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.collection import Collection

from models.booking import Booking
from services.stores.connections import Document

Customer = dict[str, Any]
Entry = dict[str, Any]
"""An entry of a history: `changes` has each changed field's value before (`from`) and after (`to`)."""

BY_PERSON = IndexModel([("persons", ASCENDING), ("org", ASCENDING)], name="by_person")
"""A document without `persons` was written by an earlier release, and is found by this index too."""

ERASED = "Erased"
"""Stands where a name was, in a record whose form demands one."""
_TEXTS: dict[str, str] = {"description": "", "reason": "", "reserved_by": ERASED}
"""Texts that may speak of a person, and what stands there afterwards."""
_NO_DIGIT = re.compile(r"[^0-9]+")


def phone_key(phone: str) -> str:
    """The person with a phone: its digits alone, where 00 counts as +."""
    return "phone:" + _NO_DIGIT.sub("", phone).removeprefix("00")


def email_key(email: str) -> str:
    """The person with an e-mail address: in any case of letters."""
    return "email:" + email.strip().casefold()


def contacts(customer: Customer) -> list[str]:
    """The persons that a customer's phone and e-mail address stand for, sorted. A phone without a digit is nobody's."""
    keys = {"phone": phone_key, "email": email_key}
    found = (key(customer[field]) for field, key in keys.items() if customer.get(field))
    return sorted(key for key in found if not key.endswith(":"))


def persons_in(customer: Customer, history: Sequence[Entry]) -> list[str]:
    """All persons of a record, now and earlier, sorted."""
    return sorted({key for each in customers_in(customer, history) for key in contacts(each)})


def traces_of(person: str, customer: Customer, history: Sequence[Entry]) -> Callable[[Customer], bool]:
    """Which customers of one record are this person: those with the phone or e-mail address, and those that share a
    name, phone or e-mail address with one of them."""
    linked, left = {person}, [_links(each) for each in customers_in(customer, history)]
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
    return booking.changed(history=history, customer=person(booking.customer), **texts)


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
