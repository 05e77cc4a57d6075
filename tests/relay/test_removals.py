"""The relay announces what was removed from the catalogue, in case its server could not."""

from __future__ import annotations

import pytest

from services.clock import utc_now
from services.relay.change_feed import Change, ChangeFeed
from tests.world import World


@pytest.mark.parametrize("kind", ["properties", "technicians"])
def test_a_removal_is_read_from_mongodbs_log(lonely_world: World, kind: str) -> None:
    db, org = lonely_world.services.db, lonely_world.org
    feed = ChangeFeed(db, lambda: "a redis", utc_now)
    feed.start_at(feed.end_of_log())
    db[kind].update_one({"org": org, "id": kind}, {"$set": {"name": "Nobody"}})
    db[kind].update_one({"org": org}, {"$set": {"name": "Somebody"}})
    db[kind].delete_one({"org": org, "name": "Somebody"})
    db["bookings"].delete_many({"org": org})
    assert [change for batch in feed.read() for change in batch] == [Change(org), Change(org)]
