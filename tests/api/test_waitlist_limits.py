"""How far ahead a window may reach, and how long an offer may stand."""

from __future__ import annotations

from datetime import timedelta

from tests.api.test_waitlist import join, read, tend
from tests.api.town import EVERYBODY, Town
from tests.world import rfc3339, tomorrow


def test_a_window_may_have_begun_and_may_end_at_the_horizon(town: Town) -> None:
    begun = join(town, **{"from": rfc3339(tomorrow(8) - timedelta(days=9))})
    far = tomorrow(8) + timedelta(days=149)
    join(town, **{"from": rfc3339(far), "to": rfc3339(far + timedelta(days=1))})
    tend(town)
    assert read(town, begun["waitlist_id"])["status"] == "offered"


def test_with_a_secret_key_an_offer_may_stand_for_a_day(town: Town) -> None:
    for role in EVERYBODY - {"checkout"}:
        assert join(town, key=role, offer_minutes=1440)["offer_minutes"] == 1440


def test_with_the_publishable_key_an_offer_stands_no_longer_than_a_hold(town: Town) -> None:
    town.book()
    assert join(town, key="checkout", offer_minutes=1440)["offer_minutes"] == 15
    town.call("PATCH", "/policy", {"max_hold_seconds": 400}, key="admin")
    assert (
        join(town, key="checkout", customer={"name": "Bea", "phone": "+45 1"}, offer_minutes=None)["offer_minutes"] == 6
    )
