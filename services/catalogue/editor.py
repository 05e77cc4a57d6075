"""Writes the catalogue and the policy, and reads them for display: always from MongoDB, never from memory.

Each write announces a new epoch, so that every process reads the catalogue again. A write with an unknown outcome
announces one too. A stricter policy changes no existing hold or booking.
"""

from __future__ import annotations

from collections.abc import Set

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from models.catalogue import (
    Policy,
    PolicyPatch,
    Property,
    PropertyCreate,
    PropertyPatch,
    ResourceStatus,
    Technician,
    TechnicianCreate,
    TechnicianPatch,
)
from models.errors import (
    AlreadyExists,
    Fault,
    InvalidRequest,
    PropertyNotFound,
    Refusal,
    StoreUnavailable,
    TechnicianNotFound,
)
from services.catalogue.announcing import Announcing
from services.catalogue.checks import hours_faults, patch_faults, policy_faults, refuse_if, time_off_faults
from services.catalogue.differences import differing, with_time_off
from services.catalogue.documents import ORGS, PROPERTIES, TECHNICIANS, policy_of, property_of, technician_of
from services.catalogue.listing import list_filter
from services.catalogue.records import Records, stored
from services.catalogue.unit_desk import UnitDesk
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import DEFAULT_PAGE

POLICY_ATTEMPTS = 20
HAS_UNITS = Fault("parent_id", "has_units", "Leave parent_id out, because this property has units of its own.")


class CatalogueDesk:
    """Creates, changes and lists properties and technicians, and changes the policy, of one org at a time.

    Everything may raise StoreUnavailable; the outcome of a write is then unknown.
    """

    def __init__(
        self,
        db: Database[Document],
        clock: Clock,
        *,
        announcing: Announcing,
        units: UnitDesk,
        grid_minutes: int,
    ) -> None:
        def records(name: str, prefix: str, missing: type[Refusal]) -> Records:
            return Records(db[name], prefix=prefix, missing=missing, changing=announcing.changing, clock=clock)

        self._properties = records(PROPERTIES, "prop", PropertyNotFound)
        self._technicians = records(TECHNICIANS, "tech", TechnicianNotFound)
        self._orgs = db[ORGS]
        self._changing = announcing.changing
        self._units = units
        self._clock = clock
        self._grid_minutes = grid_minutes

    def list_properties(
        self,
        org: str,
        limit: int = DEFAULT_PAGE,
        cursor: str | None = None,
        *,
        status: ResourceStatus | None = None,
        q: str | None = None,
        public: bool = False,
    ) -> tuple[list[Property], str | None]:
        """One page by id, and the cursor of the next page or None. status, q: as in `list_filter`.

        public: without the unlisted ones, and q looks at no address. Raises InvalidRequest (limit, cursor).
        """
        wanted = list_filter(status, q, ("id", "name") if public else ("id", "name", "address"))
        if public:
            wanted["unlisted"] = {"$in": [False, None]}
        documents, following = self._properties.page(org, limit, cursor, wanted)
        return [property_of(document) for document in documents], following

    def list_technicians(
        self,
        org: str,
        limit: int = DEFAULT_PAGE,
        cursor: str | None = None,
        *,
        status: ResourceStatus | None = None,
        q: str | None = None,
    ) -> tuple[list[Technician], str | None]:
        """As `list_properties`."""
        documents, following = self._technicians.page(org, limit, cursor, list_filter(status, q, ("id", "name")))
        return [technician_of(document) for document in documents], following

    def properties(self, org: str, ids: Set[str]) -> tuple[list[Property], frozenset[str]]:
        """Those of these ids that there are, by id, and the ids of those that have units."""
        return [property_of(each) for each in self._properties.among(org, ids)], self._units.buildings(org, ids)

    def get_property(self, org: str, property_id: str) -> Property:
        """Raises PropertyNotFound."""
        return property_of(self._properties.get(org, property_id))

    def get_technician(self, org: str, technician_id: str) -> Technician:
        """Raises TechnicianNotFound."""
        return technician_of(self._technicians.get(org, technician_id))

    def get_policy(self, org: str) -> Policy:
        """The org's policy, with defaults for the rules that it has not set."""
        with mongo_faults():
            return policy_of(self._orgs.find_one({"_id": org}, {"policy": 1}))

    def create_property(self, org: str, wanted: PropertyCreate, *, request: str | None = None) -> Property:
        """Raises AlreadyExists if the id is taken. request: as in `create_technician`."""
        return property_of(self._properties.create(org, wanted, request))

    def create_technician(self, org: str, wanted: TechnicianCreate, *, request: str | None = None) -> Technician:
        """Raises AlreadyExists if the id is taken, InvalidRequest (working hours, time off).

        request: a digest of the Idempotency-Key, the caller and the body. If the first attempt was written but its
        reply was lost, a repeat with the same digest gets what the first attempt made, not AlreadyExists.
        """
        refuse_if([*hours_faults(wanted.working_hours), *time_off_faults(wanted.time_off)])
        return technician_of(self._technicians.create(org, wanted, request))

    def patch_property(self, org: str, property_id: str, patch: PropertyPatch, version: int | None = None) -> Property:
        """Changes the fields in the patch; null clears some. version: the one to change, None for any.

        Raises PropertyNotFound, VersionConflict, InvalidRequest (parent_id, for a property that has units).
        """

        def changes(current: Document) -> Document:
            fields = differing(property_of(current), patch.model_dump(exclude_unset=True))
            if fields.get("parent_id") is not None and self._units.has_units(org, property_id):
                raise InvalidRequest(HAS_UNITS)
            return fields

        return property_of(self._properties.change(org, property_id, version, changes))

    def patch_technician(
        self, org: str, technician_id: str, patch: TechnicianPatch, version: int | None = None
    ) -> Technician:
        """Changes the fields in the patch; null clears `working_hours`. version: as in `patch_property`.

        Raises TechnicianNotFound, VersionConflict, InvalidRequest.
        """
        refuse_if(patch_faults(patch))

        def changes(current: Document) -> Document:
            known = technician_of(current)
            return differing(known, stored(with_time_off(patch, known)))

        return technician_of(self._technicians.change(org, technician_id, version, changes))

    def remove_property(self, org: str, property_id: str, version: int) -> bool:
        """Whether the property was there in this version; it is no longer."""
        return self._properties.remove(org, property_id, version)

    def remove_technician(self, org: str, technician_id: str, version: int) -> bool:
        """Whether the technician was there in this version; it is no longer."""
        return self._technicians.remove(org, technician_id, version)

    def patch_policy(self, org: str, patch: PolicyPatch) -> Policy:
        """Changes the rules in the patch. Raises InvalidRequest with every rule that does not fit the others, and
        AlreadyExists if `sms_number` is another org's."""
        for _ in range(POLICY_ATTEMPTS):
            with mongo_faults():
                current = self._orgs.find_one({"_id": org}, {"policy": 1, "policy_revision": 1}) or {}
            wanted = Policy.model_validate({**current.get("policy", {}), **patch.model_dump(exclude_unset=True)})
            refuse_if(policy_faults(wanted, patch, self._grid_minutes))
            self._refuse_number_of_another(org, patch.sms_number)
            if not patch.model_fields_set or self._write_policy(org, patch, current.get("policy_revision")):
                return wanted
        raise StoreUnavailable()

    def _refuse_number_of_another(self, org: str, sms_number: str | None) -> None:
        others = {"_id": {"$ne": org}, "policy.sms_number": sms_number}
        with mongo_faults():
            if sms_number is not None and self._orgs.find_one(others, {"_id": 1}) is not None:
                raise AlreadyExists("Another org has this sms_number. Please give a number of your own.")

    def _write_policy(self, org: str, patch: PolicyPatch, revision: int | None) -> bool:
        """False if the policy has changed since `revision` was read. The caller then checks its change again, because
        two changes that are valid alone may not be valid together."""
        changes = {f"policy.{name}": value for name, value in patch.model_dump(mode="json", exclude_unset=True).items()}
        unchanged = {"_id": org, "policy_revision": {"$exists": False} if revision is None else revision}
        update = {
            "$set": {**changes, "policy_revision": (revision or 0) + 1},
            "$setOnInsert": {"name": org, "created_at": self._clock()},
        }
        try:
            with self._changing(org):
                # An org without a document gets one. With another revision the upsert fails on the org's own _id, and
                # with a number that another org took at this moment on that.
                self._orgs.update_one(unchanged, update, upsert=True)
        except DuplicateKeyError:
            return False
        return True
