"""The text message bot: it holds, books, moves and cancels as every other client does, for the phone that writes.

The sender is the holder of its holds and the customer of its bookings, so a phone sees and changes its own visits
alone. The bot acts before its state is saved. A message that is acted on again after a crash finds the slot held for it
already, or the hold booked.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pydantic import ValidationError

from models.access import CONVERSATION_KEY, Caller, Role
from models.booking import Booking, BookRequest, Customer
from models.catalogue import Property
from models.errors import HoldExpired, HoldNotFound, HoldReleased, InvalidTransition, Refusal, StoreUnavailable
from services.sms import sentences as say
from services.sms.around import MOST_OPTIONS, Around, Sources
from services.sms.grammar import When, read
from services.sms.talk import Talk
from services.sms.times import Acts, Answer, Times

YES = frozenset({"yes", "y", "yes please", "yep", "yeah", "ja", "ja tak"})
NO = frozenset({"no", "n", "no thanks", "nope", "nej", "nej tak"})
LONGEST_NAME = 100
MOST_IDS = 5
"""So many words of one text are looked up as the id of a property."""
_TO = re.compile(r"\A(?:it )?to ", re.IGNORECASE)
"""Stands between MOVE and the new time."""


class Bot:
    """Answers one message after the other."""

    def __init__(self, acts: Acts, sources: Sources) -> None:
        self._acts = acts
        self._sources = sources

    def answer(self, org: str, phone: str, talk: Talk, text: str) -> Answer:
        """What the conversation becomes, and what to send back. phone: in E.164. Raises StoreUnavailable."""
        return self._turn(org, phone, talk).answer(" ".join(text.split()))

    def stop(self, org: str, phone: str, talk: Talk) -> Talk:
        """Lets go what is held for a phone that wants no more texts. Its bookings stay."""
        return self._turn(org, phone, talk).let_go()

    def _turn(self, org: str, phone: str, talk: Talk) -> _Turn:
        caller = Caller(org, Role.BOT, CONVERSATION_KEY)
        return _Turn(self._acts, Around(self._sources, caller, phone), caller, phone, talk)


class _Turn(Times):
    """One message of one conversation."""

    def answer(self, text: str) -> Answer:
        command, _, rest = text.partition(" ")
        commands = {"book": self._book, "status": self._status, "move": self._move, "drop": self._drop}
        word = command.lower().strip(".,!?")
        try:
            if word in commands:
                return commands[word](rest)
            if word == "menu":
                return self.talk, say.MENU
            return self._reply(text)
        except StoreUnavailable:
            raise
        except Refusal as refusal:
            return self.talk, refusal.detail

    # -- what was asked last decides what a reply means

    def _reply(self, text: str) -> Answer:
        plain = text.lower().strip(".,!? ")
        if plain in NO:
            return self._no()
        if plain in YES:
            return self._yes()
        if plain.isdecimal() and len(plain) == 1 and self.talk.options:
            if not 0 < int(plain) <= len(self.talk.options):
                return self.talk, say.NOT_AN_OPTION
            return self._chosen(self.talk.options[int(plain) - 1])
        return self._said(text)

    def _chosen(self, option: str) -> Answer:
        match self.talk.asked:
            case "property":
                return self._next(self.talk.but(property_id=option))
            case "service":
                return self._next(self.talk.but(service_id=option))
            case "visit":
                return self._about(self.visit(option))
        return self.timed(self.talk.but(), option)

    def _said(self, text: str) -> Answer:
        """A text that is no command and no number: the answer to what was asked, or a day and a time."""
        replies: dict[str, Callable[[str], Answer]] = {
            "property": self._property,
            "service": self._service,
            "name": self._confirm,
        }
        if self.talk.asked in replies:
            return replies[self.talk.asked](text)
        if self.talk.asked == "visit":
            return self.talk, say.NOT_AN_OPTION
        if self.talk.purpose in ("book", "move"):
            return self.timed(self.talk.but(), text)
        if self.talk.purpose == "drop":
            return self._about(self.visit(self.talk.booking_id or ""))
        found = read(text, self.around.now())
        return self._book(text) if isinstance(found, When) and not found.says_nothing else (self.talk, say.MENU)

    def _yes(self) -> Answer:
        if self.talk.asked == "yes":
            return self._confirm(None)
        if self.talk.asked == "drop" and self.talk.booking_id:
            return self._cancel(self.visit(self.talk.booking_id))
        if self.talk.purpose is None and self.talk.booking_id:
            visit = self.visit(self.talk.booking_id)
            if visit.active:
                return self.talk, say.booked_already(self.line(visit))
        if self.talk.asked == "name":
            return self.talk, say.NAME
        return self.talk, say.NOT_AN_OPTION if self.talk.options else say.NOTHING_TO_CONFIRM

    def _no(self) -> Answer:
        talk = self.talk
        if talk.hold_id is None:
            return talk.at_rest(), say.NOTHING_CHANGED
        try:
            self.acts.holds.release(self.caller, talk.hold_id)
        except InvalidTransition:  # a YES was carried out, and its answer was lost
            booked = next((each for each in self.around.coming() if each.start == talk.start), None)
            return self._already(booked) if booked else (talk.at_rest(), say.LET_GO)
        except HoldNotFound:
            pass
        return talk.at_rest(), say.LET_GO

    def _already(self, visit: Booking) -> Answer:
        talk = Talk(property_id=visit.property_id, booking_id=visit.booking_id)
        return talk, say.booked_already(self.line(visit))

    # -- a new visit: where, what, when, yes

    def _book(self, wish: str) -> Answer:
        found, rest = self._named_site(wish)
        latest = next((each.property_id for each in self.around.bookings()), None)
        known = found.id if found else self.talk.property_id or latest
        return self._next(Talk(purpose="book", property_id=known, wanted=rest, hold_id=self.talk.hold_id))

    def _named_site(self, wish: str) -> tuple[Property | None, str]:
        """The property whose id is one of the words, and the other words."""
        words = wish.split()
        for word in [each for each in words if _may_be_id(each)][:MOST_IDS]:
            found = [each for each in self.around.sites(word) if each.id == word.lower()]
            if found:
                return found[0], " ".join(each for each in words if each != word)
        return None, wish

    def _next(self, talk: Talk) -> Answer:
        """Asks for what is not known yet; with all of it known it looks for a time."""
        if talk.property_id is None:
            return talk.but(asked="property"), say.WHICH_PROPERTY
        services = self.around.services()
        if talk.service_id is None and services:
            names = [each.name for each in services]
            options = tuple(each.id for each in services)
            return talk.but(asked="service", options=options), say.which_service(
                self.around.site(talk.property_id).name, names
            )
        return self.timed(talk.but(wanted=""), talk.wanted)

    def _property(self, text: str) -> Answer:
        found = self.around.sites(text)
        if len(found) == 1:
            return self._next(self.talk.but(property_id=found[0].id))
        if not found or len(found) > MOST_OPTIONS:
            return self.talk, say.NO_SUCH_PROPERTY if not found else say.WHICH_PROPERTY
        return self.talk.but(asked="property", options=tuple(each.id for each in found)), say.which_one(
            [each.name for each in found]
        )

    def _service(self, text: str) -> Answer:
        """A service by name or by the beginning of one; anything else is asked again."""
        found = [each for each in self.around.services() if each.name.lower().startswith(text.lower())]
        if len(found) != 1:
            return self.talk, say.NOT_AN_OPTION
        return self._next(self.talk.but(service_id=found[0].id))

    def _confirm(self, name: str | None) -> Answer:
        talk = self.talk
        known = name or next((str(each.customer["name"]) for each in self.around.bookings()), "")
        try:
            customer = Customer(name=known[:LONGEST_NAME], phone=self.phone)
        except ValidationError:  # there is none, or nothing of it can be seen
            return talk.but(asked="name"), say.NAME
        try:
            request = BookRequest(hold_id=talk.hold_id, customer=customer)
            made = self.acts.bookings.book(self.caller, request).stored
        except HoldExpired:
            return self._confirm_anew(name)
        except HoldReleased:
            return self.offer(talk.but(hold_id=None), self.site(talk), When(), say.RAN_OUT)
        return Talk(property_id=made.property_id, booking_id=made.booking_id), say.booked(self.line(made))

    def _confirm_anew(self, name: str | None) -> Answer:
        """Holds once more what ran out or was lost, and books it: the customer has said yes to it."""
        talk = self.talk.but(hold_id=None)
        if talk.start is None:
            return self.offer(talk, self.site(talk), When(), say.RAN_OUT)
        held, said = self._hold(talk, self.site(talk), talk.start)
        if held.hold_id is None:
            return held, said
        return _Turn(self.acts, self.around, self.caller, self.phone, held)._confirm(name)

    # -- the visits of this phone

    def _status(self, _rest: str) -> Answer:
        found = self.around.coming()[:MOST_OPTIONS]
        return self.talk, say.visits(list(map(self.line, found))) if found else say.NO_VISITS

    def _move(self, wish: str) -> Answer:
        return self._choose_visit(Talk(purpose="move", wanted=_TO.sub("", wish)))

    def _drop(self, _rest: str) -> Answer:
        return self._choose_visit(Talk(purpose="drop"))

    def _choose_visit(self, talk: Talk) -> Answer:
        self.let_go()
        found = self.around.coming()
        self.talk = talk
        if not found:
            return Talk(), say.NO_VISITS
        if len(found) == 1:
            return self._about(found[0])
        options = tuple(each.booking_id for each in found[:MOST_OPTIONS])
        return talk.but(asked="visit", options=options), say.which_visit(list(map(self.line, found[:MOST_OPTIONS])))

    def _about(self, visit: Booking) -> Answer:
        talk = self.talk.but(booking_id=visit.booking_id, property_id=visit.property_id, service_id=visit.service_id)
        if talk.purpose == "drop":
            return talk.but(asked="drop"), say.drop(self.line(visit))
        return self.timed(talk.but(wanted=""), talk.wanted)

    def _cancel(self, visit: Booking) -> Answer:
        gone = self.acts.life.act(self.caller, visit.booking_id, "cancel")
        return Talk(property_id=gone.property_id), say.dropped(self.line(gone))


def _may_be_id(word: str) -> bool:
    return "-" in word and any(map(str.isdigit, word)) and any(map(str.isalpha, word))
