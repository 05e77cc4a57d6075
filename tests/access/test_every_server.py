"""Keys on several servers over one real MongoDB: how soon what one server does counts on the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.access import Role
from models.errors import AlreadyExists, RateLimited, Unauthenticated
from models.users import UserCreate, UserPatch
from scripts.dev_server.child import wait_until
from services.access.authentication import Access
from services.access.wrong_tries import TOGETHER
from services.clock import utc_now
from tests.access.servers import is_known
from tests.own_time import own_time
from tests.world import SECRET, World


@pytest.fixture
def servers(world: World) -> Iterator[list[Access]]:
    made = [Access(world.services.db, SECRET, utc_now) for _ in range(3)]
    yield made
    for access in made:
        access.close()


def seconds_until(condition: Callable[[], bool]) -> float:
    with own_time() as passed:
        assert wait_until(condition, seconds=30)
        return passed()


def test_every_server_refuses_a_revoked_key_within_two_seconds(world: World, servers: list[Access]) -> None:
    made = world.services.access.create_key(world.org, Role.DESK)
    assert all(is_known(server, made.key) for server in servers)
    servers[0].revoke_key(world.org, made.key_id)
    assert not is_known(servers[0], made.key)
    assert seconds_until(lambda: not any(is_known(server, made.key) for server in servers)) < 2


def test_every_server_refuses_a_rotated_key_within_two_seconds(world: World, servers: list[Access]) -> None:
    made = world.services.access.create_key(world.org, Role.DESK)
    assert all(is_known(server, made.key) for server in servers)
    successor = servers[0].rotate_key(world.org, made.key_id, 0)
    assert seconds_until(lambda: not any(is_known(server, made.key) for server in servers)) < 2
    assert all(is_known(server, successor.key) for server in servers)


def test_every_server_accepts_a_new_key_within_a_second_although_it_refused_it_before(
    world: World, servers: list[Access], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.access.api_keys.secrets.token_urlsafe", lambda _: f"of.{world.org}")
    key = f"hf_bot_of.{world.org}"
    for server in servers:
        assert is_known(server, world.keys["desk"])
        assert not is_known(server, key)
    servers[0].create_key(world.org, Role.BOT)
    assert seconds_until(lambda: all(is_known(server, key) for server in servers)) < 1.2


def test_every_server_ends_the_sessions_of_a_disabled_person_within_two_seconds(
    world: World, servers: list[Access]
) -> None:
    email = f"dana@{world.org}.example"
    wanted = {"id": "dana", "name": "Dana", "email": email, "role": "desk", "password": "a good long password"}
    world.services.sessions.people.create(world.org, UserCreate.model_validate(wanted))
    tokens = [world.services.sessions.sign_in(email, "a good long password", "").token for _ in range(2)]
    assert all(is_known(server, token) for server in servers for token in tokens)
    world.services.sessions.people.change(world.org, "dana", UserPatch(status="disabled"))
    assert not is_known(world.services.access, tokens[0])
    assert seconds_until(lambda: not any(is_known(each, token) for each in servers for token in tokens)) < 2


def test_two_servers_make_one_of_two_people_with_one_email_address(world: World) -> None:
    """The unique index decides, also where both looked at the same moment."""
    email = f"dana@{world.org}.example"

    def make(user_id: str) -> bool:
        wanted = {"id": user_id, "name": "Dana", "email": email, "role": "desk", "password": "a good long password"}
        try:
            world.services.sessions.people.create(world.org, UserCreate.model_validate(wanted))
        except AlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make, ("a", "b", "c", "d"))) == [False, False, False, True]


def test_wrong_tries_at_one_moment_count_all(world: World) -> None:
    """Each try is counted before its password is checked."""
    email = f"nobody@{world.org}.example"

    def guess(_number: int) -> type[Exception]:
        with pytest.raises((Unauthenticated, RateLimited)) as refused:
            world.services.sessions.sign_in(email, "a wrong password", "192.0.2.1")
        return refused.type

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(TOGETHER + 6)))
    assert (answers.count(Unauthenticated), answers.count(RateLimited)) == (TOGETHER, 6)
