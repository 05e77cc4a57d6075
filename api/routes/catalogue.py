"""/properties, /technicians and /policy."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from pydantic import BaseModel

from api.http.endpoint import EVERY_KEY, Ask, Json, Reply, Routes
from api.openapi.schemas import CatalogueQuery, PropertyPage, TechnicianPage
from api.routes.creations import request_of, shown
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
from models.errors import AlreadyExists, Forbidden, InUse, PropertyNotFound, TechnicianNotFound, VersionConflict
from models.time_off import ChangedTechnician

routes = Routes(
    "Catalogue",
    "The properties and technicians of an org, and its policy: the rules for holds and bookings.",
)

ADMIN = frozenset({Role.ADMIN})
NOT_PUBLIC: Mapping[type[BaseModel], Set[str]] = {
    Property: {"address", "area"},
    Technician: Technician.model_fields.keys() - {"id", "name"},
}
"""The members that the publishable key does not see."""
STATUS = {"status": "the status"}
DESK_CHANGES: Mapping[type[BaseModel], Mapping[str, str]] = {
    Property: STATUS,
    Technician: {**STATUS, **dict.fromkeys(("time_off", "time_off_add", "time_off_remove"), "the time off")},
}
"""The fields that the desk may change, each with its word in a sentence."""


@routes.get("/properties", "List properties by id", query=CatalogueQuery, replies={200: PropertyPage})
def list_properties(ask: Ask[CatalogueQuery]) -> Reply:
    """Lists properties by id, page by page. `q` finds those in which each of its words begins a word of the id, the
    name or the address. With the publishable key they have no `address` and no `area`, none is found by the address,
    and unlisted ones are left out."""
    asked, public = ask.given, ask.caller.is_public
    found, next_cursor = ask.services.catalogue_desk.list_properties(
        ask.caller.org, asked.limit, asked.cursor, status=asked.status, q=asked.q, public=public
    )
    return Reply(200, {"properties": [_seen(ask, each) for each in found], "next_cursor": next_cursor})


@routes.post(
    "/properties",
    "Add a property",
    roles=ADMIN,
    body=PropertyCreate,
    replies={201: Property},
    refusals=(AlreadyExists, InUse),
    location="/properties/{id}",
    etag=True,
)
def add_property(ask: Ask[PropertyCreate]) -> Reply:
    """Adds a property. Without `id` it gets one. With `parent_id` it is a unit of that building, which must have no
    visit and no hold ahead."""
    made = ask.services.units.create(ask.caller.org, ask.given, request=request_of(ask))
    return shown(made, 201)


@routes.get(
    "/properties/{property_id}", "Read a property", replies={200: Property}, refusals=(PropertyNotFound,), etag=True
)
def read_property(ask: Ask[None], property_id: str) -> Reply:
    """Shows one property. With the publishable key it has no `address` and no `area`."""
    return Reply(200, _seen(ask, ask.services.catalogue_desk.get_property(ask.caller.org, property_id)))


@routes.patch(
    "/properties/{property_id}",
    "Change a property; the desk only its status",
    roles=STAFF,
    body=PropertyPatch,
    replies={200: Property},
    refusals=(PropertyNotFound, InUse, VersionConflict),
    if_match="optional",
    etag=True,
)
def change_property(ask: Ask[PropertyPatch], property_id: str) -> Reply:
    """Changes the fields that are sent. The role `desk` may change the `status` only. Bookings that exist are not
    touched. The `parent_id` stays while a visit or a hold lies ahead for the unit or for one of the buildings. With
    `If-Match` it changes only the version that was read."""
    _desk_changes_only(ask, DESK_CHANGES[Property])
    return shown(ask.services.units.patch(ask.caller.org, property_id, ask.given, ask.expected_version))


@routes.delete(
    "/properties/{property_id}",
    "Remove a property for which no visit and no hold lies ahead",
    roles=ADMIN,
    replies={204: None},
    refusals=(PropertyNotFound, InUse, VersionConflict),
    if_match="optional",
)
def remove_property(ask: Ask[None], property_id: str) -> Reply:
    """Removes a property. While it has units, or a visit or a hold lies ahead of it or of its building, it is refused.
    Bookings of the past keep the id."""
    ask.services.upkeep.remove_property(ask.caller.org, property_id, ask.expected_version)
    return Reply(204)


@routes.get(
    "/technicians",
    "List technicians by id",
    query=CatalogueQuery,
    replies={200: TechnicianPage},
)
def list_technicians(ask: Ask[CatalogueQuery]) -> Reply:
    """Lists technicians by id, page by page. `q` finds those in which each of its words begins a word of the id or the
    name. The publishable key sees their `id` and `name` alone, and may not ask for a `status`."""
    asked = ask.given
    if asked.status is not None and ask.caller.is_public:
        raise Forbidden("This key may not ask who is available; /availability shows when somebody is free.")
    found, next_cursor = ask.services.catalogue_desk.list_technicians(
        ask.caller.org, asked.limit, asked.cursor, status=asked.status, q=asked.q
    )
    return Reply(200, {"technicians": [_seen(ask, each) for each in found], "next_cursor": next_cursor})


@routes.post(
    "/technicians",
    "Add a technician",
    roles=ADMIN,
    body=TechnicianCreate,
    replies={201: Technician},
    refusals=(AlreadyExists,),
    location="/technicians/{id}",
    etag=True,
)
def add_technician(ask: Ask[TechnicianCreate]) -> Reply:
    """Adds a technician. Without `id` it gets one."""
    made = ask.services.catalogue_desk.create_technician(ask.caller.org, ask.given, request=request_of(ask))
    return shown(made, 201)


@routes.get(
    "/technicians/{technician_id}",
    "Read a technician",
    replies={200: Technician},
    refusals=(TechnicianNotFound,),
    etag=True,
)
def read_technician(ask: Ask[None], technician_id: str) -> Reply:
    """Shows one technician. The publishable key sees `id` and `name` alone."""
    return Reply(200, _seen(ask, ask.services.catalogue_desk.get_technician(ask.caller.org, technician_id)))


@routes.patch(
    "/technicians/{technician_id}",
    "Change a technician; the desk only the status and time off",
    roles=STAFF,
    body=TechnicianPatch,
    replies={200: ChangedTechnician},
    refusals=(TechnicianNotFound, VersionConflict),
    if_match="optional",
    etag=True,
)
def change_technician(ask: Ask[TechnicianPatch], technician_id: str) -> Reply:
    """Changes the fields that are sent. The role `desk` may change the `status` and the time off. Bookings that exist
    are not touched: `visits` names those that lie in the time off that was sent. With `If-Match` it changes only the
    version that was read."""
    _desk_changes_only(ask, DESK_CHANGES[Technician])
    changed = ask.services.upkeep.patch_technician(ask.caller.org, technician_id, ask.given, ask.expected_version)
    hidden = {"visits"} if changed.visits is None else set()
    return Reply(200, changed.model_dump(mode="json", exclude=hidden))


@routes.delete(
    "/technicians/{technician_id}",
    "Remove a technician for whom no visit and no hold lies ahead",
    roles=ADMIN,
    replies={204: None},
    refusals=(TechnicianNotFound, InUse, VersionConflict),
    if_match="optional",
)
def remove_technician(ask: Ask[None], technician_id: str) -> Reply:
    """Removes a technician and ends the address of the calendar. While a visit or a hold lies ahead it is refused.
    Bookings of the past keep the id."""
    ask.services.upkeep.remove_technician(ask.caller.org, technician_id, ask.expected_version)
    return Reply(204)


@routes.get("/policy", "Read the policy", roles=ADMIN, replies={200: Policy})
def read_policy(ask: Ask[None]) -> Reply:
    """Shows the rules of the org for holds and bookings."""
    return shown(ask.services.catalogue_desk.get_policy(ask.caller.org))


@routes.patch(
    "/policy",
    "Change the policy",
    roles=ADMIN,
    body=PolicyPatch,
    replies={200: Policy},
    refusals=(AlreadyExists,),
)
def change_policy(ask: Ask[PolicyPatch]) -> Reply:
    """Changes the rules that are sent. Holds and bookings that exist are not touched."""
    return shown(ask.services.catalogue_desk.patch_policy(ask.caller.org, ask.given))


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


def _desk_changes_only(ask: Ask[Any], allowed: Mapping[str, str]) -> None:
    """allowed: the fields that the desk may change, each with its word in a sentence."""
    if ask.caller.role is Role.DESK and ask.given.model_fields_set - allowed.keys():
        words = " and ".join(dict.fromkeys(allowed.values()))
        raise Forbidden(f"The desk may change only {words}.")
