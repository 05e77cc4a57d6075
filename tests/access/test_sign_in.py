"""Signing in: what it tells, how often it may be tried, and what ends a session."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest

from models.access import Role
from models.errors import RateLimited, StoreUnavailable, Unauthenticated
from models.users import UserPatch
from services.access.passwords import NOBODYS, Passwords
from services.access.wrong_tries import BY_ADDRESS, BY_EMAIL, TOGETHER, WINDOW
from tests.access.office import EMAIL, PASSWORD, Office
from tests.access.servers import access_to, is_known
from tests.catalogue.watched_db import WatchedDatabase


@pytest.fixture
def office(db: WatchedDatabase) -> Office:
    made = Office(db)
    made.add()
    return made


def wrong(office: Office, **who: str) -> None:
    with pytest.raises(Unauthenticated):
        office.sign_in("wrong", **who)


def test_a_session_is_its_person_and_costs_no_read_afterwards(db: WatchedDatabase, office: Office) -> None:
    token = office.sign_in()
    db.down = True
    caller = office.access.authenticate(token)
    assert (caller.org, caller.role, caller.key_id, caller.name) == ("acme", Role.DESK, "user.dana", "desk:dana")
    assert caller.session_id.startswith("session_")


def test_a_session_ends_after_twelve_hours(office: Office) -> None:
    token = office.sign_in()
    office.now += timedelta(hours=12, seconds=-1)
    assert is_known(office.access, token)
    office.now += timedelta(seconds=1)
    assert not is_known(office.access, token)


def test_every_try_checks_one_password_and_reads_alike_for_every_address(db: WatchedDatabase, office: Office) -> None:
    """So the time that a refusal takes does not tell whether anybody has the address."""
    office.add("erik", "erik@example.com")
    office.people.change("acme", "erik", UserPatch(status="disabled"))
    seen = []
    for email in (EMAIL, "nobody@example.com", "erik@example.com"):
        db.reads.clear()
        wrong(office, email=email)
        seen.append(list(db.reads))
    assert len(office.passwords.checked) == 3
    assert office.passwords.checked[1:] == [None, None]
    assert seen[0] == seen[1] == seen[2]


def test_nobodys_hash_costs_as_much_as_a_persons() -> None:
    own = Passwords().hash(PASSWORD)
    assert own.split("$")[:4] == NOBODYS.split("$")[:4]
    assert [len(part) for part in own.split("$")] == [len(part) for part in NOBODYS.split("$")]
    assert not Passwords().fits("", None)


def test_hashing_keeps_no_other_request_of_a_worker_waiting() -> None:
    """A program of its own, under gevent as a worker is."""
    program = f"{sys.executable} -m gevent.monkey --module tests.access.hashing".split()
    ran = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.split() == ["beside", "within"], ran.stderr


def test_a_password_fits_in_each_way_to_write_it() -> None:
    kept = Passwords().hash("Kr\u00f3na og kr\u00f3na")
    assert Passwords().fits("Kro\u0301na og kro\u0301na", kept)
    assert not Passwords().fits("Krona og krona", kept)


def test_wrong_tries_count_for_the_address_and_the_email_together(office: Office) -> None:
    for _ in range(TOGETHER):
        wrong(office)
    checked = len(office.passwords.checked)
    for password in ("wrong", PASSWORD):
        with pytest.raises(RateLimited) as refused:
            office.sign_in(password)
        assert refused.value.retry_after_seconds == 900
    assert len(office.passwords.checked) == checked
    assert office.sign_in(address="192.0.2.2")
    wrong(office, email="nobody@example.com")
    office.now += WINDOW
    assert office.sign_in()


@pytest.mark.parametrize(("most", "many"), [(BY_ADDRESS, "email"), (BY_EMAIL, "address")])
def test_one_address_cannot_try_many_people_nor_many_addresses_one_person(
    office: Office, monkeypatch: pytest.MonkeyPatch, most: int, many: str
) -> None:
    monkeypatch.setattr(office.passwords, "fits", lambda *_: False)
    for number in range(most):
        wrong(office, **{many: f"{number}"})
    with pytest.raises(RateLimited):
        office.sign_in(**{many: "one more"})


def test_right_passwords_count_for_nothing(office: Office) -> None:
    for _ in range(TOGETHER - 1):
        wrong(office)
    for _ in range(3):
        office.sign_in()
    wrong(office)
    with pytest.raises(RateLimited):
        office.sign_in()


def test_the_tries_of_all_servers_count_together(db: WatchedDatabase, office: Office) -> None:
    elsewhere = Office(db)
    for number in range(TOGETHER):
        wrong(office if number % 2 else elsewhere)
    for server in (office, elsewhere):
        with pytest.raises(RateLimited):
            server.sign_in()


def test_mongodb_does_not_have_the_addresses_that_were_tried(db: WatchedDatabase, office: Office) -> None:
    wrong(office)
    kept = list(db.store["sign_in_tries"].find())
    assert [each.keys() for each in kept] == [{"_id", "tries", "ends_at"}] * 3
    assert EMAIL not in repr(kept)
    assert "192.0.2.1" not in repr(kept)


@pytest.mark.parametrize("change", [UserPatch(role="admin"), UserPatch(status="disabled"), None])
def test_a_change_while_somebody_signs_in_is_not_missed(office: Office, change: UserPatch | None) -> None:
    """The session begins after the change has ended all that there were."""

    def meanwhile() -> None:
        if change is None:
            office.people.remove("acme", "dana")
        else:
            office.people.change("acme", "dana", change)

    office.passwords.between = meanwhile
    with pytest.raises(Unauthenticated):
        office.sign_in()


def test_another_server_refuses_an_ended_session_once_it_has_followed(db: WatchedDatabase, office: Office) -> None:
    elsewhere = access_to(db, clock=office.clock)
    token = office.sign_in()
    assert is_known(elsewhere, token)
    elsewhere.follow()
    office.people.change("acme", "dana", UserPatch(password="another long one"))
    assert not is_known(office.access, token)
    assert is_known(elsewhere, token)
    elsewhere.follow()
    assert not is_known(elsewhere, token)


def test_the_sessions_of_a_key_end_with_it(office: Office) -> None:
    keys = office.access
    doomed, rotated = (keys.create_key("acme", Role.DESK) for _ in range(2))
    tokens = [office.sessions.sign_in_with_key(made.key).token for made in (doomed, rotated)]
    assert [keys.authenticate(token).key_id for token in tokens] == [doomed.key_id, rotated.key_id]
    keys.revoke_key("acme", doomed.key_id)
    successor = keys.rotate_key("acme", rotated.key_id, 60)
    late = office.sessions.sign_in_with_key(rotated.key).token
    assert [is_known(keys, token) for token in (*tokens, late)] == [False, True, True]
    office.now += timedelta(seconds=60)
    assert [is_known(keys, token) for token in (*tokens, late)] == [False, False, False]
    with pytest.raises(Unauthenticated):
        office.sessions.sign_in_with_key(doomed.key)
    session = keys.authenticate(office.sessions.sign_in_with_key(successor.key).token)
    assert session.was(f"desk:{rotated.key_id}")


def test_without_mongodb_nobody_signs_in_and_sessions_go_on(db: WatchedDatabase, office: Office) -> None:
    token = office.sign_in()
    db.down = True
    with pytest.raises(StoreUnavailable):
        office.sign_in()
    assert is_known(office.access, token)


def test_a_warm_up_reads_keys_and_no_sessions(db: WatchedDatabase, office: Office) -> None:
    key = office.access.create_key("acme", Role.BOT).key
    token = office.sign_in()
    newcomer = access_to(db, clock=office.clock)
    newcomer.warm()
    assert newcomer.known(key) is not None
    assert newcomer.known(token) is None
