"""Which caller a bearer token belongs to, and what that costs."""

from __future__ import annotations

import pytest

from models.access import Caller, Role
from models.errors import InvalidRequest, StoreUnavailable, Unauthenticated
from services.access.authentication import Access
from tests.access.servers import Stopwatch, access_to, is_known
from tests.catalogue.watched_db import WatchedDatabase


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


def test_no_key_can_have_the_role_customer(access: Access) -> None:
    with pytest.raises(ValueError, match="customer"):
        access.create_key("alice-co", Role.CUSTOMER)


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
