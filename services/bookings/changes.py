"""Everything that happens to a booking after it was made: reading, listing, moving and ending it.

Each change goes to MongoDB first, by version, then to the mirror, and adds to the booking's history.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from models.access import Caller, Role
from models.booking import ACTIVE_STATUSES, Booking
from models.booking_changes import CUSTOMER_MAY_CHANGE, TRANSITIONS, Action, BookingPatch
from models.booking_lists import BookingQuery
from models.errors import (
    BookingNotFound,
    Fault,
    Forbidden,
    InvalidRequest,
    InvalidTransition,
    PropertyNotFound,
    StoreUnavailable,
    TechnicianNotFound,
    TooEarly,
    TooLate,
    Unauthenticated,
    VersionConflict,
)
from services.availability.lengths import LENGTHS
from services.bookings.rescheduling import SLOT_FIELDS, Rescheduling
from services.catalogue.local_days import LocalDays
from services.catalogue.reader import Catalogue
from services.claims.mirror import Mirror
from services.clock import Clock
from services.crash_points import CrashPoints
from services.ledger.changes_since import Changes, ChangesSince
from services.ledger.documents import as_of, noted
from services.ledger.expiry import EXPIRED, Reservations
from services.ledger.listing import BookingList
from services.ledger.store import BookingStore
from services.stores.connections import Document

MOST_ATTEMPTS = 5
MOST_CHANGES, MOST_CHANGES_BY_OTHERS = 100, 20
"""A booking and its history are one document. With endless changes it would outgrow what MongoDB accepts."""

NO_CREW = Fault("technician_id", "several", "Give technician_ids, because several technicians come to this visit.")
RAN_OUT = 'This reservation has run out. To book its slot if that is free, confirm it with if_expired: "book_if_free".'


class BookingLife:
    """Reads and changes bookings that exist."""

    def __init__(
        self,
        *,
        store: BookingStore,
        listing: BookingList,
        changes: ChangesSince,
        days: LocalDays,
        mirror: Mirror,
        reservations: Reservations,
        rescheduling: Rescheduling,
        catalogue: Catalogue,
        clock: Clock,
        store_clock: Clock,
        crash: CrashPoints,
    ) -> None:
        """store_clock: decides what is too early or too late, so that no server's clock does."""
        self._store = store
        self._listing = listing
        self._changes = changes
        self._days = days
        self._mirror = mirror
        self._reservations = reservations
        self._rescheduling = rescheduling
        self._catalogue = catalogue
        self._clock = clock
        self._store_clock = store_clock
        self._crash = crash

    def get(self, caller: Caller, booking_id: str) -> Booking:
        """The booking as it stands now; writes nothing.

        Raises BookingNotFound (also for another org's booking), Unauthenticated (a manage token that has ended),
        Forbidden (a manage token after the visit), StoreUnavailable.
        """
        booking = self._read(caller, booking_id)
        if caller.role is Role.CUSTOMER and booking.end <= self._clock():
            raise Forbidden("This link was good until the end of the visit. Please call us.")
        (standing,) = self._reservations.standing(caller.org, [booking])
        return standing

    def _read(self, caller: Caller, booking_id: str) -> Booking:
        if caller.role is Role.CUSTOMER and caller.booking_id != booking_id:
            raise BookingNotFound
        booking = self._store.find(caller.org, booking_id)
        if booking is None:
            raise BookingNotFound
        if caller.role is Role.CUSTOMER and caller.token_generation != booking.token_generation:
            raise Unauthenticated("This link has ended. Please call us.")
        return booking

    def _to_change(self, caller: Caller, booking_id: str) -> Booking:
        """As `get`, for a request that changes the booking: here an overdue reservation expires. After the visit a
        manage token is too late: TooLate."""
        booking = self._read(caller, booking_id)
        if caller.role is Role.CUSTOMER and booking.end <= self._clock():
            raise TooLate
        return self._reservations.current(booking)

    def names(self, booking: Booking) -> dict[str, Any]:
        """What a booking's customer is shown besides: the names, the address and the time zone. What cannot be read now
        is left out, because the answer may be about a change that is made."""
        found: dict[str, Any] = {}
        with suppress(PropertyNotFound, StoreUnavailable):
            site = self._catalogue.property(booking.org, booking.property_id)
            found |= {"property_name": site.name, "timezone": site.timezone}
            found |= {"property_address": site.address} if site.address else {}
        with suppress(TechnicianNotFound, StoreUnavailable):
            crew = self._catalogue.snapshot(booking.org).technicians(booking.technician_ids)
            found["technician_names"] = [each.name for each in crew]
        return found

    def end_tokens(self, caller: Caller, booking_id: str) -> Booking:
        """Ends the booking's manage tokens; the booking that comes back has a new one. A repeat ends that one.

        Raises BookingNotFound, InvalidTransition (it was changed too often), VersionConflict, StoreUnavailable.
        """
        for _ in range(MOST_ATTEMPTS):
            booking = self._to_change(caller, booking_id)
            _require_few_changes(caller, booking)
            generation = booking.token_generation + 1
            entry = noted(caller.name, "new_token", {"token_generation": (generation - 1, generation)})
            changed = self._store.rewrite(booking, booking.changed(token_generation=generation), entry)
            if changed:
                self._mirror.settle_or_leave(changed)
                return changed
        raise VersionConflict

    def page(self, caller: Caller, query: BookingQuery) -> tuple[list[Booking], str | None]:
        """One page of the org's bookings by start, and the cursor of the next page or None.

        An overdue reservation is listed and shown as expired. Writes nothing.
        """
        found, cursor = self._listing.page(caller.org, self._days.in_utc(caller.org, query))
        return self._reservations.standing(caller.org, found), cursor

    def changes_since(self, caller: Caller, query: BookingQuery, since: datetime) -> Changes:
        """One page of what changed since a moment, by its last change, each booking as it stands now.

        Raises what `page` raises.
        """
        query = self._days.in_utc(caller.org, query)
        found = self._changes.page(caller.org, query, query.updated_since or since)
        return found._replace(bookings=self._reservations.standing(caller.org, found.bookings))

    def as_of(self, caller: Caller, booking_id: str, version: int) -> Booking:
        """The booking as it was at a version, which is what was answered then. Raises what `get` raises."""
        return as_of(self.get(caller, booking_id), version)

    def act(
        self,
        caller: Caller,
        booking_id: str,
        action: Action,
        reason: str | None = None,
        expected_version: int | None = None,
        *,
        if_free: bool = False,
    ) -> Booking:
        """Takes a booking to another status. If the booking went that way already, it is answered as it is.

        if_free: a reservation that ran out is confirmed as well, if its slot is free.
        Raises BookingNotFound, VersionConflict (expected_version is not the current version), InvalidTransition (the
        action may not follow the booking's status), TooEarly (the visit has not begun), TooLate (inside the org's
        window only staff may cancel), StoreUnavailable; where an ended booking would be active again, also SlotBooked,
        SlotHeld and RequestInProgress.
        """
        transition = TRANSITIONS[action]
        for _ in range(MOST_ATTEMPTS):
            booking = self._to_change(caller, booking_id)
            if transition.is_done(booking):
                return booking
            possible = booking.status in transition.before or (if_free and booking.status == EXPIRED)
            self._require(caller, booking, expected_version, possible)
            self._require_time_for(action, caller, booking)
            fields: Document = {"status": transition.after, "active": transition.after in ACTIVE_STATUSES}
            changes = {"status": (booking.status, transition.after)} | ({"reason": (None, reason)} if reason else {})
            changed = self._act(caller, booking, fields, noted(caller.name, action, changes))
            if changed:
                return changed
        raise VersionConflict

    def _act(self, caller: Caller, booking: Booking, fields: Document, entry: Document) -> Booking | None:
        if fields["active"] and not booking.active:
            _require_few_changes(caller, booking)
            return self._rescheduling.revive(caller, booking, fields, entry)
        if fields["active"]:
            self._reservations.keep(booking)
        changed = self._store.update(booking, fields, entry)
        if changed:
            self._crash("after_change")
            self._mirror.settle_or_leave(changed)
        return changed

    def reschedule(self, caller: Caller, booking_id: str, patch: BookingPatch, expected_version: int | None) -> Booking:
        """Changes an active booking's visit or details. A repeat of a change of one version gets the same answer.

        Raises BookingNotFound, VersionConflict, InvalidTransition (it has ended), Forbidden (a customer may not change
        this field), TooLate (only staff may move the visit now), and what Rescheduling.change raises.
        """
        given = patch.given(self._catalogue.policy(caller.org).country)
        for _ in range(MOST_ATTEMPTS):
            booking = self._to_change(caller, booking_id)
            if expected_version is not None and _was_made_before(caller, booking, given, expected_version):
                return booking
            self._require(caller, booking, expected_version, booking.active)
            _require_few_changes(caller, booking)
            self._require_allowed(caller, booking, patch)
            changed = self._rescheduling.change(caller, booking, given, patch.override)
            if changed:
                return changed
        raise VersionConflict

    def _require(self, caller: Caller, booking: Booking, expected_version: int | None, possible: bool) -> None:
        if expected_version not in (None, booking.version):
            raise VersionConflict
        if not possible:
            if booking.status == EXPIRED and caller.is_staff:
                raise InvalidTransition(RAN_OUT)
            status = booking.status.replace("_", " ")
            raise InvalidTransition(f"This booking is {status} and can no longer be changed in that way.")

    def _require_allowed(self, caller: Caller, booking: Booking, patch: BookingPatch) -> None:
        fields = patch.model_fields_set
        names_one_of_several = patch.technician_id is not None and len(booking.technician_ids) > 1
        if caller.role is Role.CUSTOMER and (names_one_of_several or fields - CUSTOMER_MAY_CHANGE):
            raise Forbidden("Please call us to change that.")
        if names_one_of_several:
            raise InvalidRequest(NO_CREW)
        if not fields.isdisjoint({*SLOT_FIELDS, "technician_id"}):
            self._require_in_time(caller, booking)

    def _require_time_for(self, action: Action, caller: Caller, booking: Booking) -> None:
        if action == "cancel":
            self._require_in_time(caller, booking)
        if action in ("complete", "no_show") and self._store_clock() < booking.start:
            raise TooEarly

    def _require_in_time(self, caller: Caller, booking: Booking) -> None:
        """Raises TooLate inside the org's window before a visit, when only staff may move or cancel it."""
        if caller.is_staff:
            return
        # What this process remembers may be from before another one changed it, and no script compares epochs here.
        window = timedelta(minutes=self._catalogue.policy_as_written(caller.org).cancel_window_minutes)
        if self._store_clock() >= booking.start - window:
            raise TooLate


def _require_few_changes(caller: Caller, booking: Booking) -> None:
    if booking.version > (MOST_CHANGES if caller.is_staff else MOST_CHANGES_BY_OTHERS):
        raise InvalidTransition("This booking was changed too often. Please call us.")


def _was_made_before(caller: Caller, booking: Booking, given: dict[str, Any], version: int) -> bool:
    """Whether this very change made the version after the one that it names, so that it is a repeat."""
    last = booking.history[-1]
    changed = last["changes"].keys() & (BookingPatch.model_fields.keys() - {"override"})
    made = booking.version == version + 1 and caller.was(last["by"]) and last["action"] in ("move", "edit")
    brought = LENGTHS if given.get("service_id") else ()
    return (
        made
        and changed <= given.keys() | {*brought}
        and all(getattr(booking, name) == value for name, value in given.items())
    )
