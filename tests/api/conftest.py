"""Fixtures of the API tests: an app over stubs, and the whole product over fakes."""

from __future__ import annotations

import pytest

from tests.api.stubs import Send, Stubbed
from tests.api.town import Town
from tests.world import World


@pytest.fixture
def stubbed() -> Stubbed:
    return Stubbed()


@pytest.fixture
def send(stubbed: Stubbed) -> Send:
    return stubbed.send()


@pytest.fixture
def town(fake_world: World) -> Town:
    """The product over fakes: what the services do on real stores is tested in the rooms of the services."""
    return Town(fake_world)
