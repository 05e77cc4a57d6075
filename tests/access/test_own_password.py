"""A person gives herself another password, and ends her sessions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.access import Caller, Role
from models.errors import Forbidden, InvalidRequest, RateLimited, StoreUnavailable, Unauthenticated
from models.users import UserPatch
from services.access.wrong_tries import TOGETHER
from tests.access.office import EMAIL, HOME, PASSWORD, Office
from tests.access.servers import is_known
from tests.catalogue.watched_db import WatchedDatabase

NEW = "another long one"


@pytest.fixture
def office(db: WatchedDatabase) -> Office:
    made = Office(db)
    made.add()
    return made


def caller_of(office: Office, token: str) -> Caller:
    return replace(office.access.authenticate(token), address=HOME)


def test_a_new_password_ends_all_sessions_and_begins_one(office: Office) -> None:
    office.add("erik", "erik@example.com")
    here, elsewhere, erik = office.sign_in(), office.sign_in(), office.sign_in(email="erik@example.com")
    made = office.sessions.change_password(caller_of(office, here), PASSWORD, NEW)
    assert [is_known(office.access, token) for token in (here, elsewhere, made.token, erik)] == [
        *(False, False),
        *(True, True),
    ]
    with pytest.raises(Unauthenticated):
        office.sign_in(PASSWORD)
    assert office.sign_in(NEW)


def test_a_wrong_password_changes_nothing_and_ten_are_enough_for_a_while(office: Office) -> None:
    caller = caller_of(office, token := office.sign_in())
    for _ in range(TOGETHER):
        with pytest.raises(InvalidRequest):
            office.sessions.change_password(caller, "wrong", NEW)
    for refused in (lambda: office.sessions.change_password(caller, PASSWORD, NEW), office.sign_in):
        with pytest.raises(RateLimited):
            refused()
    assert is_known(office.access, token)
    assert office.sign_in(address="192.0.2.7")


def test_a_key_has_no_password(office: Office) -> None:
    key = office.access.create_key("acme", Role.ADMIN).key
    for token in (key, office.sessions.sign_in_with_key(key).token):
        with pytest.raises(Forbidden):
            office.sessions.change_password(caller_of(office, token), PASSWORD, NEW)


@pytest.mark.parametrize("change", [UserPatch(password="of the admin"), UserPatch(status="disabled"), None])
def test_what_an_admin_changes_at_that_moment_stands(office: Office, change: UserPatch | None) -> None:
    caller = caller_of(office, token := office.sign_in())

    def meanwhile() -> None:
        if change is None:
            office.people.remove("acme", "dana")
        else:
            office.people.change("acme", "dana", change)

    office.passwords.between = meanwhile
    with pytest.raises(Unauthenticated):
        office.sessions.change_password(caller, PASSWORD, NEW)
    office.passwords.between = lambda: None
    assert not is_known(office.access, token)
    with pytest.raises(Unauthenticated):
        office.sign_in(NEW)


def test_without_mongodb_the_old_password_stays(db: WatchedDatabase, office: Office) -> None:
    caller = caller_of(office, office.sign_in())
    db.down = True
    with pytest.raises(StoreUnavailable):
        office.sessions.change_password(caller, PASSWORD, NEW)
    db.down = False
    assert office.sign_in(PASSWORD)


def test_signing_out_everywhere_ends_the_sessions_of_this_person_alone(office: Office) -> None:
    office.add("erik", "erik@example.com")
    here, elsewhere, erik = office.sign_in(), office.sign_in(), office.sign_in(email="erik@example.com")
    office.sessions.sign_out(caller_of(office, here), everywhere=True)
    assert [is_known(office.access, token) for token in (here, elsewhere, erik)] == [False, False, True]


def test_signing_out_everywhere_with_a_key_ends_the_sessions_of_that_key(office: Office) -> None:
    own, other = (office.access.create_key("acme", Role.DESK).key for _ in range(2))
    tokens = [office.sessions.sign_in_with_key(key).token for key in (own, own, other)]
    person = office.sign_in(email=EMAIL)
    office.sessions.sign_out(caller_of(office, tokens[0]), everywhere=True)
    assert [is_known(office.access, token) for token in (*tokens, person, own)] == [False, False, True, True, True]
