"""POST /hold with `replaces`: a browser changes its mind and never stands without a slot."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from services.claims import batches
from tests.api.town import ALICES_BROWSER, Town, body_of, fault_codes, refused

OTHER = "web-000000000000ffff"
OWN_HOLD = "You are holding a part of this time yourself. Book that hold, or release it first."


def ask(town: Town, hour: int = 10, minute: int = 0, *, key: str = "checkout", **fields: Any) -> TestResponse:
    return town.call("POST", "/hold", town.slot(hour, minute, holder=ALICES_BROWSER, **fields), key=key)


def hold(town: Town, hour: int = 10, **fields: Any) -> str:
    return str(town.hold(hour, holder=ALICES_BROWSER, **fields)["hold_id"])


@pytest.mark.parametrize(
    ("minute", "fields"), [(0, {"duration_minutes": 90}), (15, {}), (0, {"buffer_after_minutes": 15})]
)
def test_one_s_own_hold_is_named_as_such_and_may_be_replaced(town: Town, minute: int, fields: dict[str, Any]) -> None:
    key = "bot" if "buffer_after_minutes" in fields else "checkout"  # strangers choose no buffers
    old = hold(town, key=key)
    problem = refused(ask(town, 10, minute, key=key, **fields), 409, "slot_held")
    assert problem["detail"] == OWN_HOLD
    assert {each["yours"] for each in problem["conflicts"]} == {True}
    reply = ask(town, 10, minute, key=key, replaces=old, **fields)
    assert reply.status_code == 201, reply.text
    assert body_of(town.call("GET", f"/hold/{old}", key=key))["status"] == "released"
    assert body_of(town.call("GET", f"/hold/{body_of(reply)['hold_id']}", key=key))["status"] == "held"


def test_a_browser_at_its_quota_replaces_one_and_places_no_more(town: Town) -> None:
    holds = [hold(town, hour) for hour in (8, 10, 12)]
    refused(ask(town, 14), 429, "too_many_holds")
    assert ask(town, 14, replaces=holds[0]).status_code == 201
    refused(ask(town, 16), 429, "too_many_holds")
    assert ask(town, 8, technician_id="tech-2", replaces=holds[1]).status_code == 201


def test_a_refusal_keeps_the_old_hold(town: Town) -> None:
    old = hold(town)
    town.hold(11, key="bot")
    refused(ask(town, 10, 30, replaces=old), 409, "slot_held")
    assert fault_codes(ask(town, 10, 7, replaces=old)) == {("start", "off_grid")}
    assert body_of(town.call("GET", f"/hold/{old}"))["status"] == "held"


def test_a_repeat_gets_the_same_hold(town: Town) -> None:
    old = hold(town)
    first = ask(town, 10, 30, replaces=old)
    again = ask(town, 10, 30, replaces=old)
    assert (first.status_code, again.status_code) == (201, 200)
    assert body_of(first)["hold_id"] == body_of(again)["hold_id"]


def test_an_idempotency_key_gets_the_first_answer(town: Town) -> None:
    asked = town.slot(10, 30, holder=ALICES_BROWSER, replaces=hold(town))
    first, again = (town.call("POST", "/hold", asked, Idempotency_Key="a-key") for _ in range(2))
    assert (body_of(again), again.headers["Idempotency-Replayed"]) == (body_of(first), "true")


def test_a_hold_of_others_is_not_found(town: Town) -> None:
    others = [town.hold(12, key="bot")["hold_id"], town.hold(14, holder=OTHER)["hold_id"], "h_unknown"]
    for other in others:
        refused(ask(town, 16, replaces=other), 404, "hold_not_found")
    assert town.call("GET", f"/hold/{others[0]}", key="bot").get_json()["status"] == "held"


def test_only_a_live_hold_is_replaced(town: Town) -> None:
    released, booked = hold(town), hold(town, 12)
    town.call("DELETE", f"/hold/{released}")
    town.call("POST", "/book", {"hold_id": booked, "customer": {"name": "Alice"}})
    refused(ask(town, 16, replaces=released), 410, "hold_released")
    refused(ask(town, 16, replaces=booked), 409, "invalid_transition")
    town.world.services.redis.delete(
        *town.world.services.redis.keys(town.world.names.prefix.replace("{", "\\{") + "hold:*")
    )
    refused(ask(town, 16, replaces=released), 410, "hold_expired")


def test_a_search_takes_the_time_of_the_old_hold(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more candidates than one script call looks at, so that the look at the spans spares the old hold too."""
    monkeypatch.setattr(batches, "MOST_KEYS", 60)
    old = hold(town, 10, duration_minutes=240)
    fields = {"technician_id": None, "fallback": "next_available", "duration_minutes": 180}
    elsewhere = town.call("POST", "/hold", town.slot(10, holder=OTHER, **fields))
    assert body_of(elsewhere)["start"] == town.slot(14)["start"]
    found = ask(town, 10, replaces=old, **fields)
    assert (found.status_code, body_of(found)["start"]) == (201, town.slot(10)["start"])
