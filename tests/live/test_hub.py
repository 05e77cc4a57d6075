"""The open streams of a process: where each begins, and what each gets."""

from __future__ import annotations

import json
from typing import Any

import fakeredis
import pytest

from services.claims.keys import org_keys
from services.claims.live_events import LiveEvents
from services.live.hub import Hub
from services.live.reader import Reader
from services.live.stream import Stream
from services.live.views import Reach, View, Watcher
from services.observability import Metrics
from services.timetable.grid import Grid
from tests.live.tape import Tape

ORG = "org"


class Desk:
    """A hub over a fake Redis. Its reader works when it is asked to."""

    def __init__(self) -> None:
        self.redis: Any = fakeredis.FakeRedis(decode_responses=True)
        self.events = LiveEvents(self.redis)
        self.hub = Hub(self.events, Grid(15), Metrics())
        self.changed: list[tuple[str, str]] = []
        self.reader = Reader(self.events, self.hub, Metrics(), lambda *change: self.changed.append(change))
        self._tapes: dict[Stream, Tape] = {}

    def write(self, name: str, kind: str = "hold", **fields: str) -> str:
        row = {"kind": kind, "id": name, "property_id": "p1", "technician_ids": "t1"}
        row |= {
            "start": "4",
            "end": "8",
            "leaves": "2",
            "returns": "9",
            "state": "held",
            "expires_ms": "",
            "source": "web",
        }
        return str(self.redis.xadd(org_keys(ORG).events, row | fields))

    def open(
        self,
        view: View = View(ORG),  # noqa: B008  # it is frozen
        after: str | None = None,
        *,
        places: tuple[str, ...] = (),
        **more: Any,
    ) -> Stream:
        here = frozenset(places or (str(view.property_id),))
        reach = Reach(here, frozenset({"t1"})) if view.property_id else None
        stream = self.hub.open(view, reach, after, Watcher(lambda: None, **more))
        tape = self._tapes[stream] = Tape()
        tape.text = b"".join(stream)
        stream.attach(tape)
        return stream

    def read(self) -> None:
        """One round of the reader, with the look at everything."""
        self.reader._checked_at = 0.0
        self.reader.round()

    def got(self, stream: Stream) -> list[tuple[str, dict[str, Any]]]:
        """The kind and data of each event that a stream got."""
        found = []
        for block in self._tapes[stream].text.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            if "event" in fields:
                found.append((fields["event"], json.loads(fields["data"])))
        return found

    def kinds(self, stream: Stream) -> list[str]:
        return [kind for kind, _ in self.got(stream)]

    def has_ended(self, stream: Stream) -> bool:
        return self._tapes[stream].hung_up


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_stream_of_an_org_begins_at_an_event_even_where_there_is_none(desk: Desk) -> None:
    stream = desk.open()
    ((kind, data),) = desk.got(stream)
    assert (kind, data["id"]) == ("hello", desk.redis.xrevrange(org_keys(ORG).events)[0][0])


def test_each_event_is_sent_once_also_to_a_stream_that_has_some_of_a_batch(desk: Desk) -> None:
    first = desk.open()
    last = desk.write("h1")
    desk.write("h2")
    later = desk.open(after=last)
    desk.write("h3")
    desk.read()
    assert desk.kinds(first) == ["hello", "hold", "hold", "hold"]
    assert desk.kinds(later) == ["hello", "hold", "hold"]


def test_a_stream_that_begins_ahead_of_the_reader_gets_nothing_twice(desk: Desk) -> None:
    desk.open()
    desk.write("h1")
    fresh = desk.open()
    desk.read()
    assert desk.kinds(fresh) == ["hello"]
    desk.write("h2")
    desk.read()
    assert desk.kinds(fresh) == ["hello", "hold"]


def test_what_is_internal_reaches_no_client(desk: Desk) -> None:
    stream = desk.open()
    for kind in ("waitlist.offered", "unpin", "begin"):
        desk.write("x", kind)
    desk.read()
    assert desk.kinds(stream) == ["hello"]


def test_all_streams_are_reset_where_redis_lost_what_was_read_last(desk: Desk) -> None:
    stream = desk.open()
    desk.write("h1")
    desk.read()
    desk.redis.flushall()
    # A far time, because an event of the millisecond of h1 would get its id.
    desk.redis.xadd(org_keys(ORG).events, {"kind": "begin"}, id="9999999999999-0")
    desk.read()
    assert desk.kinds(stream) == ["hello", "hold", "reset"]
    desk.write("h3")
    desk.read()
    assert desk.kinds(stream)[3:] == ["hold"]


def test_a_rebuilt_mirror_resets_all_streams_behind_what_came_with_it(desk: Desk) -> None:
    stream = desk.open()
    desk.write("h1")
    desk.redis.xadd(org_keys(ORG).events, {"kind": "rebuilt"})
    desk.read()
    assert desk.kinds(stream) == ["hello", "hold", "reset"]


def test_a_view_gets_what_concerns_it_in_its_own_shape(desk: Desk) -> None:
    here, there = desk.open(View(ORG, property_id="p1")), desk.open(View(ORG, property_id="p2", digests=True))
    other = desk.open(View(ORG, technician_id="t2"))
    desk.write("bk_1", "book", version="1", status="confirmed", state="booked")
    desk.read()
    (_, own), (_, foreign) = desk.got(here)[1], desk.got(there)[1]
    assert (own["property_id"], own["ref"]) == ("p1", "bk_1")
    assert (own["start"], own["end"]) == ("1970-01-01T01:00:00Z", "1970-01-01T02:00:00Z")
    assert foreign["property_id"] is None
    assert (foreign["start"], foreign["end"]) == ("1970-01-01T00:30:00Z", "1970-01-01T02:15:00Z")
    assert foreign["ref"] != "bk_1"
    assert desk.kinds(other) == ["hello"]


def test_a_building_sees_its_units_and_a_unit_its_building(desk: Desk) -> None:
    unit = desk.open(View(ORG, property_id="u1"))
    building = desk.open(View(ORG, property_id="b1"), places=("b1", "u1", "u2"))
    desk.write("h1", property_id="b1", units="u1 u2")
    desk.write("h2", property_id="u1")
    desk.write("h3", property_id="u2")
    desk.read()
    places = [[data.get("property_id") for _, data in desk.got(each)[1:]] for each in (unit, building)]
    assert places == [["b1", "u1", None], ["b1", "u1", "u2"]]


def test_a_crew_concerns_each_of_its_technicians(desk: Desk) -> None:
    first, second, third = (desk.open(View(ORG, technician_id=f"t{number}")) for number in (1, 2, 3))
    desk.write("h1", technician_ids="t1 t2")
    desk.read()
    assert [desk.kinds(each) for each in (first, second, third)] == [["hello", "hold"], ["hello", "hold"], ["hello"]]
    assert desk.got(first)[1][1]["technician_ids"] == ["t1", "t2"]


def test_a_stream_of_a_manage_token_ends_behind_the_change_of_its_booking(desk: Desk) -> None:
    stream, other = desk.open(booking_id="bk_1"), desk.open(booking_id="bk_2")
    desk.write("bk_1", "change", version="2", status="confirmed", state="booked")
    desk.read()
    assert desk.kinds(stream) == ["hello", "change", "bye"]
    assert (desk.has_ended(stream), desk.has_ended(other)) == (True, False)


def test_another_reach_resets_the_streams_of_that_view_alone(desk: Desk) -> None:
    view = View(ORG, property_id="p2")
    near, org = desk.open(view), desk.open()
    desk.hub.extend(ORG, {view: Reach(frozenset({"p2"}), frozenset())})
    desk.write("h1")
    desk.read()
    assert desk.kinds(near) == ["hello", "reset"]
    assert desk.kinds(org) == ["hello", "hold"]


def test_a_new_epoch_is_noticed_once(desk: Desk) -> None:
    desk.open()
    desk.redis.set(org_keys(ORG).epoch, "one")
    desk.read()
    desk.read()
    assert desk.changed == [(ORG, "one")]


def test_an_org_without_streams_is_forgotten(desk: Desk) -> None:
    first, second = desk.open(), desk.open()
    first.close()
    assert list(desk.hub.positions()) == [ORG]
    second.close()
    assert (desk.hub.positions(), desk.hub.count) == ({}, 0)


def test_a_ping_carries_up_to_where_a_client_has_everything(desk: Desk) -> None:
    stream = desk.open(View(ORG, technician_id="t9"))
    last = desk.write("h1")
    desk.read()
    desk.hub.ping()
    assert desk._tapes[stream].text.endswith(f": ping\nid: {last}\n\n".encode())
