"""The people of an org who sign in: makes, lists, changes and removes them.

An e-mail address belongs to one person of the installation, because people sign in with it and do not name their org.
An id stays taken after its person is removed, because histories name it. A change of what a person signs in with, or
may do, ends that person's sessions.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import NamedTuple

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from models.errors import AlreadyExists, NotFound
from models.users import User, UserCreate, UserPatch
from services.access.api_keys import API_KEYS, CHANGED
from services.access.passwords import Passwords
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import DEFAULT_PAGE, page_by_id
from services.timetable.grid import to_milliseconds

USERS = "users"
ENDS_SESSIONS = frozenset({"email", "role", "password", "status"})
REMOVED = {"name": "", "email": "", "signs_in_as": "", "role": "", "status": "", "password": ""}

_INDEXES = [
    IndexModel([("org", ASCENDING), ("id", ASCENDING)], unique=True, name="one_per_id"),
    IndexModel([("signs_in_as", ASCENDING)], unique=True, sparse=True, name="one_per_email"),
]


def ensure_user_indexes(db: Database[Document]) -> None:
    """Makes the indexes of people, if they are not there yet. StoreUnavailable."""
    with mongo_faults():
        db[USERS].create_indexes(_INDEXES)


class Person(NamedTuple):
    """A person as sign-in needs one. password: the hash. state: differs after each change that ends sessions."""

    org: str
    user: User
    password: str
    state: str


class People:
    """The people of every org. Every method may raise StoreUnavailable.

    noticed: called after sessions have ended, so that this process refuses them at once.
    """

    def __init__(
        self,
        db: Database[Document],
        passwords: Passwords,
        clock: Clock,
        noticed: Callable[[], None] = lambda: None,
    ) -> None:
        self._users = db[USERS]
        self._sessions = db[API_KEYS]
        self._passwords = passwords
        self._clock = clock
        self._noticed = noticed

    def create(self, org: str, wanted: UserCreate) -> User:
        """Makes a person, under an id of its own or one that is made up. Raises AlreadyExists."""
        user_id = wanted.id or f"user-{secrets.token_hex(6)}"
        document = {
            "_id": _document_id(org, user_id),
            "org": org,
            "id": user_id,
            **wanted.model_dump(exclude={"id", "password"}),
            "signs_in_as": wanted.email.casefold(),
            "password": self._passwords.hash(wanted.password),
            "status": "active",
            "state": _new_state(),
            "created_at": to_milliseconds(self._clock()),
        }
        try:
            with mongo_faults():
                self._users.insert_one(document)
        except DuplicateKeyError:
            with mongo_faults():
                taken = self._users.find_one({"_id": document["_id"]}) is not None
            raise _id_taken() if taken else _email_taken() from None
        return _shown(document)

    def page(self, org: str, limit: int = DEFAULT_PAGE, cursor: str | None = None) -> tuple[list[User], str | None]:
        """One page by id, and the cursor of the next page or None. Raises InvalidRequest for a cursor of no list."""
        found, following = page_by_id(self._users, org, limit, cursor, {"removed": None})
        return [_shown(document) for document in found], following

    def get(self, org: str, user_id: str) -> User:
        """Raises NotFound."""
        with mongo_faults():
            return _shown(_required(self._users.find_one(_present(org, user_id))))

    def change(self, org: str, user_id: str, patch: UserPatch) -> User:
        """Changes the fields in the patch. Raises NotFound, AlreadyExists (the e-mail address)."""
        values = patch.model_dump(include=patch.model_fields_set)
        if "email" in values:
            values["signs_in_as"] = values["email"].casefold()
        if patch.password is not None:
            values["password"] = self._passwords.hash(patch.password)
        if not values:
            return self.get(org, user_id)
        ends = not ENDS_SESSIONS.isdisjoint(values)
        if ends:
            values["state"] = _new_state()
        update = {"$set": values}
        try:
            with mongo_faults():
                changed = self._users.find_one_and_update(
                    _present(org, user_id), update, return_document=ReturnDocument.AFTER
                )
        except DuplicateKeyError:
            raise _email_taken() from None
        if ends and changed is not None:
            self._end_sessions(org, user_id)
        return _shown(_required(changed))

    def give_password(self, person: Person, password: str) -> Person | None:
        """Gives a person another password and ends that person's sessions. None if the person has changed meanwhile.

        The sessions end before it too, so that none outlives the old password if a store fails in between.
        """
        kept = self._passwords.hash(password)
        self._end_sessions(person.org, person.user.id)
        unchanged = {**_present(person.org, person.user.id), "state": person.state}
        update = {"$set": {"password": kept, "state": _new_state()}}
        with mongo_faults():
            changed = self._users.find_one_and_update(unchanged, update, return_document=ReturnDocument.AFTER)
        self._end_sessions(person.org, person.user.id)
        return _person(changed)

    def remove(self, org: str, user_id: str) -> None:
        """Forgets all of a person but the id. Raises NotFound, also for a repeat."""
        update = {"$set": {"removed": True, "state": _new_state()}, "$unset": REMOVED}
        with mongo_faults():
            removed = self._users.update_one(_present(org, user_id), update).matched_count
        self._end_sessions(org, user_id)  # a repeat too: the first attempt may not have come so far
        if not removed:
            raise NotFound("There is no such person.")

    def by_email(self, email: str) -> Person | None:
        """Who signs in with this address; None if nobody does, or if the person is disabled."""
        with mongo_faults():
            return _person(self._users.find_one({"signs_in_as": email.casefold()}))

    def by_id(self, org: str, user_id: str) -> Person | None:
        """The person with this id; None as for `by_email`."""
        with mongo_faults():
            return _person(self._users.find_one(_present(org, user_id)))

    def _end_sessions(self, org: str, user_id: str) -> None:
        whose = {"org": org, "user_id": user_id, "is_session": True}
        with mongo_faults():
            self._sessions.update_many(whose, {"$set": {"revoked": True}, **CHANGED})
        self._noticed()


def _document_id(org: str, user_id: str) -> str:
    return f"{org}/{user_id}"


def _new_state() -> str:
    return secrets.token_hex(8)


def _present(org: str, user_id: str) -> Document:
    return {"_id": _document_id(org, user_id), "removed": None}


def _required(document: Document | None) -> Document:
    if document is None:
        raise NotFound("There is no such person.")
    return document


def _id_taken() -> AlreadyExists:
    return AlreadyExists("Somebody has this id, or had it once. Please choose another one.")


def _email_taken() -> AlreadyExists:
    return AlreadyExists("Somebody signs in with this e-mail address already. Please give another one.")


def _person(document: Document | None) -> Person | None:
    if document is None or document["status"] != "active":
        return None
    return Person(document["org"], _shown(document), document["password"], document["state"])


def _shown(document: Document) -> User:
    return User(**{name: document[name] for name in User.model_fields})
