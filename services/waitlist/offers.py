"""One offer for one entry, in steps, so that any relay can continue an offer that another relay began.

1. Write the hold's id into the entry: the intent. 2. Place the hold under that id. 3. Publish the offer.
4. Mark the entry as offered.

An entry has one intent at a time. All relays that continue it place the hold under the same id, so there is one hold.
The entry's version guards steps 1 and 4; the hold's record guards steps 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from models.access import Role
from models.booking import Booking
from models.errors import Refusal, StoreUnavailable, TooManyHolds
from models.slot import Opening, SlotFields
from models.waitlist import WaitEntry
from services.catalogue.reader import Catalogue
from services.claims.claims import Claims
from services.claims.events import OfferEvents
from services.claims.hold_records import HoldRecord, moment_of_ms
from services.claims.placements import ClaimRequest
from services.clock import Clock, now_ms
from services.crash_points import CrashPoints
from services.holds.placing import Placing
from services.ids import HoldIds, booking_id_for
from services.ledger.expiry import SYSTEM
from services.observability import Metrics
from services.timetable.grid import Grid
from services.waitlist.store import WaitlistStore

log = structlog.get_logger()


class Offering:
    """Makes offers and continues unfinished ones. Everything may raise StoreUnavailable."""

    def __init__(
        self,
        *,
        store: WaitlistStore,
        events: OfferEvents,
        claims: Claims,
        placing: Placing,
        catalogue: Catalogue,
        hold_ids: HoldIds,
        booked: Callable[[str, str], Booking | None],
        metrics: Metrics,
        grid: Grid,
        clock: Clock,
        crash: CrashPoints,
    ) -> None:
        self._store = store
        self._events = events
        self._claims = claims
        self._placing = placing
        self._catalogue = catalogue
        self._hold_ids = hold_ids
        self._booked = booked
        self._metrics = metrics
        self._grid = grid
        self._clock = clock
        self._crash = crash

    def offer(self, entry: WaitEntry, openings: list[Opening]) -> bool:
        """Offers the first of the openings that is still free. False if none is, or if the entry no longer waits.

        Raises TooManyHolds if the entry's client address, or all strangers together, have their share of holds already.
        """
        intended = self._intend(entry)
        if intended is None:
            return False
        self._crash("after_offer_intent")
        if not any(self._place(intended, opening) for opening in openings):
            return False
        self._crash("after_offer_hold")
        return self._conclude(intended) is None

    def go_on(self, entry: WaitEntry) -> WaitEntry | None:
        """Continues the unfinished offer of a waiting entry. The entry if it still waits, else None.

        An intent whose hold does not exist stays for the next offer: a slow relay may still place a hold under its id,
        and then both place the same one.
        """
        return self._conclude(entry) if entry.hold_id else entry

    def booking_of(self, entry: WaitEntry) -> str | None:
        """The id of the booking that was made of an entry's hold, read from MongoDB; None if there is none."""
        booking_id = booking_id_for(entry.org, entry.hold_id or "")
        return booking_id if self._booked(entry.org, booking_id) else None

    def release(self, entry: WaitEntry) -> None:
        """Releases the hold that an entry names, as Claims.release does for the hold's owner."""
        self._claims.release(entry.org, entry.hold_id or "", entry.made_by, staff=False)

    def _intend(self, entry: WaitEntry) -> WaitEntry | None:
        """The entry with an intent, ours or that of a faster relay; None if the entry no longer waits."""
        if entry.hold_id:
            return entry
        now = self._clock()
        hold_id = self._hold_ids.make(entry.org, entry.made_by, now_ms(self._clock))
        intended = self._store.change(entry, now, SYSTEM, "intend", hold_id=hold_id)
        if intended is None:
            intended = self._store.find(entry.org, entry.waitlist_id)
        return intended if intended and intended.status == "waiting" and intended.hold_id else None

    def _place(self, entry: WaitEntry, opening: Opening) -> bool:
        """Claims an opening as any hold does, under the id of the intent. False if the opening is no longer free.

        Raises TooManyHolds.
        """
        fields = SlotFields.model_construct(
            property_id=entry.property_id,
            technician_ids=list(entry.named),
            technicians=entry.technicians,
            service_id=entry.service_id,
            start=opening.start,
            duration_minutes=entry.duration_minutes,
        )

        request = ClaimRequest(
            org=entry.org,
            hold_id=entry.hold_id or "",
            key_id=entry.made_by,
            role=Role.DESK,
            joined_by=entry.joined_by,
            slot=fields,
            now=self._clock(),
            lifetime_seconds=self._lifetime_seconds(entry),
            address_digest=entry.joined_from or "",
            standing=entry.standing,
        )
        try:
            self._placing.claim(request)
        except (StoreUnavailable, TooManyHolds):
            raise
        except Refusal:
            return False
        return True

    def _lifetime_seconds(self, entry: WaitEntry) -> int:
        """How long an offer lasts. With the publishable key never longer than today's policy allows a hold."""
        asked = entry.offer_minutes * 60
        if entry.joined_from is None:
            return asked
        return min(asked, self._catalogue.policy(entry.org).max_hold_seconds)

    def _conclude(self, entry: WaitEntry) -> WaitEntry | None:
        """Steps 3 and 4. The entry if it still waits, because its hold is not live; else None."""
        offer = self._events.announce(entry.org, entry.waitlist_id, entry.hold_id or "")
        if offer.record and offer.state in ("announced", "confirming", "booked"):
            self._crash("after_offer_published")
            self._mark(entry, offer.record)
            return None
        if offer.state == "unknown":
            return entry
        if offer.state == "cold":  # a relay died before it checked the hold in MongoDB; the offer is not published
            self.release(entry)
        booking_id = self.booking_of(entry)
        if booking_id:
            self._store.change(entry, self._clock(), SYSTEM, "book", status="booked", booking_id=booking_id)
            return None
        return self._store.change(entry, self._clock(), SYSTEM, "withdraw", hold_id=None)

    def _mark(self, entry: WaitEntry, record: HoldRecord) -> None:
        offered = self._store.change(
            entry,
            self._clock(),
            SYSTEM,
            "offer",
            status="offered",
            held_as=self._hold_ids.seal(entry.org, entry.made_by, record.hold_id, record.visit),
            start=self._grid.moment(record.visit.start),
            end=self._grid.moment(record.visit.end),
            offered_technician_id=record.visit.technician_id,
            offered_technician_ids=list(record.visit.technician_ids) if record.visit.crew else None,
            offered_until=moment_of_ms(record.expires_ms),
        )
        if offered:
            self._metrics.relay.labels("waitlist_offered").inc()
            log.info("waitlist_offered", org=entry.org, waitlist_id=entry.waitlist_id)
            return
        # Either another relay marked the entry with this hold, or the entry has ended and the hold must end with it.
        current = self._store.find(entry.org, entry.waitlist_id)
        if current is None or current.hold_id != entry.hold_id or current.status in ("cancelled", "lapsed"):
            self.release(entry)
