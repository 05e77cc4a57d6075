"""Fixtures of the API tests that need no store."""

from __future__ import annotations

import pytest

from tests.api.stubs import Send, Stubbed


@pytest.fixture
def stubbed() -> Stubbed:
    return Stubbed()


@pytest.fixture
def send(stubbed: Stubbed) -> Send:
    return stubbed.send()
