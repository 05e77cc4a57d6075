"""The command that makes API keys on an installation."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import mongomock
import pytest

from models.access import Role
from models.errors import Unauthenticated
from scripts.keys import Desk, main
from services.access.api_keys import ApiKeys
from services.access.authentication import Access
from services.access.passwords import Passwords
from services.access.people import People, ensure_user_indexes


class Installation:
    def __init__(self) -> None:
        self.db: Any = mongomock.MongoClient(tz_aware=True)["holdfast"]
        self.keys = ApiKeys(self.db, lambda: datetime(2026, 12, 1, tzinfo=UTC))
        self.people = People(self.db, Passwords(), lambda: datetime(2026, 12, 1, tzinfo=UTC))
        ensure_user_indexes(self.db)

    def signs_in(self, password: str) -> bool:
        person = self.people.by_email("dana@example.com")
        return person is not None and Passwords().fits(password, person.password)

    def run(self, *arguments: str) -> int:
        return main(arguments, Desk(self.keys, self.people))

    @property
    def access(self) -> Access:
        return Access(self.db, "s" * 32, lambda: datetime(2026, 12, 1, tzinfo=UTC))


@pytest.fixture
def installation() -> Installation:
    return Installation()


Output = pytest.CaptureFixture[str]


def made(installation: Installation, capsys: Output, *arguments: str) -> str:
    """The key that `create` or `rotate` prints."""
    assert installation.run(*arguments) == 0
    return capsys.readouterr().out.strip()


def test_it_makes_the_org_and_prints_only_the_key(installation: Installation, capsys: Output) -> None:
    key = made(installation, capsys, "create", "acme", "admin", "--org-name", "Acme Property Care")
    assert installation.access.authenticate(key).role is Role.ADMIN
    assert installation.db["orgs"].find_one({"_id": "acme"})["name"] == "Acme Property Care"


def test_a_mistyped_org_is_not_made(installation: Installation, capsys: Output) -> None:
    assert installation.run("create", "acne", "admin") == 1
    assert "--org-name" in capsys.readouterr().err
    assert installation.db["api_keys"].count_documents({}) == 0


def test_it_keeps_the_name_of_an_org_that_exists(installation: Installation) -> None:
    for name in ("Acme", "Other"):
        assert installation.run("create", "acme", "desk", "--org-name", name) == 0
    assert installation.db["orgs"].find_one({"_id": "acme"})["name"] == "Acme"


def test_it_lists_and_revokes(installation: Installation, capsys: Output) -> None:
    key = made(installation, capsys, "create", "acme", "desk", "--org-name", "Acme", "--name", "Front desk")
    installation.run("list", "acme")
    key_id, role, _, *state = capsys.readouterr().out.split()
    assert (role, state) == ("desk", ["in", "use", "Front", "desk"])
    for _ in range(2):
        assert installation.run("revoke", "acme", key_id) == 0
    installation.run("list", "acme")
    shown = capsys.readouterr().out
    assert "revoked" in shown
    assert key not in shown
    assert installation.run("revoke", "acme", "key_none") == 1


def test_it_lists_more_keys_than_one_page_has(installation: Installation, capsys: Output) -> None:
    installation.keys.create_org("acme", "Acme")
    for _ in range(120):
        installation.keys.create_key("acme", Role.BOT)
    installation.run("list", "acme")
    assert len(set(capsys.readouterr().out.splitlines())) == 120


def test_it_rotates_a_key_with_an_overlap(installation: Installation, capsys: Output) -> None:
    installation.keys.create_org("acme", "Acme")
    old = installation.keys.create_key("acme", Role.DESK)
    new = made(installation, capsys, "rotate", "acme", old.key_id, "--overlap", "60")
    assert installation.access.authenticate(old.key).role is installation.access.authenticate(new).role is Role.DESK
    installation.run("list", "acme")
    assert "until 2026-12-01T00:01:00Z" in capsys.readouterr().out
    made(installation, capsys, "rotate", "acme", old.key_id, "--overlap", "0")
    with pytest.raises(Unauthenticated):
        installation.access.authenticate(old.key)


def test_a_checkout_key_is_made_for_web_pages(installation: Installation, capsys: Output) -> None:
    arguments = ("create", "acme", "checkout", "--org-name", "Acme", "--origin")
    key = made(installation, capsys, *arguments, "https://A.example", "--origin", "http://localhost:3000")
    assert installation.access.authenticate(key).origins == {"https://a.example", "http://localhost:3000"}
    assert installation.run(*arguments, "a.example/path") == 1
    assert "such as https://www.example.com" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "bad org", "desk"],
        ["create", "acme\n", "desk", "--org-name", "Acme"],
        ["create", "acme", "desk", "--org-name", "\x1b[31mAcme"],
        ["create", "acme", "desk", "--org-name", "\u200b"],
        ["create", "acme"],
        ["create", "acme", "customer", "--org-name", "Acme"],
        ["rotate", "acme", "key_1", "--overlap", "soon"],
        [],
    ],
)
def test_it_says_what_is_wrong_with_a_command(installation: Installation, capsys: Output, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        installation.run(*arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err
    assert installation.db["api_keys"].count_documents({}) == 0


def test_it_refuses_an_overlap_that_is_too_long(installation: Installation, capsys: Output) -> None:
    assert installation.run("rotate", "acme", "key_1", "--overlap", "99999999") == 1
    assert "overlap_seconds" in capsys.readouterr().err


DANA = ("acme", "dana", "--name", "Dana Smith", "--email", "dana@example.com")


@pytest.fixture
def acme(installation: Installation) -> Installation:
    installation.keys.create_org("acme", "Acme")
    return installation


def test_it_adds_a_person_and_prints_only_the_password(acme: Installation, capsys: Output) -> None:
    password = made(acme, capsys, "user", *DANA, "--role", "admin")
    assert acme.signs_in(password)
    assert acme.run("users", "acme") == 0
    assert capsys.readouterr().out.split() == ["dana", "admin", "active", "dana@example.com", "Dana", "Smith"]
    assert acme.run("user", *DANA) == 1
    assert capsys.readouterr() == ("", "Somebody has this id, or had it once. Please choose another one.\n")


def test_it_takes_a_password_from_stdin_and_prints_none(
    acme: Installation, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("correct horse battery\n"))
    assert made(acme, capsys, "user", *DANA, "--password-stdin") == ""
    assert acme.signs_in("correct horse battery")
    monkeypatch.setattr("sys.stdin", StringIO("short\n"))
    assert acme.run("password", "acme", "dana", "--password-stdin") == 1
    assert "10 or more characters" in capsys.readouterr().err


def test_it_disables_a_person_until_there_is_a_new_password(acme: Installation, capsys: Output) -> None:
    first = made(acme, capsys, "user", *DANA)
    assert acme.run("disable", "acme", "dana") == 0
    assert not acme.signs_in(first)
    second = made(acme, capsys, "password", "acme", "dana")
    assert acme.signs_in(second)
    assert not acme.signs_in(first)
    assert acme.run("password", "acme", "nobody") == 1
    assert capsys.readouterr() == ("", "There is no such person.\n")


def test_a_person_is_of_an_org_that_exists(installation: Installation, capsys: Output) -> None:
    assert installation.run("user", *DANA) == 1
    assert "There is no org acme" in capsys.readouterr().err
