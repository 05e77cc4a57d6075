"""A route is declared once: its roles, its requests, its replies, its refusals.

From the declaration come strict parsing (`parsing`), admission (`guards`), the reply, and the OpenAPI entry
(`api.openapi`). A view is left with: take what was parsed, call one service, reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel

from api.server.limits import BODY_LIMIT_BYTES
from api.server.live import LiveBody
from models.access import Caller, IdempotencyClaim, Role
from models.errors import Fault, Refusal
from services import Services

Given = TypeVar("Given")
Json = dict[str, Any]

EVERY_KEY = frozenset({Role.CHECKOUT, Role.BOT, Role.DESK, Role.ADMIN})
_PATH_NAME = re.compile(r"{(\w+)}")


@dataclass(slots=True)
class Ask(Generic[Given]):
    """One admitted and parsed request. `given` is the body, or the query of an endpoint that takes one.

    expected_version: from If-Match; None means any version, and a version that cannot exist matches nothing.
    """

    services: Services
    caller: Caller
    given: Given
    idempotency: IdempotencyClaim | None = None
    expected_version: int | None = None


@dataclass(slots=True)
class Reply:
    """What a view answers. A model is shown as the endpoint's reply model, of which it is an instance or a subclass's.

    A dict becomes JSON; times in it are in UTC and to the second. Bytes are sent as they are.
    cache: the Cache-Control header. headers: further headers, of this reply alone. live: a body that goes on.
    """

    status: int
    body: BaseModel | Json | bytes | None = None
    replayed: bool = False
    cache: str = "no-store"
    headers: tuple[tuple[str, str], ...] = ()
    live: LiveBody | None = None


View = Callable[..., Reply]


class Tag(NamedTuple):
    """A noun of the API, and what it is, for the document."""

    name: str
    description: str


class Recall(NamedTuple):
    """How a first answer is given again without keeping it, because it holds a customer's data.

    kept: the members of the reply that are remembered. again(ask, kept): the reply's body, made from those.
    """

    kept: tuple[str, ...]
    again: Callable[[Any, dict[str, Any]], dict[str, Any]]


class Review(NamedTuple):
    """Faults that the body's model cannot see.

    faults(services, caller, fields, faulty): what else is wrong among the fields whose names are not in `faulty`. It is
    called when the request is refused anyway, or when `suspects(caller, body)` finds a valid body suspicious.
    """

    faults: Callable[[Services, Caller, dict[str, Any], frozenset[str]], list[Fault]]
    suspects: Callable[[Caller, Any], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path.

    view: its name is the operation's id in the document, and begins with a verb; its docstring describes the operation.
    roles: the roles that may call it; None for an endpoint that needs no key.
    replies: success status -> model of its body.
    refusals: what the service may raise, besides what every endpoint may answer.
    idempotency: `service` hands the claim to the service, `once` wraps the view in services.idempotency, which keeps
    the whole reply, or what `recall` makes it from.
    form: the body is that of an HTML form, in place of JSON; a form without fields counts as an empty one.
    query_headers: headers that may stand in place of parameters of the query, by the parameter's name.
    location: template of the Location header, filled from the reply. etag: the reply has a `version`, unless it is
    hidden from the caller.
    if_match: whether the header is read, and whether a request without it is refused.
    keyless: how requests to an endpoint without roles count. `counted`: against the address, unless they show a
    known key. `secret`: only where they are refused, because they show a secret of their own. `free`: not at all, and
    they take no turn, so that it answers whatever else goes on; such an endpoint does next to no work.
    hashes: it hashes a password, which may take long: it is bounded otherwise, and without a key has turns of its own.
    most_bytes: of the body. seconds: how long the stores may take for a request that takes longer than others. Of such
    a worker serves one at a time.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    summary: str
    view: View
    tag: Tag
    roles: frozenset[Role] | None = EVERY_KEY
    body: type[BaseModel] | None = None
    body_required: bool = True
    form: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    query_headers: Mapping[str, str] = field(default_factory=dict)
    replies: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    refusals: tuple[type[Refusal], ...] = ()
    idempotency: Literal["none", "service", "once"] = "none"
    recall: Recall | None = None
    review: Review | None = None
    location: str | None = None
    etag: bool = False
    if_match: Literal["none", "optional", "required"] = "none"
    content_type: str = "application/json"
    keyless: Literal["counted", "secret", "free"] = "counted"
    hashes: bool = False
    most_bytes: int = BODY_LIMIT_BYTES
    seconds: float | None = None

    @property
    def path_names(self) -> list[str]:
        """The names of the path's parameters; each is a plain id."""
        return _PATH_NAME.findall(self.path)

    @property
    def has_body(self) -> bool:
        return self.body is not None or self.form is not None

    @property
    def flask_rule(self) -> str:
        return _PATH_NAME.sub(r"<\1>", self.path)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def for_browsers(self) -> bool:
        """Whether a page of another site may call it: what the publishable key and a manage token are for."""
        return self.roles is not None and not self.roles.isdisjoint({Role.CHECKOUT, Role.CUSTOMER})


class Routes:
    """The endpoints that one module declares, in order, under one tag of the document."""

    def __init__(self, name: str, description: str) -> None:
        self.tag = Tag(name, description)
        self.endpoints: list[Endpoint] = []

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self.endpoints)

    def get(self, path: str, summary: str, **declared: Any) -> Callable[[View], View]:
        return self._declare("GET", path, summary, declared)

    def post(self, path: str, summary: str, **declared: Any) -> Callable[[View], View]:
        declared.setdefault("idempotency", "once")
        return self._declare("POST", path, summary, declared)

    def patch(self, path: str, summary: str, **declared: Any) -> Callable[[View], View]:
        return self._declare("PATCH", path, summary, declared)

    def delete(self, path: str, summary: str, **declared: Any) -> Callable[[View], View]:
        return self._declare("DELETE", path, summary, declared)

    def _declare(self, method: Any, path: str, summary: str, declared: dict[str, Any]) -> Callable[[View], View]:
        def declare(view: View) -> View:
            endpoint = Endpoint(method=method, path=path, summary=summary, view=view, tag=self.tag, **declared)
            self.endpoints.append(endpoint)
            return view

        return declare
