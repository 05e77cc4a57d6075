"""One offer to one who waits, step by step, so that whoever finds it half made goes on from there.

1. The hold's id is written into the entry: the intent. 2. The hold is placed under that id. 3. The offer is told.
4. The entry is marked as offered.

Only the one whose intent is in the entry offers, and however many come upon that intent place one hold, since they
place it under one id. The entry's version guards steps 1 and 4; the hold's record guards 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from models.booking import Booking
from models.errors import Refusal, StoreUnavailable
from models.slot import Opening, SlotFields, Visit, Wish
from models.waitlist import WaitEntry
from services.claims.claims import Claims
from services.claims.events import OfferEvents
from services.claims.hold_records import HoldRecord, moment_of_ms
from services.claims.placements import Placement
from services.crash_points import CrashPoints
from services.holds.placing import Placing
from services.ids import HoldIds, booking_id_for
from services.ledger.expiry import SYSTEM
from services.observability import Metrics
from services.timetable.grid import Grid
from services.waitlist.store import WaitlistStore

log = structlog.get_logger("holdfast.waitlist")

STANDING = frozenset({"TOLD", "AGAIN", "CONFIRMING", "BOOKED"})
"""What is said of a hold that is its owner's."""


class Offering:
    """Makes offers, and finishes what was left of one. Everything may raise StoreUnavailable."""

    def __init__(
        self,
        *,
        store: WaitlistStore,
        events: OfferEvents,
        claims: Claims,
        placing: Placing,
        hold_ids: HoldIds,
        booked: Callable[[str, str], Booking | None],
        metrics: Metrics,
        grid: Grid,
        clock: Callable[[], datetime],
        crash: CrashPoints,
    ) -> None:
        self._store = store
        self._events = events
        self._claims = claims
        self._placing = placing
        self._hold_ids = hold_ids
        self._booked = booked
        self._metrics = metrics
        self._grid = grid
        self._clock = clock
        self._crash = crash

    def offer(self, entry: WaitEntry, openings: list[Opening]) -> bool:
        """Offers the first of some openings that can be had to one who waits; False if none can."""
        intended = self._intend(entry)
        if intended is None:
            return False
        self._crash("after_offer_intent")
        if not any(self._place(intended, opening) for opening in openings):
            return False
        self._crash("after_offer_hold")
        return self._conclude(intended) is None

    def go_on(self, entry: WaitEntry) -> WaitEntry | None:
        """Finishes what was left of an offer to one who waits; None where that settled it, else the entry as it is.

        An id under which nothing was placed is kept for the next offer: whoever may still be about to place that hold
        places the same one.
        """
        return self._conclude(entry) if entry.hold_id else entry

    def booking_of(self, entry: WaitEntry) -> str | None:
        """The booking that was made of an entry's hold, whatever Redis knows of it."""
        booking_id = booking_id_for(entry.org, entry.hold_id or "")
        return booking_id if self._booked(entry.org, booking_id) else None

    def release(self, entry: WaitEntry) -> str:
        """Lets go of the hold that an entry names, as Claims.release does for its owner."""
        return self._claims.release(entry.org, entry.hold_id or "", entry.made_by, staff=False)

    def _intend(self, entry: WaitEntry) -> WaitEntry | None:
        """The entry with an intent in it, ours or that of somebody who was faster; None if it waits no longer."""
        if entry.hold_id:
            return entry
        now = self._clock()
        hold_id = self._hold_ids.make(entry.org, entry.made_by, int(now.timestamp() * 1000))
        intended = self._store.change(entry, now, SYSTEM, "intend", hold_id=hold_id)
        if intended is None:
            intended = self._store.find(entry.org, entry.waitlist_id)
        return intended if intended and intended.status == "waiting" and intended.hold_id else None

    def _place(self, entry: WaitEntry, opening: Opening) -> bool:
        """Claims an opening by all the rules of any hold, under the id of the intent; False if it is gone."""
        fields = SlotFields.model_construct(
            property_id=entry.property_id,
            technician_id=entry.technician_id,
            start=opening.start,
            duration_minutes=entry.duration_minutes,
        )

        def prepare(wish: Wish, visits: list[Visit], epoch: str | None) -> Placement:
            return Placement(
                org=entry.org,
                hold_id=entry.hold_id or "",
                owner=entry.made_by,
                visits=visits,
                requested=wish.start,
                lifetime_ms=entry.offer_minutes * 60_000,
                epoch=epoch,
            )

        try:
            self._placing.claim(entry.org, fields, prepare)
        except StoreUnavailable:
            raise
        except Refusal:
            return False
        return True

    def _conclude(self, entry: WaitEntry) -> WaitEntry | None:
        """From the placed hold on. Where none is live, the entry as it waits on; None where it does not."""
        told = self._events.tell(entry.org, entry.waitlist_id, entry.hold_id or "")
        if told.record and told.word in STANDING:
            self._crash("after_offer_told")
            self._mark(entry, told.record)
            return None
        if told.word == "MISSING":
            return entry
        if told.word == "COLD":  # whoever placed it did not live to ask MongoDB, and nobody has heard of it
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
            start=self._grid.moment(record.visit.start),
            end=self._grid.moment(record.visit.end),
            offered_technician_id=record.visit.technician_id,
            offered_until=moment_of_ms(record.expires_ms),
        )
        if offered:
            self._metrics.relay.labels("waitlist_offered").inc()
            log.info("waitlist_offered", org=entry.org, waitlist_id=entry.waitlist_id)
            return
        # Another relay marked it with this very hold, or whoever waited has left: then nobody looks after the hold.
        current = self._store.find(entry.org, entry.waitlist_id)
        if current is None or current.hold_id != entry.hold_id or current.status in ("cancelled", "lapsed"):
            self.release(entry)
