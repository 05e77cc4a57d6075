"""Fixtures of the API tests: an app over stubs, and the whole product over fakes and over real servers."""

from __future__ import annotations

import pytest

from tests.api.stubs import Send, Stubbed
from tests.api.town import Town


@pytest.fixture
def stubbed() -> Stubbed:
    return Stubbed()


@pytest.fixture
def send(stubbed: Stubbed) -> Send:
    return stubbed.send()


@pytest.fixture(params=["fake_world", "world"])
def town(request: pytest.FixtureRequest) -> Town:
    """Each test runs twice: over fakes, and over a real Redis and mongod."""
    return Town(request.getfixturevalue(request.param))
