"""/users: the people of an org who sign in, for its admins."""

from __future__ import annotations

from api.http.endpoint import Ask, Reply, Routes
from api.openapi.schemas import PageQuery
from models.access import Role
from models.errors import AlreadyExists, NotFound
from models.users import User, UserCreate, UserPage, UserPatch

routes = Routes("People", "The people of an org who sign in. Histories name them by their ids.")

ADMIN = frozenset({Role.ADMIN})

# No idempotency key on what holds a password: the digest of such a request, kept for a day, would help to guess it.


@routes.post(
    "/users",
    "Add a person who signs in",
    roles=ADMIN,
    body=UserCreate,
    replies={201: User},
    refusals=(AlreadyExists,),
    location="/users/{id}",
    idempotency="none",
    hashes=True,
)
def add_user(ask: Ask[UserCreate]) -> Reply:
    """Adds a person, with a password of at least 10 characters. Without `id` the person gets one. An e-mail address
    signs in one person of the whole installation, also across orgs."""
    return Reply(201, ask.services.sessions.people.create(ask.caller.org, ask.given))


@routes.get("/users", "List the people who sign in, by id", roles=ADMIN, query=PageQuery, replies={200: UserPage})
def list_users(ask: Ask[PageQuery]) -> Reply:
    """Lists the people who sign in, page by page."""
    users, next_cursor = ask.services.sessions.people.page(ask.caller.org, ask.given.limit, ask.given.cursor)
    return Reply(200, UserPage(users=users, next_cursor=next_cursor))


@routes.get("/users/{user_id}", "Read a person", roles=ADMIN, replies={200: User}, refusals=(NotFound,))
def read_user(ask: Ask[None], user_id: str) -> Reply:
    """Shows one person."""
    return Reply(200, ask.services.sessions.people.get(ask.caller.org, user_id))


@routes.patch(
    "/users/{user_id}",
    "Change a person, or give a new password",
    roles=ADMIN,
    body=UserPatch,
    replies={200: User},
    refusals=(NotFound, AlreadyExists),
    hashes=True,
)
def change_user(ask: Ask[UserPatch], user_id: str) -> Reply:
    """Changes the fields that are sent. All but `name` end the person's sessions on every server within two seconds,
    also where they change nothing."""
    return Reply(200, ask.services.sessions.people.change(ask.caller.org, user_id, ask.given))


@routes.delete("/users/{user_id}", "Remove a person", roles=ADMIN, replies={204: None}, refusals=(NotFound,))
def remove_user(ask: Ask[None], user_id: str) -> Reply:
    """Removes a person and ends that person's sessions. The id stays taken, because histories name it."""
    ask.services.sessions.people.remove(ask.caller.org, user_id)
    return Reply(204)
