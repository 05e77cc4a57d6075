"""Which caller a bearer token belongs to, and how soon a revoked key is refused."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from models.access import Caller, Role
from models.errors import AlreadyExists, StoreUnavailable, Unauthenticated
from services.access.authentication import Access
from tests.catalogue.watched_db import WatchedDatabase

SECRET = "a secret of at least thirty-two characters"
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def db() -> WatchedDatabase:
    return WatchedDatabase()


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


def access_to(db: WatchedDatabase, monotonic: Callable[[], float] = time.monotonic, every: float = 3600.0) -> Access:
    store = db  # it stands in for a Database
    return Access(store, SECRET, lambda: NOW, monotonic=monotonic, refresh_seconds=every)  # type: ignore[arg-type]


@pytest.fixture
def access(db: WatchedDatabase, stopwatch: Stopwatch) -> Access:
    return access_to(db, stopwatch)


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline, tick = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < deadline:
        if condition():
            return True
        tick.wait(0.005)
    return False


def is_known(access: Access, key: str) -> bool:
    try:
        access.authenticate(key)
    except Unauthenticated:
        return False
    return True


def revoke_elsewhere(db: WatchedDatabase, access: Access, key: str) -> None:
    """As another server does: this process gets no notice of it."""
    key_id = access.authenticate(key).key_id
    db.store["api_keys"].update_one({"key_id": key_id}, {"$set": {"revoked": True}})


def test_a_key_gives_its_org_and_role(access: Access) -> None:
    alice = access.authenticate(access.create_key("alice-co", Role.CHECKOUT))
    bob = access.authenticate(access.create_key("alice-co", Role.DESK))
    assert alice == Caller("alice-co", Role.CHECKOUT, alice.key_id)
    assert bob.is_staff
    assert alice.key_id != bob.key_id


def test_a_known_key_is_read_from_mongodb_once(db: WatchedDatabase, access: Access) -> None:
    key = access.create_key("alice-co", Role.BOT)
    first = access.authenticate(key)
    assert access.authenticate(key) is first
    assert db.reads == ["api_keys"]


def test_mongodb_never_holds_the_key_itself(db: WatchedDatabase, access: Access) -> None:
    key = access.create_key("alice-co", Role.ADMIN)
    assert key.startswith("hf_admin_")
    assert key not in repr(list(db.store["api_keys"].find()))


@pytest.mark.parametrize("bearer", ["", "hf_admin_guess", "Bearer x", "é" * 20, "\ud800", "a\x00b", "x" * 5000, "hfm_"])
def test_a_bearer_that_is_no_key_is_refused(access: Access, bearer: str) -> None:
    with pytest.raises(Unauthenticated):
        access.authenticate(bearer)


def test_a_bearer_that_cannot_be_a_key_costs_no_read(db: WatchedDatabase, access: Access) -> None:
    for bearer in ("", "x" * 257, "a b", "hfm_no-token"):
        assert not is_known(access, bearer)
    assert db.reads == []


def test_a_wrong_key_is_read_at_most_once_in_five_seconds(
    db: WatchedDatabase, access: Access, stopwatch: Stopwatch
) -> None:
    for _ in range(3):
        assert not is_known(access, "hf_admin_guess")
    assert len(db.reads) == 1
    stopwatch.seconds = 5.1
    assert not is_known(access, "hf_admin_guess")
    assert len(db.reads) == 2


def test_a_key_that_is_made_after_a_refusal_works_at_once(access: Access) -> None:
    assert not is_known(access, "hf_bot_given")
    access.create_key("alice-co", Role.BOT, "hf_bot_given")
    assert is_known(access, "hf_bot_given")


def test_a_given_key_is_made_once_and_belongs_to_one_org_and_role(access: Access) -> None:
    for _ in range(2):
        assert access.create_key("alice-co", Role.BOT, "hf_bot_given") == "hf_bot_given"
    with pytest.raises(AlreadyExists):
        access.create_key("charlie-co", Role.BOT, "hf_bot_given")
    with pytest.raises(AlreadyExists):
        access.create_key("alice-co", Role.ADMIN, "hf_bot_given")
    assert access.authenticate("hf_bot_given").org == "alice-co"


def test_no_key_can_have_the_role_customer(access: Access) -> None:
    with pytest.raises(ValueError, match="customer"):
        access.create_key("alice-co", Role.CUSTOMER)


def test_a_key_that_this_process_revokes_is_refused_at_once(access: Access) -> None:
    key = access.create_key("alice-co", Role.DESK)
    assert access.revoke_key("alice-co", access.authenticate(key).key_id)
    assert not is_known(access, key)
    assert access.create_key("alice-co", Role.DESK, key) == key
    assert not is_known(access, key)


def test_an_org_cannot_revoke_the_key_of_another(access: Access) -> None:
    key = access.create_key("alice-co", Role.DESK)
    assert not access.revoke_key("charlie-co", access.authenticate(key).key_id)
    assert is_known(access, key)


def test_a_key_that_another_server_revokes_is_refused_after_the_next_refresh(
    db: WatchedDatabase, access: Access
) -> None:
    doomed, other = (access.create_key("alice-co", Role.DESK) for _ in range(2))
    access.authenticate(other)
    revoke_elsewhere(db, access, doomed)
    assert is_known(access, doomed)
    access.refresh()
    assert not is_known(access, doomed)
    assert is_known(access, other)


def test_a_key_that_another_server_revokes_is_refused_after_its_org_is_forgotten(
    db: WatchedDatabase, access: Access
) -> None:
    key = access.create_key("alice-co", Role.DESK)
    revoke_elsewhere(db, access, key)
    access.forget("charlie-co")
    assert is_known(access, key)
    access.forget("alice-co")
    assert not is_known(access, key)


def test_the_background_thread_notices_a_revoked_key_and_survives_a_dead_store(db: WatchedDatabase) -> None:
    access = access_to(db, every=0.01)
    key = access.create_key("alice-co", Role.DESK)
    access.authenticate(key)
    db.down = True
    failures = len(db.reads)
    assert eventually(lambda: len(db.reads) >= failures + 2)
    assert is_known(access, key)
    db.down = False
    revoke_elsewhere(db, access, key)
    assert eventually(lambda: not is_known(access, key))
    access.close()


def test_the_thread_starts_with_the_first_key_and_ends_with_its_access(db: WatchedDatabase) -> None:
    access = access_to(db)
    assert access._refresher is None
    access.authenticate(access.create_key("alice-co", Role.DESK))
    refresher = access._refresher
    assert refresher is not None
    assert refresher.is_alive()
    assert refresher.daemon
    del access
    gc.collect()
    assert eventually(lambda: not refresher.is_alive())


def test_known_keys_stay_valid_while_mongodb_is_down(db: WatchedDatabase, access: Access) -> None:
    known, unseen = (access.create_key("alice-co", Role.DESK) for _ in range(2))
    access.authenticate(known)
    db.down = True
    with pytest.raises(StoreUnavailable):
        access.refresh()
    assert is_known(access, known)
    access.forget("alice-co")
    assert is_known(access, known)
    with pytest.raises(StoreUnavailable):
        access.authenticate(unseen)


def test_a_key_that_stayed_valid_while_mongodb_was_down_is_read_again(db: WatchedDatabase, access: Access) -> None:
    key = access.create_key("alice-co", Role.DESK)
    revoke_elsewhere(db, access, key)
    access.forget("alice-co")
    db.down = True
    assert is_known(access, key)
    db.down = False
    access.refresh()
    assert not is_known(access, key)


def test_a_read_during_which_the_key_was_revoked_is_not_remembered(db: WatchedDatabase, access: Access) -> None:
    key = access.create_key("alice-co", Role.DESK)

    def revoke_meanwhile() -> None:
        db.after_read = lambda: None
        record = db.store["api_keys"].find_one()
        access.revoke_key("alice-co", record["key_id"])

    db.after_read = revoke_meanwhile
    is_known(access, key)
    assert not is_known(access, key)


def test_a_changed_role_is_noticed(db: WatchedDatabase, access: Access) -> None:
    key = access.create_key("alice-co", Role.DESK)
    access.authenticate(key)
    db.store["api_keys"].update_one({}, {"$set": {"role": "bot"}})
    access.refresh()
    assert access.authenticate(key).role is Role.BOT


def test_the_manage_token_of_a_booking_gives_its_customer(db: WatchedDatabase, access: Access) -> None:
    token = access.manage_token("alice-co", "bk_1")
    assert token == access_to(db).manage_token("alice-co", "bk_1")
    caller = access.authenticate(token)
    assert (caller.org, caller.role, caller.booking_id) == ("alice-co", Role.CUSTOMER, "bk_1")
    assert not caller.is_staff
    assert db.reads == []


def test_a_list_of_keys_shows_their_roles_and_not_the_keys(access: Access) -> None:
    made = access.create_key("alice-co", Role.DESK)
    access.create_key("charlie-co", Role.DESK)
    access.revoke_key("alice-co", access.authenticate(made).key_id)
    [shown] = access.api_keys.list_keys("alice-co")
    assert (shown.role, shown.revoked) == (Role.DESK, True)
    assert made not in repr(shown)
