"""The command that makes API keys on an installation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import mongomock
import pytest

from models.access import Role
from scripts.create_key import main
from services.access.api_keys import ApiKeys
from services.access.authentication import Access


class Installation:
    def __init__(self) -> None:
        self.db: Any = mongomock.MongoClient(tz_aware=True)["holdfast"]
        self.keys = ApiKeys(self.db, lambda: datetime(2026, 12, 1, tzinfo=UTC))

    def run(self, *arguments: str) -> int:
        return main(arguments, self.keys)

    @property
    def access(self) -> Access:
        return Access(self.db, "s" * 32, lambda: datetime(2026, 12, 1, tzinfo=UTC))


@pytest.fixture
def installation() -> Installation:
    return Installation()


Output = pytest.CaptureFixture[str]


def test_it_makes_the_org_and_prints_only_the_key(installation: Installation, capsys: Output) -> None:
    assert installation.run("acme", "admin", "--name", "Acme Property Care") == 0
    key = capsys.readouterr().out.strip()
    assert installation.access.authenticate(key).role is Role.ADMIN
    assert installation.db["orgs"].find_one({"_id": "acme"})["name"] == "Acme Property Care"


def test_a_mistyped_org_is_not_made(installation: Installation, capsys: Output) -> None:
    assert installation.run("acne", "admin") == 1
    assert "--name" in capsys.readouterr().err
    assert installation.db["api_keys"].count_documents({}) == 0


def test_it_keeps_the_name_of_an_org_that_exists(installation: Installation) -> None:
    for name in ("Acme", "Other"):
        assert installation.run("acme", "desk", "--name", name) == 0
    assert installation.db["orgs"].find_one({"_id": "acme"})["name"] == "Acme"


def test_it_lists_and_revokes(installation: Installation, capsys: Output) -> None:
    installation.run("acme", "desk", "--name", "Acme")
    key = capsys.readouterr().out.strip()
    installation.run("acme", "--list")
    key_id, role, _, *state = capsys.readouterr().out.split()
    assert (role, state) == ("desk", ["in", "use"])
    assert installation.run("acme", "--revoke", key_id) == 0
    installation.run("acme", "--list")
    shown = capsys.readouterr().out
    assert "revoked" in shown
    assert key not in shown
    assert installation.run("acme", "--revoke", "key_none") == 1


@pytest.mark.parametrize("arguments", [["bad org", "desk"], ["acme"]])
def test_it_says_what_is_wrong(installation: Installation, capsys: Output, arguments: list[str]) -> None:
    assert installation.run(*arguments) == 1
    assert capsys.readouterr().err


def test_no_key_can_have_the_role_customer(installation: Installation, capsys: Output) -> None:
    with pytest.raises(SystemExit):
        installation.run("acme", "customer", "--name", "Acme")
    assert "customer" in capsys.readouterr().err
