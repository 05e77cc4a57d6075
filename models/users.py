"""The people of an org who sign in, and their sessions: requests and replies. No reply ever holds a password."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from models.contacts import Email
from models.fields import Form, Name, PlainId, Request, Shown
from models.times import Instant

UserRole = Literal["desk", "admin"]
UserStatus = Literal["active", "disabled"]

KEY_PREFIX = "key_"
"""The ids of API keys begin so."""
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200


def _not_like_a_key(user_id: str) -> str:
    if user_id.startswith(KEY_PREFIX):
        raise PydanticCustomError("reserved", "Give {field} another beginning than key_, by which API keys are named.")
    return user_id


UserId = Annotated[PlainId, AfterValidator(_not_like_a_key)]
"""The chosen name of a person. Histories show it, so it must not look like the id of a key."""
Password = Annotated[str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]


class UserCreate(Request):
    """Body of POST /users."""

    id: UserId | None = None
    name: Name
    email: Email
    role: UserRole
    password: Password


class UserPatch(Request):
    """Body of PATCH /users/{id}: only the fields that change."""

    name: Name | None = None
    email: Email | None = None
    role: UserRole | None = None
    password: Password | None = None
    status: UserStatus | None = None


class User(Shown):
    """A person who signs in."""

    id: str
    name: str
    email: str
    role: UserRole
    status: UserStatus
    created_at: Instant


class UserPage(Shown):
    """One page of people by id; `next_cursor` is null on the last one."""

    users: list[User]
    next_cursor: str | None


class SessionRequest(Request):
    """Body of POST /session: the e-mail address and password of a person, or a key of the role desk or admin."""

    forms = (
        Form("SignInAsPerson", "Signs a person in.", needs=("email", "password"), without=("key",)),
        Form("SignInWithKey", "Signs in with an API key.", needs=("key",), without=("email", "password")),
    )

    email: Email | None = None
    password: Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD)] | None = None
    key: Annotated[str, Field(min_length=1, max_length=256)] | None = None

    @model_validator(mode="after")
    def _names_one_person_or_key(self) -> SessionRequest:
        given = [name for name in ("email", "password", "key") if getattr(self, name) is not None]
        if given in (["email", "password"], ["key"]):
            return self
        if "key" in given:
            raise PydanticCustomError("conflicting", "Give email and password, or key, one at a time.")
        raise PydanticCustomError("none_of", "Give {needed}.", {"needed": "email and password, or key"})


class SignOutQuery(Request):
    """Query of DELETE /session."""

    everywhere: bool = False


class PasswordChange(Request):
    """Body of POST /session/password."""

    current_password: Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD)]
    new_password: Password


class Session(Shown):
    """Who is signed in. `user_id`, `name` and `email` are null if it is an API key; `expires_at` is null if the request
    shows the key itself."""

    org: str
    role: UserRole
    user_id: str | None
    name: str | None
    email: str | None
    expires_at: Instant | None
