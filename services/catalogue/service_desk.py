"""Writes the services of an org, and reads them for display: always from MongoDB, never from memory.

A change of a service touches no hold and no booking.
"""

from __future__ import annotations

from collections.abc import Callable

from pymongo.database import Database

from models.catalogue import Policy
from models.errors import ServiceNotFound
from models.service import Service, ServiceCreate, ServicePatch
from services.catalogue.announcing import Announcing
from services.catalogue.checks import refuse_if, service_grid_faults, service_limit_faults
from services.catalogue.differences import differing
from services.catalogue.documents import SERVICES, service_of
from services.catalogue.listing import list_filter
from services.catalogue.records import Records
from services.clock import Clock
from services.stores.connections import Document
from services.stores.pages import DEFAULT_PAGE


class ServiceDesk:
    """Creates, changes, removes and lists services, of one org at a time.

    policy: reads an org's policy as it is written. Everything may raise StoreUnavailable; the outcome of a write is
    then unknown.
    """

    def __init__(
        self,
        db: Database[Document],
        clock: Clock,
        *,
        announcing: Announcing,
        policy: Callable[[str], Policy],
        grid_minutes: int,
    ) -> None:
        self._records = Records(
            db[SERVICES], prefix="service", missing=ServiceNotFound, changing=announcing.changing, clock=clock
        )
        self._policy = policy
        self._grid_minutes = grid_minutes

    def page(
        self, org: str, limit: int = DEFAULT_PAGE, cursor: str | None = None, *, q: str | None = None, public: bool
    ) -> tuple[list[Service], str | None]:
        """One page by id, and the cursor of the next page or None. q: as in `list_filter`. public: only public ones.

        Raises InvalidRequest (limit, cursor).
        """
        wanted = list_filter(None, q, ("id", "name")) | ({"public": True} if public else {})
        documents, following = self._records.page(org, limit, cursor, wanted)
        return [service_of(document) for document in documents], following

    def get(self, org: str, service_id: str, *, public: bool = False) -> Service:
        """public: only a public one is found. Raises ServiceNotFound."""
        found = service_of(self._records.get(org, service_id))
        if public and not found.public:
            raise ServiceNotFound
        return found

    def create(self, org: str, wanted: ServiceCreate, *, request: str | None = None) -> Service:
        """Raises AlreadyExists if the id is taken, InvalidRequest. request: as in CatalogueDesk.create_technician."""
        self._require_fitting(org, wanted.model_dump())
        return service_of(self._records.create(org, wanted, request))

    def patch(self, org: str, service_id: str, patch: ServicePatch, version: int | None = None) -> Service:
        """Changes the fields in the patch; null clears `skill` and `price_text`. version: the one to change, None for
        any.

        Raises ServiceNotFound, VersionConflict, InvalidRequest.
        """
        fields = patch.model_dump(exclude_unset=True)
        self._require_fitting(org, fields)
        return service_of(
            self._records.change(org, service_id, version, lambda current: differing(service_of(current), fields))
        )

    def remove(self, org: str, service_id: str, version: int | None = None) -> None:
        """Removes a service. version: the one to remove, None for any. Raises ServiceNotFound, VersionConflict."""
        self._records.remove_any(org, service_id, version)

    def _require_fitting(self, org: str, fields: Document) -> None:
        faults = service_grid_faults(fields, self._grid_minutes)
        refuse_if(faults + service_limit_faults(fields, self._policy(org)))
