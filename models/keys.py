"""API keys as an admin sees them: the requests that make and replace one, and the replies, which never hold the key
itself except for the one that made it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from models.fields import Matches, Name, Request, Shown, WholeNumber
from models.times import Instant

KeyRole = Literal["checkout", "bot", "desk", "admin"]

LONGEST_OVERLAP_SECONDS = 30 * 86_400

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def _as_browsers_write_it(origin: str) -> str:
    origin = origin.lower()
    return origin.removesuffix(_DEFAULT_PORTS[origin.partition(":")[0]])


Origin = Annotated[
    str,
    StringConstraints(max_length=300),
    Matches(
        r"^[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?$",
        "bad_origin",
        "Give {field} as scheme, host and port if there is one, such as https://www.example.com.",
    ),
    AfterValidator(_as_browsers_write_it),
]
"""The origin of a web page, as a browser sends it: in lower case, without the default port."""


class KeyRequest(Request):
    """Body of POST /keys. origins: the web pages that may use a publishable key; left out, every page may."""

    role: KeyRole
    name: Name | None = None
    origins: Annotated[list[Origin], Field(min_length=1, max_length=20)] | None = None

    @field_validator("origins")
    @classmethod
    def _only_of_a_publishable_key(cls, origins: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if origins is not None and info.data.get("role", "checkout") != "checkout":
            raise PydanticCustomError("origins_not_allowed", "Leave out {field}, or make a key of role checkout.")
        return origins


class RotateRequest(Request):
    """Body of POST /keys/{key_id}/rotate: for how long the old key stays valid beside the new one."""

    overlap_seconds: Annotated[WholeNumber, Field(ge=0, le=LONGEST_OVERLAP_SECONDS)]


class KeyMade(Shown):
    """A new key. No later reply shows `key` again."""

    key_id: str
    key: str


class ApiKey(Shown):
    """What a list shows of a key. `origins` is null if every page may use it, `expires_at` is null if it has no end."""

    key_id: str
    role: KeyRole
    name: str | None
    origins: list[str] | None
    created_at: Instant
    expires_at: Instant | None
    revoked: bool


class KeyPage(Shown):
    """One page of keys, the oldest first; `next_cursor` is null on the last one."""

    keys: list[ApiKey]
    next_cursor: str | None
