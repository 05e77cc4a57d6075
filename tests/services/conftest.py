"""The services over fakes, which are quick, and over real servers, which are true; and the cast who calls them."""

from __future__ import annotations

import pytest

from models.access import Caller, Role
from tests.world import World


@pytest.fixture(params=["fakes", "real servers"])
def any_world(request: pytest.FixtureRequest) -> World:
    """A world over fakes, then one over real servers, for what must be so on both."""
    made: World = request.getfixturevalue("fake_world" if request.param == "fakes" else "world")
    return made


@pytest.fixture
def alice(any_world: World) -> Caller:
    """The customer's browser."""
    return any_world.caller("checkout")


@pytest.fixture
def bob(any_world: World) -> Caller:
    """The receptionist."""
    return any_world.caller("desk")


@pytest.fixture
def bot(any_world: World) -> Caller:
    """The SMS bot."""
    return any_world.caller("bot")


@pytest.fixture
def charlie(any_world: World) -> Caller:
    """Somebody from another org."""
    return any_world.services.access.authenticate(any_world.rival_key)


@pytest.fixture
def stranger(any_world: World) -> Caller:
    """Another checkout of the same org, with a key of its own."""
    access = any_world.services.access
    return access.authenticate(access.create_key(any_world.org, Role.CHECKOUT))
