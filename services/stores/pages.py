"""Pages of lists, and the cursors that lead from one page to the next.

A cursor names the last entry of a page by the values that the list is sorted by. So each page costs the same, however
far down the list it lies, and a list neither skips nor repeats an entry while others add new ones.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from pymongo import ASCENDING
from pymongo.collection import Collection

from models.errors import Fault, InvalidRequest
from models.fields import ID_PATTERN
from services.stores.connections import Document
from services.stores.faults import mongo_faults

DEFAULT_PAGE, LARGEST_PAGE = 50, 200

_PART = re.compile(ID_PATTERN)
_SEPARATOR = "~"  # no id contains it


def page_by_id(
    collection: Collection[Document], org: str, limit: int, cursor: str | None, wanted: Document | None = None
) -> tuple[list[Document], str | None]:
    """At most `limit` documents of the org after the cursor, in the order of their `id`, and the next cursor or None.

    wanted: what the documents match besides. The collection has an index on org, the names in `wanted`, and id.
    Raises InvalidRequest for a limit outside 1..200 and for a cursor that no list gave; StoreUnavailable.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise InvalidRequest(Fault("limit", "out_of_range", f"Give limit as 1 to {LARGEST_PAGE}."))
    query: Document = {"org": org, **(wanted or {})}
    if cursor is not None:
        [last_id] = read_cursor(cursor, 1)
        query["id"] = {"$gt": last_id}
    with mongo_faults():
        documents = list(collection.find(query).sort("id", ASCENDING).limit(limit + 1))
    following = write_cursor(documents[limit - 1]["id"]) if len(documents) > limit else None
    return documents[:limit], following


def write_cursor(*parts: str) -> str:
    """The cursor of an entry. parts: 1 to 64 characters of A-Z a-z 0-9 . _ - each."""
    return urlsafe_b64encode(_SEPARATOR.join(parts).encode()).decode().rstrip("=")


def read_cursor(cursor: str, count: int) -> list[str]:
    """The parts of a cursor that was made of `count` of them. Raises InvalidRequest for any other text."""
    try:
        parts = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(_SEPARATOR)
    except ValueError:
        raise bad_cursor() from None
    # Decoding skips characters that are not base64, so only a text that encodes to the same cursor is one of ours.
    if len(parts) != count or not all(map(_PART.fullmatch, parts)) or write_cursor(*parts) != cursor:
        raise bad_cursor()
    return parts


def bad_cursor() -> InvalidRequest:
    """The refusal of a cursor that no list gave."""
    return InvalidRequest(Fault("cursor", "bad_cursor", "Give cursor as a next_cursor of this list, or leave it out."))
