"""Signs people and keys in, and out again.

The record of a session stands among those of the API keys, so every process authenticates it from memory and learns of
its end in the same way: see `services.access.authentication`. Clients have a token of 192 random bits in a cookie, and
MongoDB has its hash. A session acts as its person or as its key, who own what it makes also after the next sign-in.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

import structlog
from pymongo.database import Database

from models.access import SESSION_PREFIX, STAFF, Caller
from models.errors import Fault, Forbidden, InvalidRequest, Unauthenticated
from models.users import Session
from services.access.api_keys import API_KEYS, CHANGED, has_ended
from services.access.authentication import Access
from services.access.passwords import Passwords
from services.access.people import People, Person
from services.access.wrong_tries import WrongTries
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.timetable.grid import to_milliseconds

LIFETIME = timedelta(hours=12)

log = structlog.get_logger()


class SignedIn(NamedTuple):
    """A new session, and the token that a cookie keeps."""

    token: str
    session: Session


class Sessions:
    """The sessions of every org, and `people`, whose they are. Every method may raise StoreUnavailable."""

    def __init__(
        self,
        db: Database[Document],
        clock: Clock,
        *,
        access: Access,
        people: People,
        passwords: Passwords,
        tries: WrongTries,
    ) -> None:
        self._records = db[API_KEYS]
        self._clock = clock
        self._access = access
        self.people = people
        self._passwords = passwords
        self._tries = tries

    def sign_in(self, email: str, password: str, address: str) -> SignedIn:
        """Begins a session of a person. address: of the client.

        Raises Unauthenticated, which does not tell what is wrong, and RateLimited after too many wrong passwords.
        """
        counted = self._tries.count(email.casefold(), address)
        person = self.people.by_email(email)
        fits = self._passwords.fits(password, person and person.password)
        if person is None or not fits:
            raise _wrong()
        self._tries.give_back(counted)
        made = self._begin_as(person)
        log.info("signed_in", org=person.org, user=person.user.id)
        return made

    def change_password(self, caller: Caller, current: str, new: str) -> SignedIn:
        """Gives the caller another password, ends all sessions of that person, and begins one.

        Raises Forbidden (a key has no password), InvalidRequest (`current` is wrong), Unauthenticated (the person or
        the session has just changed), and RateLimited as `sign_in`.
        """
        person = self._person(self._record(caller)) if caller.session_id else None
        if person is None:
            raise Forbidden("Please sign in with your e-mail address and password. A key has no password.")
        counted = self._tries.count(person.user.email.casefold(), caller.address)
        if not self._passwords.fits(current, person.password):
            raise InvalidRequest(Fault("current_password", "wrong", "Give the password with which you sign in now."))
        self._tries.give_back(counted)
        changed = self.people.give_password(person, new)
        if changed is None:
            raise Unauthenticated
        log.info("password_changed", org=person.org, user=person.user.id)
        return self._begin_as(changed)

    def sign_in_with_key(self, key: str) -> SignedIn:
        """Begins a session of an API key, which ends with the key. Raises Unauthenticated, Forbidden (the role)."""
        try:
            caller = self._access.authenticate(key)
        except Unauthenticated:
            raise _no_key() from None
        if caller.role not in STAFF or caller.session_id:
            raise Forbidden("Please sign in with a key of the role desk or admin.")
        record = self._key(key)
        made = self._begin(
            {
                "org": caller.org,
                "role": record["role"],
                "of_key": record["key_id"],
                "acts_as": caller.key_id,
                "shown_as": caller.shown_id,
                "took_over": record.get("took_over"),
            },
            record,
        )
        if self._key(key).get("expires_at") != record.get("expires_at"):  # as above
            self._end({"_id": made.record["_id"]})
            raise _no_key()
        self._access.learn(made.record)
        return SignedIn(made.token, _session(made.record, None))

    def sign_out(self, caller: Caller, *, everywhere: bool = False) -> None:
        """Ends the caller's session, on every server within two seconds; nothing where the caller shows a key.

        everywhere: ends all sessions of the person, or of the key that began this one.
        """
        if not caller.session_id:
            return
        whose = {"org": caller.org, "key_id": caller.session_id}
        if everywhere:
            record = self._record(caller)
            whose = {"org": caller.org} | {name: record[name] for name in ("user_id", "of_key") if name in record}
        self._end(whose)

    def end_earlier(self, token: str) -> None:
        """Ends the session of a token in whose place its browser has another one now."""
        self._end({"_id": sha256(token.encode()).hexdigest()})

    def current(self, caller: Caller) -> Session:
        """Who the caller is. Raises Unauthenticated for a session that has just ended."""
        if not caller.session_id:
            return Session.model_validate(_NOBODY | {"org": caller.org, "role": caller.role.value})
        record = self._record(caller)
        return _session(record, self._person(record))

    def _record(self, caller: Caller) -> Document:
        """The caller's session. Raises Unauthenticated."""
        with mongo_faults():
            record = self._records.find_one({"org": caller.org, "key_id": caller.session_id})
        if record is None or has_ended(record, self._clock()):
            raise Unauthenticated
        return record

    def _person(self, record: Document) -> Person | None:
        """Whose session it is; None for that of a key."""
        return self.people.by_id(record["org"], record["user_id"]) if record.get("user_id") else None

    def _begin_as(self, person: Person) -> SignedIn:
        """Begins a session of a person. Raises Unauthenticated if the person has changed meanwhile."""
        user_id = person.user.id
        shown = {"user_id": user_id, "acts_as": f"user.{user_id}", "shown_as": user_id}
        made = self._begin({"org": person.org, "role": person.user.role, **shown})
        now = self.people.by_id(person.org, user_id)
        if now is None or now.state != person.state:  # the change may have missed the session that began meanwhile
            self._end({"_id": made.record["_id"]})
            raise _wrong()
        self._access.learn(made.record)
        return SignedIn(made.token, _session(made.record, person))

    def _begin(self, values: Document, key: Document | None = None) -> _Begun:
        token = SESSION_PREFIX + secrets.token_urlsafe(24)
        now = self._clock()
        ends = now + LIFETIME
        if key is not None and key.get("expires_at") is not None:
            ends = min(ends, key["expires_at"])
        record = {
            "_id": sha256(token.encode()).hexdigest(),
            "key_id": f"session_{secrets.token_hex(6)}",
            "is_session": True,
            "revoked": False,
            "created_at": to_milliseconds(now),
            "expires_at": to_milliseconds(ends),
            **values,
        }
        with mongo_faults():
            self._records.update_one({"_id": record["_id"]}, {"$setOnInsert": record, **CHANGED}, upsert=True)
        return _Begun(token, record)

    def _key(self, key: str) -> Document:
        with mongo_faults():
            record = self._records.find_one({"_id": sha256(key.encode()).hexdigest()})
        if record is None or has_ended(record, self._clock()):
            raise _no_key()
        return record

    def _end(self, whose: Document) -> None:
        ended = {"$set": {"revoked": True}, **CHANGED}
        with mongo_faults():
            self._records.update_many({**whose, "is_session": True}, ended)
        self._access.follow_if_possible()


class _Begun(NamedTuple):
    token: str
    record: Document


_NOBODY: Document = {"user_id": None, "name": None, "email": None, "expires_at": None}


def _wrong() -> Unauthenticated:
    return Unauthenticated("The e-mail address or the password is wrong.")


def _no_key() -> Unauthenticated:
    return Unauthenticated("This is no valid API key.")


def _session(record: Document, person: Person | None) -> Session:
    known = {} if person is None else {"user_id": person.user.id, "name": person.user.name, "email": person.user.email}
    shown = {"org": record["org"], "role": record["role"], "expires_at": record["expires_at"]}
    return Session.model_validate(_NOBODY | known | shown)
