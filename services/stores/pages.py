"""Pages of a collection whose documents have an `org` and an `id` that is unique in it.

A cursor is the last id of the page before, so a page costs the same however far in it lies, and nothing is skipped or
shown twice when something is added meanwhile.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from pymongo import ASCENDING
from pymongo.collection import Collection

from models.errors import Fault, InvalidRequest
from models.fields import ID_PATTERN
from services.stores.faults import mongo_faults

DEFAULT_PAGE, LARGEST_PAGE = 50, 200

Document = dict[str, Any]

_ID = re.compile(ID_PATTERN)


def page_by_id(
    collection: Collection[Document], org: str, limit: int, cursor: str | None
) -> tuple[list[Document], str | None]:
    """At most `limit` documents of the org after the cursor, in the order of their ids, and the next cursor or None.

    InvalidRequest for a limit out of 1..200 and for a cursor that was not given out here. StoreUnavailable.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise InvalidRequest(Fault("limit", "out_of_range", f"limit is from 1 to {LARGEST_PAGE}."))
    query: Document = {"org": org}
    if cursor is not None:
        query["id"] = {"$gt": _after(cursor)}
    with mongo_faults():
        documents = list(collection.find(query).sort("id", ASCENDING).limit(limit + 1))
    following = _cursor(documents[limit - 1]["id"]) if len(documents) > limit else None
    return documents[:limit], following


def _cursor(last_id: str) -> str:
    return urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def _after(cursor: str) -> str:
    try:
        last_id = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        last_id = ""
    # Decoding skips what is not base64, so only what encodes to the same cursor was one of ours.
    if not _ID.match(last_id) or _cursor(last_id) != cursor:
        raise InvalidRequest(Fault("cursor", "bad_cursor", "cursor is not one that was given out here."))
    return last_id
