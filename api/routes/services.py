"""/services."""

from __future__ import annotations

from typing import Any

from api.http.endpoint import EVERY_KEY, Ask, Reply, Routes
from api.openapi.schemas import ServicePage, ServiceQuery
from api.routes.creations import request_of, shown
from models.access import STRANGERS, Role
from models.errors import AlreadyExists, ServiceNotFound, VersionConflict
from models.service import Service, ServiceCreate, ServicePatch

routes = Routes("Services", "What an org does on a visit: how long it takes, the travel around it, and what it costs.")

ADMIN = frozenset({Role.ADMIN})
READERS = EVERY_KEY | {Role.CUSTOMER}


@routes.get("/services", "List services by id", roles=READERS, query=ServiceQuery, replies={200: ServicePage})
def list_services(ask: Ask[ServiceQuery]) -> Reply:
    """Lists services by id, page by page. `q` finds those in which each of its words begins a word of the id or the
    name. The publishable key and a manage token see the public ones alone."""
    asked = ask.given
    found, next_cursor = ask.services.service_desk.page(
        ask.caller.org, asked.limit, asked.cursor, q=asked.q, public=_sees_public_ones_only(ask)
    )
    return Reply(200, {"services": [each.model_dump(mode="json") for each in found], "next_cursor": next_cursor})


@routes.post(
    "/services",
    "Add a service",
    roles=ADMIN,
    body=ServiceCreate,
    replies={201: Service},
    refusals=(AlreadyExists,),
    location="/services/{id}",
    etag=True,
)
def add_service(ask: Ask[ServiceCreate]) -> Reply:
    """Adds a service. Without `id` it gets one. The duration and the travel are multiples of the grid, and at most what
    the policy allows. `allowed_duration_minutes` of the policy does not count."""
    return shown(ask.services.service_desk.create(ask.caller.org, ask.given, request=request_of(ask)), 201)


@routes.get(
    "/services/{service_id}",
    "Read a service",
    roles=READERS,
    replies={200: Service},
    refusals=(ServiceNotFound,),
    etag=True,
)
def read_service(ask: Ask[None], service_id: str) -> Reply:
    """Shows one service. For the publishable key and a manage token there are public ones alone."""
    return shown(ask.services.service_desk.get(ask.caller.org, service_id, public=_sees_public_ones_only(ask)))


@routes.patch(
    "/services/{service_id}",
    "Change a service",
    roles=ADMIN,
    body=ServicePatch,
    replies={200: Service},
    refusals=(ServiceNotFound, VersionConflict),
    if_match="optional",
    etag=True,
)
def change_service(ask: Ask[ServicePatch], service_id: str) -> Reply:
    """Changes the fields that are sent. Holds and bookings that exist are not touched. With `If-Match` it changes only
    the version that was read."""
    return shown(ask.services.service_desk.patch(ask.caller.org, service_id, ask.given, ask.expected_version))


@routes.delete(
    "/services/{service_id}",
    "Remove a service",
    roles=ADMIN,
    replies={204: None},
    refusals=(ServiceNotFound, VersionConflict),
    if_match="optional",
)
def remove_service(ask: Ask[None], service_id: str) -> Reply:
    """Removes a service. Holds and bookings that exist are not touched, and keep its id."""
    ask.services.service_desk.remove(ask.caller.org, service_id, ask.expected_version)
    return Reply(204)


def _sees_public_ones_only(ask: Ask[Any]) -> bool:
    return ask.caller.role in STRANGERS
