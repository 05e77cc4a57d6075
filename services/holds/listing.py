"""Lists live holds: a holder's own, and for staff those of a property, of a technician or of the whole org.

A holder's are in the set that counts them. All others are found in the spans that Redis keeps for each resource, and an
org is read some technicians at a time: a page looks at RESOURCE_DAYS technicians times days, whatever it finds there.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from models.access import Caller
from models.errors import Fault, InvalidRequest
from models.hold import Hold, HoldsQuery
from models.slot import PROPERTY, TECHNICIAN, Visit
from services.catalogue.editor import CatalogueDesk
from services.catalogue.local_days import LocalDays
from services.claims.hold_records import HoldRecord, hold_view
from services.claims.keys import digest
from services.claims.live_holds import MOST_AT_ONCE, LiveHolds
from services.claims.mirror import Mirror
from services.clock import Clock
from services.ids import HoldIds
from services.stores.pages import LARGEST_PAGE, bad_cursor, read_cursor, write_cursor
from services.timetable.grid import Grid

RESOURCE_DAYS: Final = 2_000
LAST_TICK: Final = 10**9
"""Later than every tick: a window without an end ends here."""


class Entry(NamedTuple):
    """Where a hold stands in a list: by the resource under which it is listed, its first tick there, and its name."""

    resource_id: str
    start: int
    hold_id: str


Found = list[tuple[Entry, HoldRecord]]


class HoldList:
    """Pages of live holds. Everything may raise StoreUnavailable."""

    def __init__(
        self,
        *,
        holds: LiveHolds,
        mirror: Mirror,
        catalogue: CatalogueDesk,
        days: LocalDays,
        hold_ids: HoldIds,
        grid: Grid,
        clock: Clock,
    ) -> None:
        self._holds = holds
        self._mirror = mirror
        self._catalogue = catalogue
        self._days = days
        self._hold_ids = hold_ids
        self._grid = grid
        self._clock = clock

    def page(self, caller: Caller, query: HoldsQuery) -> tuple[list[Hold], str | None]:
        """One page, and the cursor of the next one or None. With a holder the caller's own holds, by start.

        Staff without one get those of all keys, by technician and start, or by start if they name a property or a
        technician. A page may be empty although more follow.
        Raises InvalidRequest: others than staff have to name a holder, and a cursor has to come from this list.
        """
        query, after = self._days.in_utc(caller.org, query), _read_entry(query.cursor)
        if query.holder is not None:
            return self._own(caller, query.holder, query, after)
        if caller.is_staff:
            return self._of_org(caller.org, query, after)
        text = "Give holder, or the header X-Holder: the holder of the holds that you ask for."
        raise InvalidRequest(Fault("holder", "missing", text))

    def _own(self, caller: Caller, holder: str, query: HoldsQuery, after: Entry) -> tuple[list[Hold], str | None]:
        records = self._holds.of_holder(caller.org, digest("holder", caller.key_id, holder))
        found = sorted((Entry("own", each.visit.start, each.hold_id), each) for each in records)
        return self._cut(caller.org, query, [each for each in found if each[0] > after], None)

    def _of_org(self, org: str, query: HoldsQuery, after: Entry) -> tuple[list[Hold], str | None]:
        from_tick = self._grid.tick(query.from_ or self._clock())
        to_tick = LAST_TICK if query.to is None else self._grid.tick_from(query.to)
        kind, names, all_named = self._resources(org, query, after, self._most(org, from_tick, to_tick))
        spans = self._mirror.read_spans(org, [f"{kind}:{name}" for name in names], from_tick, to_tick)
        entries = sorted(
            Entry(name, mark.start, mark.owner)
            for name in names
            for mark in spans.taken[f"{kind}:{name}"]
            if mark.state == "held"
        )
        entries = [each for each in entries if each > after]
        asked = entries[:MOST_AT_ONCE]
        records = {each.hold_id: each for each in self._holds.named(org, (each.hold_id for each in asked))}
        following = asked[-1] if len(asked) < len(entries) else None
        if following is None and names and not all_named:
            following = Entry(names[-1], LAST_TICK, "-")
        query = query.model_copy(update={"from_": self._grid.moment(from_tick)})
        found = [(each, records[each.hold_id]) for each in asked if each.hold_id in records]
        if query.property_id is None and query.technician_id is None:  # a crew's hold is listed under its first
            found = [(each, record) for each, record in found if each.resource_id == record.visit.technician_id]
        return self._cut(org, query, found, following)

    def _resources(self, org: str, query: HoldsQuery, after: Entry, most: int) -> tuple[str, list[str], bool]:
        """The kind and ids of the resources of a page, from where the page begins, and whether these are all."""
        if query.property_id is not None:
            return PROPERTY, [query.property_id], True
        if query.technician_id is not None:
            return TECHNICIAN, [query.technician_id], True
        last = [after.resource_id] if after.resource_id else []
        cursor = write_cursor(*last) if last else None
        found, following = self._catalogue.list_technicians(org, most, cursor)
        return TECHNICIAN, [*last, *(each.id for each in found)], following is None

    def _most(self, org: str, from_tick: int, to_tick: int) -> int:
        """How many technicians a page looks at. Beyond the horizon there are few visits, so it bounds the days."""
        day = self._grid.ticks(1440)
        days = 1 + min(to_tick - from_tick, self._catalogue.get_policy(org).horizon_days * day) // day
        return max(1, min(LARGEST_PAGE, RESOURCE_DAYS // max(1, days)))

    def _cut(self, org: str, query: HoldsQuery, found: Found, following: Entry | None) -> tuple[list[Hold], str | None]:
        """A page of what was found. following: where the next page begins, if it begins behind all of that."""
        matching = [(entry, record) for entry, record in found if _matches(query, self._grid, record.visit)]
        if len(matching) > query.limit:
            following = matching[query.limit - 1][0]
        shown = [self._shown(org, record) for _, record in matching[: query.limit]]
        return shown, _write_entry(following) if following else None

    def _shown(self, org: str, record: HoldRecord) -> Hold:
        hold_id = self._hold_ids.seal(org, record.key_id, record.hold_id, record.visit)
        return hold_view(record, hold_id, self._grid)


def _matches(query: HoldsQuery, grid: Grid, visit: Visit) -> bool:
    return (
        query.property_id in (None, visit.property_id)
        and query.technician_id in (None, *visit.technician_ids)
        and (query.from_ is None or visit.end > grid.tick(query.from_))
        and (query.to is None or visit.start < grid.tick_from(query.to))
    )


def _write_entry(entry: Entry) -> str:
    return write_cursor(entry.resource_id, str(entry.start), entry.hold_id)


def _read_entry(cursor: str | None) -> Entry:
    if cursor is None:
        return Entry("", -1, "")
    resource_id, start, hold_id = read_cursor(cursor, 3)
    if not start.isdecimal():
        raise bad_cursor()
    return Entry(resource_id, int(start), hold_id)
