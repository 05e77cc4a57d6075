"""The documents of the catalogue: their collections, their ids, and the models that they become."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog
from pymongo import ASCENDING
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from models.catalogue import Policy, Property, Technician
from models.service import Service
from services.stores.connections import Document
from services.stores.faults import mongo_faults

log = structlog.get_logger()

ORGS = "orgs"
PROPERTIES = "properties"
TECHNICIANS = "technicians"
SERVICES = "services"


def ensure_catalogue_indexes(db: Database[Document]) -> None:
    """Makes the indexes of the catalogue; nothing where they exist. StoreUnavailable."""
    with mongo_faults():
        for name in (PROPERTIES, TECHNICIANS, SERVICES):
            db[name].create_index([("org", ASCENDING), ("id", ASCENDING)], unique=True, name="one_per_id")
        units = [("org", ASCENDING), ("parent_id", ASCENDING), ("id", ASCENDING)]
        db[PROPERTIES].create_index(units, name="units", partialFilterExpression={"parent_id": {"$gt": ""}})
        listed = [("org", ASCENDING), ("unlisted", ASCENDING), ("id", ASCENDING)]
        db[PROPERTIES].create_index(listed, name="listed")
        _ensure_one_org_per_number(db)


def _ensure_one_org_per_number(db: Database[Document]) -> None:
    """A text belongs to the org of the number that it was sent to. Where orgs share one from an earlier version, the
    index cannot be made: then the log names them at each start, until one of them gives its number up."""
    number, has_one = "policy.sms_number", {"policy.sms_number": {"$gt": ""}}
    try:
        db[ORGS].create_index(
            [(number, ASCENDING)], unique=True, name="one_per_number", partialFilterExpression=has_one
        )
    except DuplicateKeyError:
        by_number = {"$group": {"_id": f"${number}", "orgs": {"$push": "$_id"}}}
        shared = {"$match": {"orgs.1": {"$exists": True}}}
        for found in db[ORGS].aggregate([{"$match": has_one}, by_number, shared]):
            log.warning("sms_number_shared", orgs=sorted(found["orgs"]))


def org_ids(db: Database[Document]) -> list[str]:
    """Every org of this installation. StoreUnavailable."""
    with mongo_faults():
        return [str(document["_id"]) for document in db[ORGS].find({}, {"_id": 1})]


def policies(db: Database[Document]) -> dict[str, Policy]:
    """The policy of every org. StoreUnavailable."""
    with mongo_faults():
        return {str(each["_id"]): policy_of(each) for each in db[ORGS].find({}, {"policy": 1})}


def org_of_number(db: Database[Document], sms_number: str) -> str | None:
    """The org whose texts are sent from a number, the oldest if several share it; None if there is none.

    Raises StoreUnavailable.
    """
    oldest = [("created_at", ASCENDING), ("_id", ASCENDING)]
    with mongo_faults():
        found = db[ORGS].find_one({"policy.sms_number": sms_number}, {"_id": 1}, sort=oldest)
    return str(found["_id"]) if found else None


def document_id(org: str, plain_id: str) -> str:
    """The `_id` of a property, technician or service. Ids hold no slash."""
    return f"{org}/{plain_id}"


def property_of(document: Document) -> Property:
    """A unit that is still joining its building is unavailable."""
    closed = {"status": "unavailable"} if document.get("joining") else {}
    return Property.model_validate(document | closed)


def technician_of(document: Document) -> Technician:
    away = [{"start": _utc(off["start"]), "end": _utc(off["end"])} for off in document.get("time_off", ())]
    return Technician.model_validate({**document, "time_off": away})


def service_of(document: Document) -> Service:
    return Service.model_validate(document)


def policy_of(document: Document | None) -> Policy:
    """The org's policy; a rule that the org never set has its default."""
    return Policy.model_validate((document or {}).get("policy", {}))


def _utc(moment: datetime) -> datetime:
    # BSON dates are UTC and carry no zone; whether the client adds it depends on how it was made.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
