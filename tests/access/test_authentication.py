"""Which caller a bearer token belongs to, and how soon a revoked key is refused."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from models.access import Caller, Role
from models.errors import InvalidRequest, InvalidTransition, NotFound, StoreUnavailable, Unauthenticated
from services.access.api_keys import new_key_record
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
    return Access(store, SECRET, lambda: NOW, monotonic=monotonic, follow_seconds=every)  # type: ignore[arg-type]


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


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def test_a_key_gives_its_org_and_role(access: Access) -> None:
    alice = access.authenticate(access.create_key("alice-co", Role.CHECKOUT).key)
    bob = access.authenticate(access.create_key("alice-co", Role.DESK).key)
    assert alice == Caller("alice-co", Role.CHECKOUT, alice.key_id)
    assert bob.is_staff
    assert alice.key_id != bob.key_id


def test_a_known_key_is_read_from_mongodb_once(db: WatchedDatabase, access: Access) -> None:
    key = access.create_key("alice-co", Role.BOT).key
    first = access.authenticate(key)
    assert access.authenticate(key) == first
    assert db.reads == ["api_keys"]


def test_mongodb_never_holds_the_key_itself(db: WatchedDatabase, access: Access) -> None:
    key = access.create_key("alice-co", Role.ADMIN).key
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


def test_a_wrong_key_is_read_at_most_once_a_second(db: WatchedDatabase, access: Access, stopwatch: Stopwatch) -> None:
    for _ in range(3):
        assert not is_known(access, "hf_admin_guess")
    assert len(db.reads) == 1
    stopwatch.seconds = 1.1
    assert not is_known(access, "hf_admin_guess")
    assert len(db.reads) == 2


def test_memory_alone_tells_a_known_key_a_refused_one_and_one_to_look_up(db: WatchedDatabase, access: Access) -> None:
    key = access.create_key("alice-co", Role.DESK).key
    assert access.known(key) is None
    caller = access.look_up(key)
    with pytest.raises(Unauthenticated):
        access.look_up("hf_admin_guess")
    db.down = True
    assert access.known(key) == caller
    with pytest.raises(Unauthenticated):
        access.known("hf_admin_guess")


def test_a_key_that_this_process_makes_after_a_refusal_works_at_once(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.access.api_keys.secrets.token_urlsafe", lambda _: "foreseen")
    assert not is_known(access, "hf_bot_foreseen")
    access.create_key("alice-co", Role.BOT)
    assert is_known(access, "hf_bot_foreseen")


def test_no_key_can_have_the_role_customer(access: Access) -> None:
    with pytest.raises(ValueError, match="customer"):
        access.create_key("alice-co", Role.CUSTOMER)


def test_a_key_that_this_process_revokes_is_refused_at_once(access: Access) -> None:
    key = access.create_key("alice-co", Role.DESK).key
    access.revoke_key("alice-co", access.authenticate(key).key_id)
    assert not is_known(access, key)


def test_an_org_cannot_revoke_the_key_of_another(access: Access) -> None:
    key = access.create_key("alice-co", Role.DESK).key
    with pytest.raises(NotFound):
        access.revoke_key("charlie-co", access.authenticate(key).key_id)
    assert is_known(access, key)


def test_a_process_follows_what_another_server_does_with_keys(db: WatchedDatabase, access: Access) -> None:
    elsewhere = access_to(db)
    doomed, other = (access.create_key("alice-co", Role.DESK).key for _ in range(2))
    for key in (doomed, other):
        access.authenticate(key)
    access.follow()
    elsewhere.revoke_key("alice-co", access.authenticate(doomed).key_id)
    new = elsewhere.create_key("alice-co", Role.BOT).key
    assert is_known(access, doomed)
    access.follow()
    assert not is_known(access, doomed)
    db.down = True
    assert is_known(access, other)
    assert access.authenticate(new).role is Role.BOT


def test_a_change_that_becomes_visible_late_is_not_missed(db: WatchedDatabase, access: Access) -> None:
    """MongoDB stamps a change before others can read it, so a later one may be seen first."""
    late, early = (access.create_key("alice-co", Role.DESK).key for _ in range(2))
    access.authenticate(late)
    access.follow()
    now = datetime.now(UTC) + timedelta(seconds=60)
    records = db.store["api_keys"]
    records.update_one({"_id": digest(early)}, {"$set": {"changed_at": now}})
    access.follow()
    stamped = now - timedelta(seconds=1)
    records.update_one({"_id": digest(late)}, {"$set": {"revoked": True, "changed_at": stamped}})
    access.follow()
    assert not is_known(access, late)


def test_a_quiet_hour_costs_one_small_read_a_round(db: WatchedDatabase, access: Access) -> None:
    for number in range(20):
        made = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number / 100)
        db.store["api_keys"].insert_one(
            {**new_key_record("alice-co", Role.BOT, f"key {number}", NOW), "changed_at": made}
        )
    for _ in range(3):
        access.follow()
    db.reads.clear()
    learned: list[str] = []
    access._keys.learn = lambda record: learned.append(record["_id"])  # type: ignore[method-assign]
    access.follow()
    assert db.reads == ["api_keys"]
    assert len(learned) == 1


def test_a_record_that_was_changed_or_deleted_by_hand_is_noticed_at_a_recheck(
    db: WatchedDatabase, access: Access
) -> None:
    changed, deleted = (access.create_key("alice-co", Role.DESK).key for _ in range(2))
    for key in (changed, deleted):
        access.authenticate(key)
    db.store["api_keys"].update_one({"_id": digest(changed)}, {"$set": {"role": "bot"}})
    db.store["api_keys"].delete_one({"_id": digest(deleted)})
    access.recheck()
    assert access.authenticate(changed).role is Role.BOT
    assert not is_known(access, deleted)


def test_the_background_thread_notices_a_revoked_key_and_survives_a_dead_store(db: WatchedDatabase) -> None:
    access = access_to(db, every=0.01)
    key = access.create_key("alice-co", Role.DESK).key
    access.authenticate(key)
    db.down = True
    failures = len(db.reads)
    assert eventually(lambda: len(db.reads) >= failures + 2)
    assert is_known(access, key)
    db.down = False
    access_to(db).revoke_key("alice-co", access.authenticate(key).key_id)
    assert eventually(lambda: not is_known(access, key))
    access.close()


def test_the_thread_starts_with_the_first_key_and_ends_with_its_access(db: WatchedDatabase) -> None:
    access = access_to(db)
    assert access._follower is None
    access.authenticate(access.create_key("alice-co", Role.DESK).key)
    follower = access._follower
    assert follower is not None
    assert follower.is_alive()
    assert follower.daemon
    del access
    gc.collect()
    assert eventually(lambda: not follower.is_alive())


def test_known_keys_stay_valid_while_mongodb_is_down(db: WatchedDatabase, access: Access) -> None:
    known, unseen = (access.create_key("alice-co", Role.DESK).key for _ in range(2))
    access.authenticate(known)
    db.down = True
    for read in (access.follow, access.recheck):
        with pytest.raises(StoreUnavailable):
            read()
    assert is_known(access, known)
    with pytest.raises(StoreUnavailable):
        access.authenticate(unseen)


def test_a_look_up_that_took_long_is_answered_and_not_remembered(
    db: WatchedDatabase, access: Access, stopwatch: Stopwatch
) -> None:
    """The key may have been revoked while its record was on the way."""
    key = access.create_key("alice-co", Role.DESK).key

    def stall() -> None:
        stopwatch.seconds += 0.6

    db.after_read = stall
    assert access.authenticate(key).role is Role.DESK
    assert access.known(key) is None


def test_an_old_key_ends_when_its_overlap_is_over(db: WatchedDatabase) -> None:
    now = [NOW]
    access, elsewhere = (Access(db, SECRET, lambda: now[0], follow_seconds=3600) for _ in range(2))  # type: ignore[arg-type]
    old = access.create_key("alice-co", Role.CHECKOUT, name="Site", origins=["https://a.example"])
    before = elsewhere.authenticate(old.key)
    new = access.rotate_key("alice-co", old.key_id, 60)
    after = elsewhere.authenticate(new.key)
    elsewhere.follow()
    assert after == before
    now[0] += timedelta(seconds=59)
    assert is_known(access, old.key)
    assert is_known(elsewhere, old.key)
    now[0] += timedelta(seconds=1)
    assert not is_known(access, old.key)
    assert not is_known(elsewhere, old.key)
    newcomer = Access(db, SECRET, lambda: now[0])  # type: ignore[arg-type]
    assert not is_known(newcomer, old.key)
    assert is_known(access, new.key)
    with pytest.raises(InvalidTransition):
        access.rotate_key("alice-co", old.key_id, 60)
    with pytest.raises(NotFound):
        access.rotate_key("charlie-co", new.key_id, 60)


def test_the_manage_token_of_a_booking_gives_its_customer(db: WatchedDatabase, access: Access) -> None:
    token = access.manage_tokens.make("alice-co", "bk_1", 0)
    assert token == access_to(db).manage_tokens.make("alice-co", "bk_1", 0)
    caller = access.authenticate(token)
    assert (caller.org, caller.role, caller.booking_id) == ("alice-co", Role.CUSTOMER, "bk_1")
    assert not caller.is_staff
    assert db.reads == []


def test_each_generation_of_manage_tokens_is_its_own(access: Access) -> None:
    tokens = [access.manage_tokens.make("alice-co", "bk_1", generation) for generation in (0, 1, 12)]
    assert [access.authenticate(token).token_generation for token in tokens] == [0, 1, 12]
    forged = tokens[1].replace("~1~", "~2~")
    assert not is_known(access, forged)
    assert not is_known(access, tokens[1].replace("~1~", "~"))


def test_a_list_of_keys_shows_their_roles_and_not_the_keys(access: Access) -> None:
    made = [access.create_key("alice-co", Role.DESK) for _ in range(3)]
    access.create_key("charlie-co", Role.DESK)
    access.revoke_key("alice-co", made[0].key_id)
    keys = access.api_keys
    first, cursor = keys.list_keys("alice-co", limit=2)
    rest, end = keys.list_keys("alice-co", limit=2, cursor=cursor)
    assert end is None
    assert {each.key_id for each in first + rest} == {each.key_id for each in made}
    assert [each.revoked for each in first + rest if each.key_id == made[0].key_id] == [True]
    for each in made:
        assert each.key not in repr(first + rest)
    with pytest.raises(InvalidRequest):
        keys.list_keys("charlie-co", cursor=cursor)
