"""/properties, /technicians and /policy."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from pydantic import BaseModel

from api.http.endpoint import EVERY_KEY, Ask, Json, Reply, Routes
from api.openapi.schemas import PageQuery, PropertyPage, TechnicianPage
from models.access import STAFF, Role
from models.catalogue import (
    Policy,
    PolicyPatch,
    Property,
    PropertyCreate,
    PropertyPatch,
    PublicPolicy,
    Technician,
    TechnicianCreate,
    TechnicianPatch,
)
from models.errors import AlreadyExists, Forbidden, PropertyNotFound, TechnicianNotFound

routes = Routes(
    "Catalogue",
    "The properties and technicians of an org, and its policy: the rules for holds and bookings.",
)

ADMIN = frozenset({Role.ADMIN})
NOT_PUBLIC: Mapping[type[BaseModel], Set[str]] = {
    Property: {"address"},
    Technician: Technician.model_fields.keys() - {"id", "name"},
}
"""The members that the publishable key does not see."""


@routes.get("/properties", "List properties by id", query=PageQuery, replies={200: PropertyPage})
def list_properties(ask: Ask[PageQuery]) -> Reply:
    """Lists properties by id, page by page. With the publishable key they have no `address`, and unlisted ones are left
    out."""
    desk, public = ask.services.catalogue_desk, ask.caller.is_public
    found, next_cursor = desk.list_properties(ask.caller.org, ask.given.limit, ask.given.cursor, listed_only=public)
    return Reply(200, {"properties": [_seen(ask, each) for each in found], "next_cursor": next_cursor})


@routes.post(
    "/properties",
    "Add a property",
    roles=ADMIN,
    body=PropertyCreate,
    replies={201: Property},
    refusals=(AlreadyExists,),
    location="/properties/{id}",
)
def add_property(ask: Ask[PropertyCreate]) -> Reply:
    """Adds a property. Without `id` it gets one."""
    made = ask.services.catalogue_desk.create_property(ask.caller.org, ask.given, request=_request(ask))
    return _shown(made, 201)


@routes.get("/properties/{property_id}", "Read a property", replies={200: Property}, refusals=(PropertyNotFound,))
def read_property(ask: Ask[None], property_id: str) -> Reply:
    """Shows one property. With the publishable key it has no `address`."""
    return Reply(200, _seen(ask, ask.services.catalogue_desk.get_property(ask.caller.org, property_id)))


@routes.patch(
    "/properties/{property_id}",
    "Change a property; the desk only its status",
    roles=STAFF,
    body=PropertyPatch,
    replies={200: Property},
    refusals=(PropertyNotFound,),
)
def change_property(ask: Ask[PropertyPatch], property_id: str) -> Reply:
    """Changes the fields that are sent. The role `desk` may change the `status` only. Bookings that exist are not
    touched."""
    _desk_changes_status_only(ask)
    return _shown(ask.services.catalogue_desk.patch_property(ask.caller.org, property_id, ask.given))


@routes.get("/technicians", "List technicians by id", query=PageQuery, replies={200: TechnicianPage})
def list_technicians(ask: Ask[PageQuery]) -> Reply:
    """Lists technicians by id, page by page. The publishable key sees their `id` and `name` alone."""
    found, next_cursor = ask.services.catalogue_desk.list_technicians(ask.caller.org, ask.given.limit, ask.given.cursor)
    return Reply(200, {"technicians": [_seen(ask, each) for each in found], "next_cursor": next_cursor})


@routes.post(
    "/technicians",
    "Add a technician",
    roles=ADMIN,
    body=TechnicianCreate,
    replies={201: Technician},
    refusals=(AlreadyExists,),
    location="/technicians/{id}",
)
def add_technician(ask: Ask[TechnicianCreate]) -> Reply:
    """Adds a technician. Without `id` it gets one."""
    made = ask.services.catalogue_desk.create_technician(ask.caller.org, ask.given, request=_request(ask))
    return _shown(made, 201)


@routes.get(
    "/technicians/{technician_id}", "Read a technician", replies={200: Technician}, refusals=(TechnicianNotFound,)
)
def read_technician(ask: Ask[None], technician_id: str) -> Reply:
    """Shows one technician. The publishable key sees `id` and `name` alone."""
    return Reply(200, _seen(ask, ask.services.catalogue_desk.get_technician(ask.caller.org, technician_id)))


@routes.patch(
    "/technicians/{technician_id}",
    "Change a technician; the desk only its status",
    roles=STAFF,
    body=TechnicianPatch,
    replies={200: Technician},
    refusals=(TechnicianNotFound,),
)
def change_technician(ask: Ask[TechnicianPatch], technician_id: str) -> Reply:
    """Changes the fields that are sent. The role `desk` may change the `status` only. Bookings that exist are not
    touched."""
    _desk_changes_status_only(ask)
    return _shown(ask.services.catalogue_desk.patch_technician(ask.caller.org, technician_id, ask.given))


@routes.get("/policy", "Read the policy", roles=ADMIN, replies={200: Policy})
def read_policy(ask: Ask[None]) -> Reply:
    """Shows the rules of the org for holds and bookings."""
    return _shown(ask.services.catalogue_desk.get_policy(ask.caller.org))


@routes.patch("/policy", "Change the policy", roles=ADMIN, body=PolicyPatch, replies={200: Policy})
def change_policy(ask: Ask[PolicyPatch]) -> Reply:
    """Changes the rules that are sent. Holds and bookings that exist are not touched."""
    return _shown(ask.services.catalogue_desk.patch_policy(ask.caller.org, ask.given))


@routes.get(
    "/policy/public", "Read what every caller may know", roles=EVERY_KEY | {Role.CUSTOMER}, replies={200: PublicPolicy}
)
def read_public_policy(ask: Ask[None]) -> Reply:
    """Shows the rules that decide which slots a client may ask for, and how the org is called."""
    policy = ask.services.catalogue_desk.get_policy(ask.caller.org)
    return Reply(200, PublicPolicy.of(policy, ask.services.grid.minutes))


def _seen(ask: Ask[Any], one: Property | Technician) -> Json:
    """What the caller sees of one. The publishable key sees neither where people live nor when technicians are away."""
    hidden = NOT_PUBLIC[type(one)] if ask.caller.is_public else frozenset()
    return one.model_dump(mode="json", exclude=set(hidden))


def _shown(made: BaseModel, status: int = 200) -> Reply:
    return Reply(status, made.model_dump(mode="json"))


def _desk_changes_status_only(ask: Ask[Any]) -> None:
    if ask.caller.role is Role.DESK and ask.given.model_fields_set - {"status"}:
        raise Forbidden("The desk may change the status only.")


def _request(ask: Ask[Any]) -> str | None:
    """What only a repeat of this very request has, by which a creation whose reply was lost finds what it made."""
    claim = ask.idempotency
    return None if claim is None else f"{ask.caller.key_id}:{claim.fingerprint}:{claim.key}"
