"""How soon a process knows of keys that were made, rotated, revoked or changed, there or elsewhere."""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta

import pytest

from models.access import Role
from models.errors import InvalidTransition, NotFound
from scripts.dev_server.child import wait_until
from services.access.api_keys import new_key_record
from services.access.authentication import Access
from tests.access.servers import NOW, access_to, digest, is_known
from tests.catalogue.watched_db import WatchedDatabase


def test_a_key_that_this_process_makes_after_a_refusal_works_at_once(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.access.api_keys.secrets.token_urlsafe", lambda _: "foreseen")
    assert not is_known(access, "hf_bot_foreseen")
    access.create_key("alice-co", Role.BOT)
    assert is_known(access, "hf_bot_foreseen")


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
    assert wait_until(lambda: len(db.reads) >= failures + 2, seconds=30)
    assert is_known(access, key)
    db.down = False
    access_to(db).revoke_key("alice-co", access.authenticate(key).key_id)
    assert wait_until(lambda: not is_known(access, key), seconds=30)
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
    assert wait_until(lambda: not follower.is_alive(), seconds=30)


def test_an_old_key_ends_when_its_overlap_is_over(db: WatchedDatabase) -> None:
    now = [NOW]
    access, elsewhere = (access_to(db, clock=lambda: now[0]) for _ in range(2))
    old = access.create_key("alice-co", Role.CHECKOUT, name="Site", origins=["https://a.example"])
    before = elsewhere.authenticate(old.key)
    new = access.rotate_key("alice-co", old.key_id, 60)
    after = elsewhere.authenticate(new.key)
    elsewhere.follow()
    assert (after.org, after.role, after.key_id, after.origins) == (before.org, before.role, old.key_id, before.origins)
    assert (before.shown_id, after.shown_id) == (old.key_id, new.key_id)
    assert [after.was(f"checkout:{key_id}") for key_id in (old.key_id, new.key_id, "key_other")] == [True, True, False]
    now[0] += timedelta(seconds=59)
    assert is_known(access, old.key)
    assert is_known(elsewhere, old.key)
    now[0] += timedelta(seconds=1)
    assert not is_known(access, old.key)
    assert not is_known(elsewhere, old.key)
    newcomer = access_to(db, clock=lambda: now[0])
    assert not is_known(newcomer, old.key)
    assert is_known(access, new.key)
    with pytest.raises(InvalidTransition):
        access.rotate_key("alice-co", old.key_id, 60)
    with pytest.raises(NotFound):
        access.rotate_key("charlie-co", new.key_id, 60)
