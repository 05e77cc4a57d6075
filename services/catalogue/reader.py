"""The catalogue and the policy as requests read them: from memory, after the first use.

Nothing here expires or polls. The memory of an org belongs to the *epoch* that Redis had when it was read. Every change
of the catalogue makes a new epoch once it is written, and the script of a hold compares the two. A caller that sees a
difference calls `forget` with the new epoch and starts over. A request decides by one `snapshot`: it never mixes two
epochs. Only while MongoDB does not answer may something older be served.

Must not write; `services.catalogue.editor` does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

from pymongo.database import Database

from models.catalogue import Policy, Property, Technician
from models.errors import ServiceNotFound, StoreUnavailable, TechnicianNotFound
from models.service import Service
from services.catalogue.reads import Reads, Site
from services.stores.cache import Recent, SharedReads
from services.stores.connections import Document

# Per process. A property takes about half a kilobyte, an org as much as its technicians do: some five each.
ORGS_KEPT = 1_000
PROPERTIES_KEPT = 20_000
PROPERTIES_WARMED = 2_000
UNREADABLE_SECONDS = 2.0
"""After a failed read, serve the last known value for this long before trying MongoDB again."""

V = TypeVar("V")


class _Shelf:
    """The memory of one org under one epoch. A new epoch gets a new shelf, so a late read lands on the old one."""

    __slots__ = (
        *("epoch", "last_policy", "last_services", "last_technicians"),
        *("policy", "services", "technicians", "unreadable_until"),
    )

    last_policy: Policy | None
    last_technicians: dict[str, Technician] | None
    last_services: dict[str, Service] | None

    def __init__(self, epoch: str | None = None, last: _Shelf | None = None) -> None:
        self.epoch = epoch
        self.policy: Policy | None = None
        self.technicians: dict[str, Technician] | None = None
        self.services: dict[str, Service] | None = None
        self.last_policy = (last.policy or last.last_policy) if last else None
        self.last_technicians = (last.technicians or last.last_technicians) if last else None
        self.last_services = (last.services or last.last_services) if last else None
        self.unreadable_until = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One org's catalogue and policy under one epoch, which is None until one was heard of.

    What is not in memory yet is read when it is asked for, as of this epoch. A unit is as its building makes it: in the
    building's timezone, unavailable when the building is, and in the building's area unless it names one. Every read
    may raise StoreUnavailable.
    """

    org: str
    epoch: str | None
    policy: Policy
    _shelf: _Shelf
    _catalogue: Catalogue

    def resources(self, property_id: str, technician_ids: Sequence[str]) -> tuple[Site, list[Technician]]:
        """A property with its units, and the technicians with these ids, or all by id if there are none; of whatever
        status.

        Raises PropertyNotFound, TechnicianNotFound.
        """
        return self._catalogue.site_on(self._shelf, self.org, property_id), self.technicians(technician_ids)

    def site(self, property_id: str) -> Property:
        """A property, of whatever status. PropertyNotFound."""
        return self._catalogue.property_on(self._shelf, self.org, property_id)

    def units_of(self, property_id: str) -> tuple[str, ...]:
        """The ids of a building's units in order; none for a unit or a plain property. PropertyNotFound."""
        return self._catalogue.units_on(self._shelf, self.org, property_id)

    def service(self, service_id: str) -> Service:
        """The service with this id, public or not. ServiceNotFound."""
        found = self._catalogue.services_on(self._shelf, self.org).get(service_id)
        if found is None:
            raise ServiceNotFound
        return found

    def technicians(self, technician_ids: Sequence[str] = ()) -> list[Technician]:
        """The technicians with these ids, or all by id if there are none; of whatever status. TechnicianNotFound."""
        known = self._catalogue.technicians_on(self._shelf, self.org)
        if not technician_ids:
            return list(known.values())
        try:
            return [known[each] for each in technician_ids]
        except KeyError:
            raise TechnicianNotFound from None


class Catalogue:
    """Reads of the catalogue on the request path. What it returns is shared: callers must not change it.

    A read that has to ask MongoDB may raise StoreUnavailable.
    """

    def __init__(self, db: Database[Document]) -> None:
        self._stored = Reads(db)
        self._shelves: Recent[str, _Shelf] = Recent(ORGS_KEPT)
        self._properties: Recent[tuple[str, str], tuple[_Shelf, Site]] = Recent(PROPERTIES_KEPT)
        self._reads = SharedReads()
        self._turning = threading.Lock()

    def snapshot(self, org: str) -> Snapshot:
        """The catalogue of one org as one attempt of a request sees it."""
        shelf = self._shelf(org)
        return Snapshot(org, shelf.epoch, self._policy_on(shelf, org), shelf, self)

    def epoch(self, org: str) -> str | None:
        """The epoch to which the memory of this org belongs; None before one was heard of."""
        shelf = self._shelves.get(org)
        return shelf.epoch if shelf else None

    def forget(self, org: str, epoch: str | None) -> None:
        """Drops the memory of an org; the next use reads it again, as of `epoch`.

        Nothing happens if that epoch is known already: of many requests that saw it change, one clears the shelf.
        """
        with self._turning:
            if epoch is None or self.epoch(org) != epoch:
                self._shelves.put(org, _Shelf(epoch, self._shelves.get(org)))

    def warm(self, org: str) -> None:
        """Reads an org's policy, technicians, services and first properties ahead of the requests for them."""
        self.policy(org)
        shelf = self._shelf(org)
        self.technicians_on(shelf, org)
        self.services_on(shelf, org)
        for found in self._stored.first_sites(org, PROPERTIES_WARMED):
            self._keep(org, shelf, found)

    def policy(self, org: str) -> Policy:
        """The org's rules; the defaults if it has set none."""
        return self._policy_on(self._shelf(org), org)

    def policy_as_written(self, org: str) -> Policy:
        """As `policy`, read from MongoDB for this call: for decisions that no script compares with the epoch."""
        return self._stored.policy(org)

    def known_policy(self, org: str) -> Policy | None:
        """As `policy`, from memory alone; None where only MongoDB can tell."""
        shelf = self._shelves.get(org)
        return shelf.policy if shelf else None

    def property(self, org: str, property_id: str) -> Property:
        """One property of the org, of whatever status. PropertyNotFound."""
        return self.property_on(self._shelf(org), org, property_id)

    def technicians(self, org: str) -> dict[str, Technician]:
        """All technicians of the org by id, in the order of their ids, of whatever status."""
        return self.technicians_on(self._shelf(org), org)

    def technician(self, org: str, technician_id: str) -> Technician:
        """One technician of the org. TechnicianNotFound."""
        found = self.technicians(org).get(technician_id)
        if found is None:
            raise TechnicianNotFound
        return found

    def property_on(self, shelf: _Shelf, org: str, property_id: str) -> Property:
        """As `property`, of one epoch: for snapshots."""
        return self.site_on(shelf, org, property_id).property

    def units_on(self, shelf: _Shelf, org: str, property_id: str) -> tuple[str, ...]:
        """The ids of a building's units, of one epoch: for snapshots."""
        return self.site_on(shelf, org, property_id).units

    def technicians_on(self, shelf: _Shelf, org: str) -> dict[str, Technician]:
        """As `technicians`, of one epoch: for snapshots."""
        if shelf.technicians is not None:
            return shelf.technicians
        return self._fresh(shelf, "technicians", lambda: self._read_technicians(org, shelf), shelf.last_technicians)

    def services_on(self, shelf: _Shelf, org: str) -> dict[str, Service]:
        """All services of the org by id, of one epoch: for snapshots."""
        if shelf.services is not None:
            return shelf.services
        return self._fresh(shelf, "services", lambda: self._read_services(org, shelf), shelf.last_services)

    def site_on(self, shelf: _Shelf, org: str, property_id: str) -> Site:
        kept = self._properties.get((org, property_id))
        if kept is not None and kept[0] is shelf:
            return kept[1]
        last = kept[1] if kept is not None else None
        return self._fresh(
            shelf, f"property:{property_id}", lambda: self._keep(org, shelf, self._stored.site(org, property_id)), last
        )

    def _policy_on(self, shelf: _Shelf, org: str) -> Policy:
        return shelf.policy or self._fresh(shelf, "policy", lambda: self._read_policy(org, shelf), shelf.last_policy)

    def _fresh(self, shelf: _Shelf, name: str, read: Callable[[], V], last: V | None) -> V:
        """What MongoDB says; while it does not answer, what it said last, so that holds go on."""
        if last is not None and monotonic() < shelf.unreadable_until:
            return last
        try:
            return self._reads.read((shelf, name), read)
        except StoreUnavailable:
            shelf.unreadable_until = monotonic() + UNREADABLE_SECONDS
            if last is None:
                raise
            return last

    def _shelf(self, org: str) -> _Shelf:
        return self._shelves.get_or_put(org, _Shelf)

    def _keep(self, org: str, shelf: _Shelf, site: Site) -> Site:
        self._properties.put((org, site.property.id), (shelf, site))
        return site

    def _read_policy(self, org: str, shelf: _Shelf) -> Policy:
        shelf.policy = self._stored.policy(org)
        return shelf.policy

    def _read_technicians(self, org: str, shelf: _Shelf) -> dict[str, Technician]:
        shelf.technicians = self._stored.technicians(org)
        return shelf.technicians

    def _read_services(self, org: str, shelf: _Shelf) -> dict[str, Service]:
        shelf.services = self._stored.services(org)
        return shelf.services
