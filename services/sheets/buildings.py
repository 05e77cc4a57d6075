"""The first reading of the units of buildings: whether each has a building that can be one.

A building stands in an earlier line of the file than its units, or it is in the org already.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.catalogue import Property
from services.sheets.problems import Fault
from services.sheets.scratch import Scratch, Site

NO_BUILDING = "Give the id of a property that is no unit, in an earlier line or in the org already."


def site_of(stored: Property) -> Site:
    """What counts of a property of the org."""
    return Site(stored.parent_id, stored.timezone)


class Buildings:
    """The properties of one file, line by line."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def fault_of(self, plain_id: str, site: Site, stored: Mapping[str, Property]) -> Fault | None:
        """Notes a property, and says what is wrong with its building. stored: the buildings that the org has, by id.

        site: its zone is None if the file names none.
        """
        parent = site.parent_id
        if parent is None:
            self._scratch.note_site(plain_id, site)
            return None
        building = self._scratch.site(parent) or (site_of(stored[parent]) if parent in stored else None)
        if building is None or building.parent_id is not None or parent == plain_id:
            return Fault("parent_id", NO_BUILDING)
        self._scratch.note_site(plain_id, Site(parent, building.zone))
        if building.zone is not None and site.zone not in (None, building.zone):
            return Fault(
                "timezone", f"Give timezone as {building.zone}, which is that of the building, or leave it out."
            )
        return None

    def note_unread(self, plain_id: str) -> None:
        """Notes a property whose line has other faults, so that its units add no further ones."""
        self._scratch.note_site(plain_id, Site(None, None))
