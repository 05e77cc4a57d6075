"""/keys: the API keys of an org, for its admins."""

from __future__ import annotations

from api.http.endpoint import Ask, Reply, Routes
from api.openapi.schemas import PageQuery
from models.access import Role
from models.errors import InvalidTransition, NotFound
from models.keys import KeyMade, KeyPage, KeyRequest, RotateRequest

routes = Routes("API keys", "The API keys of an org. Each has one role.")

ADMIN = frozenset({Role.ADMIN})

# No idempotency key on what answers a new key: the first answer, kept for a day, would be the secret in Redis. A repeat
# makes a further key; one whose answer was lost is known to no client.


@routes.post("/keys", "Make an API key", roles=ADMIN, body=KeyRequest, replies={201: KeyMade}, idempotency="none")
def make_key(ask: Ask[KeyRequest]) -> Reply:
    """Makes an API key. Only this reply shows it. The reply is never repeated, so it takes no idempotency key."""
    wanted = ask.given
    made = ask.services.access.create_key(
        ask.caller.org, Role(wanted.role), name=wanted.name, origins=wanted.origins or ()
    )
    return Reply(201, made)


@routes.get("/keys", "List API keys, the oldest first", roles=ADMIN, query=PageQuery, replies={200: KeyPage})
def list_keys(ask: Ask[PageQuery]) -> Reply:
    """Lists the API keys, page by page, without the keys themselves."""
    keys, next_cursor = ask.services.access.api_keys.list_keys(ask.caller.org, ask.given.limit, ask.given.cursor)
    return Reply(200, KeyPage(keys=keys, next_cursor=next_cursor))


@routes.post(
    "/keys/{key_id}/rotate",
    "Make a key in the place of another, which stays valid for a while",
    roles=ADMIN,
    body=RotateRequest,
    replies={201: KeyMade},
    refusals=(NotFound, InvalidTransition),
    idempotency="none",
)
def rotate_key(ask: Ask[RotateRequest], key_id: str) -> Reply:
    """Makes a new key of the same role, name and origins. The old one stays valid for `overlap_seconds`. The new key
    owns what the old one made."""
    return Reply(201, ask.services.access.rotate_key(ask.caller.org, key_id, ask.given.overlap_seconds))


@routes.delete(
    "/keys/{key_id}",
    "Revoke a key; every server refuses it within two seconds",
    roles=ADMIN,
    replies={204: None},
    refusals=(NotFound,),
)
def revoke_key(ask: Ask[None], key_id: str) -> Reply:
    """Ends a key. Every server refuses it within two seconds."""
    ask.services.access.revoke_key(ask.caller.org, key_id)
    return Reply(204)
