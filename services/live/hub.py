"""The open streams of this process, by what they show. The reader brings what Redis has; nothing here asks a store but
`open`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Final

from pydantic_core import to_json

from models.errors import StoreUnavailable
from services.claims.live_events import LiveEvents, Row, Start
from services.live.events import REBUILT, LiveEvent, message, read_event
from services.live.stream import Stream
from services.live.views import Group, Reach, View, Watcher, is_behind, newer, ticks
from services.observability import Metrics
from services.timetable.grid import Grid

MOST_TRIES: Final = 5
AT_ONCE: Final = 250
"""Streams that get something before other work of the process goes on."""

Delivery = tuple[Stream, bytes]


class Org:
    """The streams of one org. position: up to this event all of them have been sent everything. own: those that end
    when a booking changes, by its id. epoch: of the catalogue, as the reader saw it last."""

    def __init__(self, position: str) -> None:
        self.position = position
        self.epoch: str | None = None
        self.groups: dict[View, Group] = {}
        self.own: dict[str, set[Stream]] = {}


class Hub:
    """Threads and greenlets share it. `left` is called when a stream has closed."""

    def __init__(self, events: LiveEvents, grid: Grid, metrics: Metrics) -> None:
        self._events = events
        self._grid = grid
        self._metrics = metrics
        self._orgs: dict[str, Org] = {}
        self._lagging: set[Stream] = set()
        self._lock = threading.Lock()
        self.count = 0

    def open(self, view: View, reach: Reach | None, after: str | None, watcher: Watcher) -> Stream:
        """A stream of what follows the event `after`, or of what follows now. A client that names an event of which not
        all is known that follows is reset.

        Raises StoreUnavailable.
        """
        for _ in range(MOST_TRIES):
            start = self._events.start(view.org, after)
            with self._lock:
                org = self._orgs.get(view.org) or Org(start.newest)
                found = _first(org.position, start, after)
                if found is not None:
                    return self._join(org, Group(view, reach), start.now_ms, found, watcher)
        raise StoreUnavailable

    def _join(
        self, org: Org, group: Group, now_ms: int, found: tuple[str, list[Row] | None, bool], watcher: Watcher
    ) -> Stream:
        begins, missed, is_reset = found
        self._orgs[group.view.org] = org
        group = org.groups.setdefault(group.view, group)
        pieces = [message("hello", to_json({"now_ms": now_ms, "id": begins}).decode(), begins)]
        if is_reset:
            pieces.append(self._reset_to(begins, "unknown"))
        pieces += [text for _, text in self._texts(group, _events(missed or []))]
        stream = Stream(
            b"".join(pieces), leave=partial(self._leave, group, watcher), behind=lambda _: self._fell_behind(org)
        )
        group.streams[stream], after = watcher, missed[-1][0] if missed else begins
        if is_behind(org.position, after):
            group.ahead[stream] = after
        if watcher.booking_id is not None:
            org.own.setdefault(watcher.booking_id, set()).add(stream)
        self.count += 1
        self._metrics.live_streams.inc()
        return stream

    def positions(self) -> dict[str, str]:
        """Up to which event each org has been sent everything."""
        with self._lock:
            return {name: org.position for name, org in self._orgs.items()}

    def deliver(self, org_name: str, rows: list[Row]) -> None:
        """Sends the events that follow the org's position."""
        if not rows:
            return
        events = _events(rows)
        with self._lock:
            org = self._orgs.get(org_name)
            if org is None:
                return
            org.position = rows[-1][0]
            deliveries = [each for group in org.groups.values() for each in self._shared_out(group, events)]
            for group in org.groups.values():
                group.ahead = {each: after for each, after in group.ahead.items() if is_behind(org.position, after)}
            ended = [stream for event in events for stream in org.own.get(event.name, ())]
        self._send(deliveries)
        for stream in ended:
            stream.stop()
        if any(fields["kind"] == REBUILT for _, fields in rows):
            self.reset(org_name, rows[-1][0], "rebuilt")

    def reset(self, org_name: str, position: str, why: str, views: Iterable[View] | None = None) -> None:
        """Lets the clients of an org, or of some views, load everything anew, and begins at another event."""
        with self._lock:
            org = self._orgs.get(org_name)
            if org is None:
                return
            org.position = position
            wanted = org.groups if views is None else views
            groups = [org.groups[view] for view in wanted if view in org.groups]
            streams = [stream for group in groups for stream in group.streams]
            for group in groups:
                group.ahead = {}
        for number, stream in enumerate(streams):
            stream.reset(self._reset_to(position, why))
            self._note(number, stream, waits=stream.is_waiting)

    def ping(self) -> None:
        """Shows every client that the connection lives, and up to where it has everything."""
        with self._lock:
            groups = [(org.position, group) for org in self._orgs.values() for group in org.groups.values()]
            pings = [(each, _ping(group.ahead.get(each, at))) for at, group in groups for each in group.streams]
        self._send(pings)

    def flush(self) -> None:
        """Sends what waits for clients that did not take it at once."""
        for stream in list(self._lagging):
            if not stream.flush():
                self._lagging.discard(stream)

    def of_keys(self) -> dict[tuple[str, str], list[Stream]]:
        """The open streams by the org and id of their API key."""
        found: dict[tuple[str, str], list[Stream]] = {}
        with self._lock:
            groups = [group for org in self._orgs.values() for group in org.groups.values()]
            for stream, watcher in (each for group in groups for each in group.streams.items()):
                if watcher.key is not None:
                    found.setdefault(watcher.key, []).append(stream)
        return found

    def saw_epoch(self, org_name: str, epoch: str | None) -> bool:
        """Notes the epoch of an org's catalogue. Whether it is another one than before."""
        org = self._orgs.get(org_name)
        if org is None or epoch is None or org.epoch == epoch:
            return False
        org.epoch = epoch
        return True

    def reaches(self, org_name: str) -> dict[View, Reach]:
        """What the views of an org's properties reach."""
        with self._lock:
            org = self._orgs.get(org_name)
            groups = org.groups.items() if org else ()
            return {view: group.reach for view, group in groups if group.reach is not None}

    def extend(self, org_name: str, reaches: dict[View, Reach]) -> None:
        """Gives views another reach. Their clients load everything anew, because what is new was never sent."""
        with self._lock:
            org = self._orgs.get(org_name)
            if org is None:
                return
            for view, reach in reaches.items():
                if view in org.groups:
                    org.groups[view].reach = reach
            position = org.position
        self.reset(org_name, position, "catalogue", reaches)

    def _shared_out(self, group: Group, events: list[LiveEvent]) -> list[Delivery]:
        texts = self._texts(group, events)
        if not texts:
            return []
        whole = b"".join(text for _, text in texts)
        if not group.ahead:
            return [(stream, whole) for stream in group.streams]
        found = ((each, newer(texts, group.ahead[each]) if each in group.ahead else whole) for each in group.streams)
        return [each for each in found if each[1]]

    def _texts(self, group: Group, events: list[LiveEvent]) -> list[tuple[str, bytes]]:
        shaped = ((event, group.shape(event)) for event in events)
        return [(event.id, event.text(shape, self._grid)) for event, shape in shaped if shape is not None]

    def _send(self, deliveries: list[Delivery]) -> None:
        for number, (stream, piece) in enumerate(deliveries):
            self._note(number, stream, waits=stream.push(piece))

    def _note(self, number: int, stream: Stream, *, waits: bool) -> None:
        if waits:
            self._lagging.add(stream)
        if number % AT_ONCE == AT_ONCE - 1:
            time.sleep(0)

    def _fell_behind(self, org: Org) -> bytes:
        return self._reset_to(org.position, "slow")

    def _reset_to(self, position: str, why: str) -> bytes:
        self._metrics.live_resets.labels(why).inc()
        return message("reset", to_json({"id": position}).decode(), position)

    def _leave(self, group: Group, watcher: Watcher, stream: Stream) -> None:
        with self._lock:
            group.streams.pop(stream, None)
            group.ahead.pop(stream, None)
            org = self._orgs[group.view.org]
            if watcher.booking_id is not None:
                org.own[watcher.booking_id].discard(stream)
                if not org.own[watcher.booking_id]:
                    del org.own[watcher.booking_id]
            if not group.streams:
                del org.groups[group.view]
            if not org.groups:
                del self._orgs[group.view.org]
            self.count -= 1
        self._metrics.live_streams.dec()
        watcher.left()


def _first(position: str, start: Start, after: str | None) -> tuple[str, list[Row] | None, bool] | None:
    """Where a stream begins, what its client has missed, and whether it is reset; None if what Redis said is older by
    now than what the other streams have been sent."""
    if start.missed is None:
        return max(start.newest, position, key=ticks), None, after is not None
    last = start.missed[-1][0] if start.missed else str(after)
    return (str(after), start.missed, False) if ticks(last) >= ticks(position) else None


def _events(rows: list[Row]) -> list[LiveEvent]:
    return [event for event in map(read_event, rows) if event is not None]


def _ping(position: str) -> bytes:
    return f": ping\nid: {position}\n\n".encode()
