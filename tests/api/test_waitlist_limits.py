"""How far ahead a window may reach, how long an offer may stand, and how many entries there may be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from tests.api.test_waitlist import join, read, tend, wish
from tests.api.town import EVERYBODY, Town, body_of, refused
from tests.world import rfc3339, tomorrow


def test_a_window_may_have_begun_and_may_end_at_the_horizon(town: Town) -> None:
    begun = join(town, **{"from": rfc3339(tomorrow(8) - timedelta(days=9))})
    far = tomorrow(8) + timedelta(days=150)
    join(town, **{"from": rfc3339(far), "to": rfc3339(far + timedelta(days=1))})
    tend(town)
    assert read(town, begun["waitlist_id"])["status"] == "offered"


def test_with_a_secret_key_an_offer_may_stand_for_a_day(town: Town) -> None:
    for role in EVERYBODY - {"checkout"}:
        assert join(town, key=role, offer_minutes=1440)["offer_minutes"] == 1440
    assert join(town, offer_minutes=60)["offer_minutes"] == 60


def from_address(town: Town, address: str, **headers: str) -> TestResponse:
    return town.world.client().post(
        "/waitlist",
        json=wish(),
        headers={**town.world.auth("checkout"), **headers},
        environ_overrides={"REMOTE_ADDR": address},
    )


def test_a_browser_has_a_limit_of_entries(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.waitlist.entries.MOST_PER_ADDRESS", 4)
    key = {"Idempotency-Key": "w-1"}
    first = body_of(from_address(town, "203.0.113.7", **key))
    for _ in range(3):
        assert from_address(town, "203.0.113.7").status_code == 201
    full = from_address(town, "203.0.113.7")
    refused(full, 429, "rate_limited")
    assert int(full.headers["Retry-After"]) > 0
    assert body_of(from_address(town, "203.0.113.7", **key)) == first
    assert from_address(town, "203.0.113.8").status_code == 201
    join(town, key="bot")
    town.call("DELETE", f"/waitlist/{first['waitlist_id']}")
    assert from_address(town, "203.0.113.7").status_code == 201
    assert "203.0.113" not in str(list(town.world.services.db["waitlist"].find({"org": town.world.org})))


def test_an_orgs_waitlist_has_a_limit_for_every_key(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.waitlist.entries.MOST_UNSETTLED", 2)
    for _ in range(2):
        place = join(town, key="desk")
    full = town.call("POST", "/waitlist", wish(), key="desk")
    refused(full, 429, "rate_limited")
    assert int(full.headers["Retry-After"]) > 0
    town.call("DELETE", f"/waitlist/{place['waitlist_id']}", key="desk")
    join(town, key="desk")
