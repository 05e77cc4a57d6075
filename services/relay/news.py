"""Makes entries of the outbox from what MongoDB's log says of bookings and offers. No request writes anything for it.

It needs no Redis. The resume token is saved after the entries are, and each entry is made once, so a relay that dies in
between repeats its work and does no harm. Where the token is lost, the relay walks over all that changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

import structlog

from services.clock import Clock
from services.crash_points import CrashPoints
from services.ledger.following import Following
from services.messages.planning import ReminderPlanning
from services.observability import Metrics
from services.outbox.entries import BookingChange, News, OfferMade, Source
from services.outbox.news import booking_change, versions_since
from services.outbox.shelf import OutboxShelf
from services.outbox.store import OutboxStore
from services.relay.change_feed import FeedLost
from services.relay.news_feed import BOOKINGS, WAITLIST, NewsFeed, Seen
from services.stores.leases import Leases
from services.waitlist.offered import as_of, last_offer
from services.waitlist.store import WaitlistStore

log = structlog.get_logger()

NAME: Final = "news"
"""Of the lease, and of the follower in the metrics."""
LONGEST_WALK: Final = timedelta(days=28)
"""Less than the time for which an entry is kept: what was sent already is not made again."""
MARGIN: Final = timedelta(hours=1)
"""A walk goes back so much further, because a server whose clock is wrong may have made a booking."""
STEP: Final = 200


class NewsRounds:
    """One relay at a time does a round. Where the lease ends in the middle of one, two do no harm."""

    def __init__(
        self,
        *,
        feed: NewsFeed,
        leases: Leases,
        bookings: Following,
        waitlist: WaitlistStore,
        outbox: OutboxStore,
        shelf: OutboxShelf,
        sources: Sequence[Source],
        reminders: ReminderPlanning,
        orgs: Callable[[], list[str]],
        clock: Clock,
        metrics: Metrics,
        crash: CrashPoints,
    ) -> None:
        self._feed = feed
        self._leases = leases
        self._bookings = bookings
        self._waitlist = waitlist
        self._outbox = outbox
        self._shelf = shelf
        self._sources = sources
        self._reminders = reminders
        self._orgs = orgs
        self._clock = clock
        self._metrics = metrics
        self._crash = crash
        self._rests = False

    def tend(self) -> None:
        """Makes the entries for what changed since the last round, and plans some reminders. Raises StoreUnavailable;
        the next round then does the same again. Where no source wants news it does nothing."""
        since = min(filter(None, (source.since() for source in self._sources)), default=None)
        if since is None:
            self._rest()
        elif self._leases.hold(NAME):
            self._rests = False
            self._follow(since)
            self._reminders.tend()
        else:
            self._feed.close()

    def _rest(self) -> None:
        """Forgets the resume token: what changes from now on is no news when a source wants some again."""
        if not self._rests:
            self._feed.forget()
            self._rests = True

    def _follow(self, since: datetime) -> None:
        try:
            for seen in self._feed.read():
                self._note_lag(seen)
                self._take(self._news_in(seen))
                self._leases.hold(NAME)
        except FeedLost:
            # The walk begins after the new token was taken, so no change in between is missed. The token is saved last,
            # so that after a failure the next round finds none again.
            read_to, position = self._feed.read_to(), self._feed.end_of_log()
            self._walk(max(since, read_to or since, self._clock() - LONGEST_WALK) - MARGIN)
            self._feed.start_at(position)
        self._note_lag([])

    def _take(self, news: list[News]) -> None:
        self._crash("after_news")
        entries = [entry for source in self._sources for entry in source.entries(news)] if news else []
        made = self._outbox.insert(entries)
        self._metrics.relay.labels("entry_made").inc(made)
        for each in news:
            if isinstance(each, BookingChange) and each.action == "erase":
                # What was noted here between the erasure and now goes too.
                self._shelf.forget_answers(each.org, [each.booking.booking_id])
        self._crash("after_entries")

    def _news_in(self, seen: list[Seen]) -> list[News]:
        """The news of some changes, in their order."""
        bookings = self._bookings.named({each.document_id for each in seen if each.collection == BOOKINGS})
        entries = self._waitlist.named({each.document_id for each in seen if each.collection == WAITLIST})
        news: list[News] = []
        for each in seen:
            if booking := bookings.get(each.document_id):
                news.append(booking_change(booking, each.version, each.logged))
            if entry := entries.get(each.document_id):
                then = as_of(entry, each.version)
                news.append(OfferMade(then, then.updated_at, each.logged))
        return news

    def _walk(self, since: datetime) -> None:
        """Takes all that changed from a time on, again where it was taken before."""
        log.info("news_walk_begun", since=since.isoformat(timespec="seconds"))
        for org in self._orgs():
            found = self._changes_of(org, since)
            while news := list(islice(found, STEP)):
                self._take(news)
                self._leases.hold(NAME)

    def _changes_of(self, org: str, since: datetime) -> Iterator[News]:
        for booking, logged in self._bookings.changed_since(org, since):
            for version in versions_since(booking, since):
                then = min(_logged_by(booking.history[version - booking.version - 1]["at"]), logged)
                yield booking_change(booking, version, logged if version == booking.version else then)
        for entry in self._waitlist.offered(org):
            if made := last_offer(entry):
                offer = as_of(entry, made)
                yield OfferMade(offer, offer.updated_at, _logged_by(offer.updated_at))

    def _note_lag(self, seen: list[Seen]) -> None:
        oldest = datetime.fromtimestamp(seen[0].logged >> 32, UTC) if seen else None
        lag = (self._clock() - oldest).total_seconds() if oldest else 0.0
        self._metrics.relay_lag.labels(NAME).set(max(0.0, lag))


def _logged_by(at: datetime) -> int:
    """The time of MongoDB's log at the end of a second, for what only a history dates."""
    return (int(at.timestamp()) + 1 << 32) - 1
