"""From a text to a time: the bot takes the time that is named or offers some, and holds the one that is chosen or moves
the visit there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time
from functools import partial

from models.access import Caller
from models.booking import Booking
from models.booking_changes import BookingPatch
from models.catalogue import Property
from models.errors import (
    BookingNotFound,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    InvalidTransition,
    Refusal,
    StoreUnavailable,
    VersionConflict,
)
from models.hold import HoldRequest
from services.bookings.booking import Bookings
from services.bookings.changes import BookingLife
from services.holds.operations import Holds
from services.ledger.persons import customer_key, phone_key
from services.sms import sentences as say
from services.sms.around import Around
from services.sms.grammar import Question, When, read
from services.sms.talk import Talk

BY_DAY = (time(7), time(20))
"""Times within it are offered before those at night."""

HAS_ENDED = (HoldExpired, HoldReleased, HoldNotFound, InvalidTransition)
"""Why a hold cannot be replaced: it is not held any more."""

Answer = tuple[Talk, str]
"""What the conversation becomes, and what to send back."""


@dataclass(frozen=True, slots=True)
class Acts:
    """What the bot does things with."""

    holds: Holds
    bookings: Bookings
    life: BookingLife


class Times:
    """The part of one message that is about a time."""

    def __init__(self, acts: Acts, around: Around, caller: Caller, phone: str, talk: Talk) -> None:
        self.acts = acts
        self.around = around
        self.caller = caller
        self.phone = phone
        self.talk = talk

    def let_go(self) -> Talk:
        """Releases what is held, and forgets what was asked. What cannot be released runs out by itself."""
        if self.talk.hold_id:
            with suppress(Refusal):
                self.acts.holds.release(self.caller, self.talk.hold_id)
        return self.talk.at_rest()

    def timed(self, talk: Talk, text: str) -> Answer:
        """Takes the time that a text names, or offers times where it names none or several."""
        site = self.site(talk)
        when = read(text, self.around.now_at(site)) if text else When()
        if isinstance(when, Question):
            days = tuple(f"{day} {when.at:%H:%M}" if when.at else f"{day}" for day in when.days)
            options = days if when.doubt == "which_date" else ()
            return talk.but(asked="time", options=options), say.question(when)
        if when.day is None or when.at is None:
            return self.offer(talk, site, when)
        wall = datetime.combine(when.day, when.at)
        moments = self.around.moments(site, wall)
        if len(moments) != 1:
            return talk.but(asked="time"), say.twice(wall) if moments else say.skipped(wall)
        return (self._hold if talk.purpose == "book" else self._move_to)(talk, site, moments[0])

    def offer(self, talk: Talk, site: Property, when: When, first: str = "") -> Answer:
        moving = self.visit(talk.booking_id or "") if talk.purpose == "move" else None
        free = partial(self.around.free, site, talk.service_id, moving)
        named = When(when.day, earliest=when.earliest, latest=when.latest) != When()
        found = free(when.day, (when.earliest, when.latest)) if named else []
        if named and not found:
            first = first or say.nothing_free(when)
        for hours in (BY_DAY, (time.min, time.max)):
            found = found or free(None, hours)
        if not found:
            return self.let_go(), say.NOTHING_FREE
        options = tuple(f"{each:%Y-%m-%d %H:%M}" for each in found)
        return talk.but(asked="time", options=options), say.offers(first, list(map(say.at, found)))

    def _hold(self, talk: Talk, site: Property, moment: datetime) -> Answer:
        wish = {
            "property_id": site.id,
            "start": moment.isoformat(),
            "service_id": talk.service_id,
            "holder": self.phone,
            "replaces": talk.hold_id,
        }
        try:
            hold = self.acts.holds.place(self.caller, HoldRequest.model_validate(wish)).hold
        except StoreUnavailable:
            raise
        except Refusal as refusal:
            if talk.hold_id and isinstance(refusal, HAS_ENDED):
                return self._hold(talk.model_copy(update={"hold_id": None}), site, moment)
            return self._refused(talk, site, moment, refusal)
        asked = talk.but(asked="yes", hold_id=hold.hold_id, start=hold.start)
        until = self.around.local(site, hold.expires_at)
        return asked, say.held(self._when_and_where(site, hold.start), until)

    def _refused(self, talk: Talk, site: Property, moment: datetime, refusal: Refusal) -> Answer:
        """Says why a time cannot be had, and what is free near it."""
        local = self.around.local(site, moment)
        for each in refusal.members.get("conflicts", []):
            if each.yours and each.state == "booked":
                return talk.but(purpose=None), say.yours_already(say.at(local))
        if refusal.code not in say.NOT_FREE:
            return talk.but(asked="time"), refusal.detail
        near = When(day=local.date(), earliest=max(time.min, local.time()))
        return self.offer(talk, site, near, say.not_free(local, refusal.code))

    def _move_to(self, talk: Talk, site: Property, moment: datetime) -> Answer:
        visit = self.visit(talk.booking_id or "")
        try:
            moved = self.acts.life.reschedule(
                self.caller, visit.booking_id, BookingPatch.model_validate({"start": moment.isoformat()}), visit.version
            )
        except StoreUnavailable:
            raise
        except VersionConflict:
            return self.talk.at_rest(), say.changed(self.line(self.visit(visit.booking_id)))
        except Refusal as refusal:
            return self._refused(talk, site, moment, refusal)
        return Talk(property_id=moved.property_id, booking_id=moved.booking_id), say.moved(self.line(moved))

    def visit(self, booking_id: str) -> Booking:
        """A booking of this phone. Raises BookingNotFound, also for one that was of this phone when the conversation
        named it, and has another phone by now."""
        found = self.acts.life.get(self.caller, booking_id)
        if customer_key(found.customer) != phone_key(self.phone):
            raise BookingNotFound
        return found

    def site(self, talk: Talk) -> Property:
        return self.around.site(talk.property_id or "")

    def line(self, visit: Booking) -> str:
        return self._when_and_where(self.around.site(visit.property_id), visit.start)

    def _when_and_where(self, site: Property, moment: datetime) -> str:
        return say.when_and_where(self.around.local(site, moment), site.name)
