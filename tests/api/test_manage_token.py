"""POST /bookings/{booking_id}/manage-token, and what else ends a manage token."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, refused
from tests.redis_dump import dump

ALICE = {"name": "Alice", "phone": "+1 555 0100", "email": "alice@example.com"}
STAFF = frozenset({"desk", "admin"})


def booked(town: Town) -> tuple[str, str]:
    """The path and the manage token of a new booking for Alice."""
    made = body_of(town.call("POST", "/book", town.slot() | {"customer": ALICE}, key="bot"))
    return f"/bookings/{made['booking_id']}", made["manage_token"]


def renew(town: Town, path: str, key: str = "desk") -> str:
    reply = town.call("POST", f"{path}/manage-token", key=key)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (201, "no-store"), reply.text
    assert body_of(reply).keys() == {"manage_token"}
    return str(body_of(reply)["manage_token"])


def ended(town: Town, path: str, token: str) -> bool:
    reply = town.call("GET", path, key=token)
    if reply.status_code == 200:
        return False
    refused(reply, 401, "unauthenticated")
    return True


def change(town: Town, path: str, key: str = "desk", **changed: Any) -> int:
    return town.call("PATCH", path, changed, key=key, If_Match="*").status_code


@pytest.mark.parametrize("key", sorted(STAFF))
def test_a_new_token_ends_the_ones_before(town: Town, key: str) -> None:
    path, first = booked(town)
    second = renew(town, path, key)
    assert ended(town, path, first)
    assert not ended(town, path, second)
    third = renew(town, path, key)
    assert len({first, second, third}) == 3
    assert ended(town, path, second)
    assert town.call("POST", f"{path}/cancel", key=third).status_code == 200
    assert not ended(town, path, renew(town, path, key))


def test_an_ended_token_changes_nothing(town: Town) -> None:
    path, token = booked(town)
    renew(town, path)
    before = town.world.bookings()
    refused(town.call("POST", f"{path}/cancel", key=token), 401, "unauthenticated")
    refused(town.call("PATCH", path, {"description": "x"}, key=token, If_Match="*"), 401, "unauthenticated")
    assert town.world.bookings() == before


def test_the_history_says_who_made_it(town: Town) -> None:
    path, _ = booked(town)
    renew(town, path)
    shown = body_of(town.call("GET", path, key="desk"))
    assert (shown["version"], shown["history"][-1]["action"]) == (2, "new_token")
    assert shown["history"][-1]["changes"] == {"token_generation": {"from": 0, "to": 1}}
    assert "token_generation" not in shown


def test_admission(town: Town) -> None:
    path, token = booked(town)
    town.check_admission("POST", f"{path}/manage-token", roles=STAFF)
    refused(town.call("POST", f"{path}/manage-token", key=token), 403, "forbidden")
    for missing in (("rival", path), ("desk", "/bookings/bk_none")):
        refused(town.call("POST", f"{missing[1]}/manage-token", key=missing[0]), 404, "booking_not_found")
    assert not ended(town, path, token)


def test_no_token_is_kept_for_a_repeat(town: Town) -> None:
    path, _ = booked(town)
    replies = [town.call("POST", f"{path}/manage-token", key="desk", Idempotency_Key="k" * 16) for _ in range(2)]
    tokens = [body_of(reply)["manage_token"] for reply in replies]
    assert tokens[0] != tokens[1]
    kept = repr(town.world.bookings()) + repr(dump(town.world.services.redis, town.world.org))
    assert not [token for token in tokens if token in kept]


@pytest.mark.parametrize("key", ["desk", "bot"])
@pytest.mark.parametrize(
    "customer",
    [ALICE | {"phone": "+1 555 0199"}, ALICE | {"email": "eve@example.com"}, {"name": "Alice"}],
)
def test_another_phone_or_address_ends_the_token(town: Town, key: str, customer: dict[str, str]) -> None:
    path, token = booked(town)
    assert change(town, path, key, customer=customer) == 200
    assert ended(town, path, token)


def test_it_ends_with_a_move_that_changes_the_phone(town: Town) -> None:
    path, token = booked(town)
    moved = town.slot(15)["start"]
    assert change(town, path, start=moved, customer=ALICE | {"phone": "+1 555 0199"}) == 200
    assert ended(town, path, token)


@pytest.mark.parametrize(
    "changed",
    [
        {"description": "The tap drips."},
        {"customer": ALICE | {"name": "Alicia"}},
        {"customer": ALICE | {"phone": "15550100"}},
    ],
)
def test_any_other_change_leaves_it(town: Town, changed: dict[str, Any]) -> None:
    path, token = booked(town)
    assert change(town, path, **changed) == 200
    assert not ended(town, path, token)


def test_a_customer_who_changes_the_phone_with_it_keeps_it(town: Town) -> None:
    path, token = booked(town)
    assert change(town, path, token, customer=ALICE | {"phone": "+1 555 0199"}) == 200
    assert not ended(town, path, token)


def test_a_repeat_of_the_booking_gives_other_keys_the_valid_token(town: Town) -> None:
    wanted = town.slot() | {"customer": ALICE}
    made = body_of(town.call("POST", "/book", wanted, key="bot", Idempotency_Key="sms-1"))
    valid = renew(town, f"/bookings/{made['booking_id']}")
    again = body_of(town.call("POST", "/book", wanted, key="bot", Idempotency_Key="sms-1"))
    assert again["manage_token"] == valid


def test_ended_and_forged_tokens_count_as_unknown_keys_and_valid_ones_are_served_all_the_same(town: Town) -> None:
    path, old = booked(town)
    new = renew(town, path)
    town.call("PATCH", "/policy", {"public_requests_per_minute": None}, key="admin")
    allowed = town.world.services.settings.keyless_per_minute
    wrong = [old, f"{new[:-1]}{'A' if new[-1] != 'A' else 'B'}"]
    statuses = [town.call("GET", path, key=wrong[number % 2]).status_code for number in range(allowed)]
    assert set(statuses) == {401}
    for token in wrong:
        refused(town.call("GET", path, key=token), 429, "rate_limited")
    assert not ended(town, path, new)


NAMES = {"property_name", "property_address", "technician_names", "timezone"}


def test_its_bearer_sees_where_and_with_whom_the_visit_is(town: Town) -> None:
    site = {"name": "Mill House", "address": "Mill Lane 1", "timezone": "Europe/Paris"}
    for path, body in (("/properties/prop-1", site), ("/technicians/tech-2", {"name": "Bea"})):
        assert town.call("PATCH", path, body, key="admin").status_code == 200
    made = town.book()
    path, token = f"/bookings/{made['booking_id']}", made["manage_token"]
    shown = {"property_name": "Mill House", "property_address": "Mill Lane 1", "timezone": "Europe/Paris"}
    replies = [
        (town.call("GET", path, key=token), "Technician 1"),
        (town.call("PATCH", path, {"technician_id": "tech-2"}, key=token, If_Match="*"), "Bea"),
        (town.call("POST", f"{path}/cancel", key=token), "Bea"),
    ]
    for reply, technician in replies:
        assert {name: body_of(reply)[name] for name in NAMES} == {**shown, "technician_names": [technician]}
    for key in ("bot", "desk", "admin"):
        assert not NAMES & body_of(town.call("GET", path, key=key)).keys()
    assert not NAMES & made.keys()
