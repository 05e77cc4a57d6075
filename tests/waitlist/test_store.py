"""MongoDB reads a list and a person's turns along an index, and no more than it gives."""

from __future__ import annotations

import pytest

from models.waitlist import WaitQuery
from services.waitlist.schema import IN_ORDER
from services.waitlist.store import _filter, _index
from tests.waitlist.waiting import join, noted, take
from tests.world import World


@pytest.mark.parametrize("query", [{}, {"property_id": "prop-1"}, {"status": "waiting"}])
def test_a_page_of_the_list_costs_what_it_shows(world: World, query: dict[str, str]) -> None:
    for _ in range(12):
        join(world)
    store = world.services.waitlist._entries
    first, cursor = store.page(world.org, WaitQuery.model_validate({**query, "limit": 5}))
    second, _ = store.page(world.org, WaitQuery.model_validate({**query, "limit": 5, "cursor": cursor}))
    assert len({entry.waitlist_id for entry in first + second}) == 10
    asked = WaitQuery.model_validate({**query, "limit": 5, "cursor": cursor})
    found = store._entries.find(_filter(world.org, asked)).hint(_index(asked)).sort(IN_ORDER).limit(6)
    read = found.explain()["executionStats"]
    assert read["totalDocsExamined"] <= 7
    assert read["totalKeysExamined"] <= 8


def test_a_persons_last_turn_is_read_along_an_index(world: World) -> None:
    take(world)
    who = noted(world, join(world, "checkout"))["waits_as"]["phone"]["who"]
    store = world.services.waitlist._entries
    assert store.last_turns(world.org, {"phone": who}) == {"phone": 1}
    assert store.last_turns(world.org, {"phone": "nobody", "email": who}) == {"phone": 0, "email": 0}
    named = store._entries.find({"org": world.org, "waits_as.phone.who": who}).sort("waits_as.phone.turn", -1).limit(1)
    assert named.explain()["executionStats"]["totalKeysExamined"] == 1
