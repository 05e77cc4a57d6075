"""Whether one more entry may join the waitlist.

The publishable key stands in every visitor's browser, so it gets a share: of the list, and of the slots that an address
may keep from others by waiting. It waits for nothing that is free now, and once for one thing. Other keys may wait for
anything, as often as they like, until the whole list is full.
"""

from __future__ import annotations

from dataclasses import replace

from models.errors import AlreadyExists, RateLimited, RequestInProgress, SlotAvailable
from models.waitlist import WaitEntry
from services.claims.keys import digest
from services.ledger.persons import contacts
from services.waitlist.openings import Openings
from services.waitlist.store import WaitlistStore

MOST_UNSETTLED = 2_000
"""Unsettled entries of one org, because the relay reads all of them in each round."""
MOST_PUBLIC = MOST_UNSETTLED // 2
"""Of those, the ones that were made with the publishable key: strangers never fill the list for staff."""
MOST_PER_ADDRESS = 10
"""Live entries of one client address with the publishable key."""
FULL_RETRY_SECONDS = 60

MOST_TICKS = 2_000
"""Ticks that a request looks at for a slot that is free already."""
MOST_NAMED = 5
"""Free slots that a refusal names."""
MOST_ATTEMPTS = 5


class Admission:
    """The only way for an entry into the store. Everything may raise StoreUnavailable."""

    def __init__(self, entries: WaitlistStore, openings: Openings) -> None:
        self._entries = entries
        self._openings = openings

    def admit(self, entry: WaitEntry) -> bool:
        """Writes a new entry. False if its id exists already.

        Raises RateLimited; with the publishable key SlotAvailable, AlreadyExists, RequestInProgress.
        """
        self._require_room(entry)
        if entry.joined_from is None:
            return self._entries.insert(entry)
        free = self._openings.first(entry, MOST_NAMED, most_ticks=MOST_TICKS)
        if free:
            raise SlotAvailable(next_available=free)
        return self._insert_once(entry, people_of(entry))

    def _require_room(self, entry: WaitEntry) -> None:
        """The count comes before the write, so clients that join at the same moment may exceed a bound together."""
        if self._entries.count_unsettled(entry.org, MOST_UNSETTLED) >= MOST_UNSETTLED:
            raise _full()
        if entry.joined_from is None:
            return
        if self._entries.count_public(entry.org, MOST_PUBLIC) >= MOST_PUBLIC:
            raise _full()
        if self._entries.count_live(entry.org, entry.joined_from, MOST_PER_ADDRESS) >= MOST_PER_ADDRESS:
            raise RateLimited(
                f"You can wait for at most {MOST_PER_ADDRESS} visits at a time. Please cancel one first.",
                retry_after_seconds=FULL_RETRY_SECONDS,
            )

    def _insert_once(self, entry: WaitEntry, people: dict[str, str]) -> bool:
        """Writes the entry unless one of these people waits for the same thing in an overlapping window.

        The turns are read before the entries: an entry that is written in between has taken one of these turns, so the
        insert fails and the next attempt sees it.
        """
        for _ in range(MOST_ATTEMPTS):
            last = self._entries.last_turns(entry.org, people)
            waits = self._entries.waits_already(entry.org, people, entry.from_, entry.to)
            turns = {kind: {"who": who, "turn": last[kind] + 1} for kind, who in people.items()}
            if not waits and self._entries.insert(replace(entry, waits_as=turns)):
                return True
            if self._entries.find(entry.org, entry.waitlist_id):  # this very request came twice at one moment
                return False
            if waits:
                raise AlreadyExists("You wait for this already. Please leave that entry of the waitlist first.")
        raise RequestInProgress("You are joining the waitlist just now. Please try again.", retry_after_seconds=1)


def people_of(entry: WaitEntry) -> dict[str, str]:
    """A digest for each way in which a public entry's customer is known, together with what the entry waits for."""
    # A phone or an e-mail address counts in any spelling, as it does where a person's data is looked for.
    # Of the two keys of a phone the one with the country code is the last, and counts.
    known = {kind: value for kind, _, value in (key.partition(":") for key in contacts(entry.customer))}
    known = known or {"address": entry.joined_from or ""}
    wish = (entry.property_id, " ".join(sorted(entry.named)), *filter(None, [entry.service_id]))
    return {kind: digest("waits", kind, value, *wish) for kind, value in known.items()}


def _full() -> RateLimited:
    return RateLimited("The waitlist is full. Please try again later.", retry_after_seconds=FULL_RETRY_SECONDS)
