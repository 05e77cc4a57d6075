"""Idempotency keys of requests that nothing else protects: one request, one answer."""

from __future__ import annotations

from typing import Any

import pytest

from models.access import Caller, IdempotencyClaim
from models.errors import IdempotencyKeyReused, RequestInProgress, SlotHeld
from services.claims.idempotency import Idempotency
from tests.world import World

KEY = IdempotencyClaim("a key", "print of the request")


class Act:
    """Counts how often it was done, and gives another answer each time."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> tuple[int, dict[str, Any]]:
        self.times += 1
        return 201, {"number": self.times, "text": "été"}


@pytest.fixture
def idempotency(world: World) -> Idempotency:
    return world.services.idempotency


def test_it_is_done_once_and_answered_alike(idempotency: Idempotency, alice: Caller) -> None:
    act = Act()
    assert idempotency.once(alice, KEY, act) == (201, {"number": 1, "text": "été"}, False)
    assert idempotency.once(alice, KEY, act) == (201, {"number": 1, "text": "été"}, True)
    assert act.times == 1


@pytest.mark.parametrize(("role", "kept_ms"), [("desk", 86_400_000), ("bot", 86_400_000), ("checkout", 600_000)])
def test_the_answer_is_kept_for_a_day_and_that_of_a_stranger_for_ten_minutes(
    world: World, idempotency: Idempotency, role: str, kept_ms: int
) -> None:
    caller = world.caller(role)
    idempotency.once(caller, KEY, Act())
    left = world.services.redis.pttl(world.names.idempotency(caller.key_id, KEY.key))
    assert kept_ms - 10_000 < left <= kept_ms


def test_a_long_request_keeps_its_key_while_it_runs(world: World, idempotency: Idempotency, alice: Caller) -> None:
    name, left = world.names.idempotency(alice.key_id, KEY.key), list[int]()

    def act() -> tuple[int, dict[str, Any]]:
        left.append(world.services.redis.pttl(name))
        return 200, {}

    idempotency.once(alice, KEY, act, longer_seconds=20)
    assert 20_000 < left[0] <= 25_000


def test_an_answer_that_outlives_its_key_knows_its_request(
    world: World, idempotency: Idempotency, alice: Caller
) -> None:
    def act() -> tuple[int, dict[str, Any]]:
        world.services.redis.delete(world.names.idempotency(alice.key_id, KEY.key))
        return 200, {"number": 1}

    idempotency.once(alice, KEY, act)
    assert idempotency.once(alice, KEY, act) == (200, {"number": 1}, True)
    with pytest.raises(IdempotencyKeyReused):
        idempotency.once(alice, IdempotencyClaim(KEY.key, "another print"), act)


def test_the_key_of_another_request_is_refused(idempotency: Idempotency, alice: Caller) -> None:
    act = Act()
    idempotency.once(alice, KEY, act)
    with pytest.raises(IdempotencyKeyReused):
        idempotency.once(alice, IdempotencyClaim(KEY.key, "another print"), act)
    assert act.times == 1


def test_keys_belong_to_one_api_key_of_one_org(
    idempotency: Idempotency, alice: Caller, bob: Caller, charlie: Caller
) -> None:
    act = Act()
    for caller in (alice, bob, charlie):
        assert not idempotency.once(caller, KEY, act)[2]
    assert act.times == 3


def test_a_repeat_while_the_first_runs_is_told_to_wait(idempotency: Idempotency, alice: Caller) -> None:
    def act() -> tuple[int, dict[str, Any]]:
        with pytest.raises(RequestInProgress) as refused:
            idempotency.once(alice, KEY, Act())
        assert refused.value.retry_after_seconds in range(1, 6)
        return 200, {}

    assert idempotency.once(alice, KEY, act) == (200, {}, False)


@pytest.mark.parametrize("error", [SlotHeld, RuntimeError, KeyboardInterrupt])
def test_a_refusal_keeps_no_key(idempotency: Idempotency, alice: Caller, error: type[BaseException]) -> None:
    def act() -> tuple[int, dict[str, Any]]:
        raise error

    with pytest.raises(error):
        idempotency.once(alice, KEY, act)
    assert idempotency.once(alice, IdempotencyClaim(KEY.key, "another print"), Act()) == (
        201,
        {"number": 1, "text": "été"},
        False,
    )


def test_a_worker_that_died_frees_the_key_by_itself(world: World, idempotency: Idempotency, alice: Caller) -> None:
    def act() -> tuple[int, dict[str, Any]]:
        left = world.services.redis.pttl(world.names.idempotency(alice.key_id, KEY.key))
        assert 0 < left <= 5_000
        return 200, {}

    idempotency.once(alice, KEY, act)
