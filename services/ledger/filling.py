"""Gives documents that an earlier release wrote the fields that this one finds them by."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.collection import Collection

from services.stores.connections import Document

STEP: Final = 500
"""Documents of an earlier release that one write fills in."""


def fill_in(bookings: Collection[Document], field: str, value: Callable[[Document], Any]) -> None:
    """Sets a field, some documents at a time; a change that comes between is filled in by the next start.

    value: makes the field from the document's id, property and customer. The collection has the index by_no_<field>.
    """
    read = {"customer": 1, "property_id": 1, "version": 1}
    old = bookings.find({field: None}, read).hint(f"by_no_{field}")
    for some in iter(lambda: list(islice(old, STEP)), []):
        bookings.bulk_write(
            [
                UpdateOne({"_id": each["_id"], "version": each["version"], field: None}, {"$set": {field: value(each)}})
                for each in some
            ],
            ordered=False,
        )
