"""/properties, /technicians and /policy."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from api.http.endpoint import Ask, Reply, Routes
from api.openapi.schemas import PageQuery, PropertyPage, TechnicianPage
from models.access import STAFF, Role
from models.catalogue import (
    Policy,
    PolicyPatch,
    Property,
    PropertyCreate,
    PropertyPatch,
    Technician,
    TechnicianCreate,
    TechnicianPatch,
)
from models.errors import AlreadyExists, Forbidden, PropertyNotFound, TechnicianNotFound

routes = Routes("Catalogue")

ADMIN = frozenset({Role.ADMIN})


@routes.get("/properties", "List properties by id", query=PageQuery, replies={200: PropertyPage})
def list_properties(ask: Ask[PageQuery]) -> Reply:
    found, next_cursor = ask.services.catalogue_desk.list_properties(ask.caller.org, ask.given.limit, ask.given.cursor)
    return _shown(PropertyPage(properties=found, next_cursor=next_cursor))


@routes.post(
    "/properties",
    "Add a property",
    roles=ADMIN,
    body=PropertyCreate,
    replies={201: Property},
    refusals=(AlreadyExists,),
    location="/properties/{id}",
)
def create_property(ask: Ask[PropertyCreate]) -> Reply:
    made = ask.services.catalogue_desk.create_property(ask.caller.org, ask.given, request=_request(ask))
    return _shown(made, 201)


@routes.get("/properties/{property_id}", "Read a property", replies={200: Property}, refusals=(PropertyNotFound,))
def read_property(ask: Ask[None], property_id: str) -> Reply:
    return _shown(ask.services.catalogue_desk.get_property(ask.caller.org, property_id))


@routes.patch(
    "/properties/{property_id}",
    "Change a property; the desk only its status",
    roles=STAFF,
    body=PropertyPatch,
    replies={200: Property},
    refusals=(PropertyNotFound,),
)
def patch_property(ask: Ask[PropertyPatch], property_id: str) -> Reply:
    _desk_changes_status_only(ask)
    return _shown(ask.services.catalogue_desk.patch_property(ask.caller.org, property_id, ask.given))


@routes.get("/technicians", "List technicians by id", query=PageQuery, replies={200: TechnicianPage})
def list_technicians(ask: Ask[PageQuery]) -> Reply:
    found, next_cursor = ask.services.catalogue_desk.list_technicians(ask.caller.org, ask.given.limit, ask.given.cursor)
    return _shown(TechnicianPage(technicians=found, next_cursor=next_cursor))


@routes.post(
    "/technicians",
    "Add a technician",
    roles=ADMIN,
    body=TechnicianCreate,
    replies={201: Technician},
    refusals=(AlreadyExists,),
    location="/technicians/{id}",
)
def create_technician(ask: Ask[TechnicianCreate]) -> Reply:
    made = ask.services.catalogue_desk.create_technician(ask.caller.org, ask.given, request=_request(ask))
    return _shown(made, 201)


@routes.get(
    "/technicians/{technician_id}", "Read a technician", replies={200: Technician}, refusals=(TechnicianNotFound,)
)
def read_technician(ask: Ask[None], technician_id: str) -> Reply:
    return _shown(ask.services.catalogue_desk.get_technician(ask.caller.org, technician_id))


@routes.patch(
    "/technicians/{technician_id}",
    "Change a technician; the desk only its status",
    roles=STAFF,
    body=TechnicianPatch,
    replies={200: Technician},
    refusals=(TechnicianNotFound,),
)
def patch_technician(ask: Ask[TechnicianPatch], technician_id: str) -> Reply:
    _desk_changes_status_only(ask)
    return _shown(ask.services.catalogue_desk.patch_technician(ask.caller.org, technician_id, ask.given))


@routes.get("/policy", "Read the policy", roles=ADMIN, replies={200: Policy})
def read_policy(ask: Ask[None]) -> Reply:
    return _shown(ask.services.catalogue_desk.get_policy(ask.caller.org))


@routes.patch("/policy", "Change the policy", roles=ADMIN, body=PolicyPatch, replies={200: Policy})
def patch_policy(ask: Ask[PolicyPatch]) -> Reply:
    return _shown(ask.services.catalogue_desk.patch_policy(ask.caller.org, ask.given))


def _shown(made: BaseModel, status: int = 200) -> Reply:
    return Reply(status, made.model_dump(mode="json"))


def _desk_changes_status_only(ask: Ask[Any]) -> None:
    if ask.caller.role is Role.DESK and ask.given.model_fields_set - {"status"}:
        raise Forbidden("The desk may change the status only.")


def _request(ask: Ask[Any]) -> str | None:
    """What only a repeat of this very request has, by which a creation whose reply was lost finds what it made."""
    claim = ask.idempotency
    return None if claim is None else f"{ask.caller.key_id}:{claim.fingerprint}:{claim.key}"
