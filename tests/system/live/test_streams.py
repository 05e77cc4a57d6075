"""GET /events on a real server: what a stream brings, how it ends, and who gets none."""

from __future__ import annotations

import time

import pytest

from models.access import Role
from scripts.client.live import order
from scripts.dev_server.child import wait_until
from services.claims.keys import reference
from tests.system.live.listening import Listening
from tests.world import name_of


def test_the_reply_says_how_to_treat_it_and_begins_with_hello(live: Listening) -> None:
    stream = live.listen()
    assert stream.status == 200
    wanted = {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store, no-transform",
        "x-accel-buffering": "no",
        "connection": "close",
        "transfer-encoding": "chunked",
    }
    assert {name: stream.headers.get(name) for name in wanted} == wanted
    assert "content-encoding" not in stream.headers
    hello = stream.next()
    assert (hello.kind, hello.data["id"]) == ("hello", hello.id)
    assert abs(hello.data["now_ms"] / 1000 - time.time()) < 5


def test_a_hold_a_booking_a_move_and_a_cancel_arrive_in_order(live: Listening) -> None:
    stream = live.listen()
    held = live.hold()
    booked = live.book(held)
    moved = live.move(booked, start=live.later(), technician_id="tech-2")
    live.world.services.booking_life.act(live.world.caller("desk"), booked.booking_id, "cancel")
    hello, hold, book, move, cancel = (stream.next() for _ in range(5))
    ref = reference(name_of(held.hold_id))
    shown = {
        "property_id": "prop-1",
        "technician_ids": ["tech-1"],
        "start": held.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "end": held.end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "source": "web",
    }
    expires = held.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert hold.data == {
        **shown,
        "kind": "hold",
        "ref": ref,
        "state": "held",
        "status": "held",
        "version": None,
        "expires_at": expires,
    }
    booking = {"kind": "book", "ref": booked.booking_id, "state": "booked", "status": "confirmed", "version": 1}
    assert book.data == {**shown, **booking, "expires_at": None, "replaces": ref}
    assert (move.data["kind"], move.data["version"], move.data["technician_ids"]) == ("move", 2, ["tech-2"])
    assert move.data["start"] == moved.start.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert move.data["from"] == {name: shown[name] for name in ("property_id", "technician_ids", "start", "end")}
    assert (cancel.data["kind"], cancel.data["state"], cancel.data["status"]) == ("cancel", "free", "cancelled")
    ids = [order(event.id) for event in (hello, hold, book, move, cancel)]
    assert ids == sorted(set(ids))


def test_no_event_has_a_hold_id_or_a_name(live: Listening) -> None:
    stream = live.listen()
    held = live.hold()
    live.book(held)
    text = str([stream.next() for _ in range(3)])
    assert name_of(held.hold_id) not in text
    assert "Alice" not in text


def test_a_direct_booking_and_a_reservation_show_no_hold(live: Listening) -> None:
    stream = live.listen()
    live.book_directly()
    request = {"property_id": "prop-2", "technician_id": "tech-2", "start": live.later(), "reserved_by": "Ann"}
    client, auth = live.world.client(), live.world.auth("desk")
    reserved = client.post("/reserve", json=request, headers=auth).get_json()
    client.post(f"/bookings/{reserved['booking_id']}/confirm", headers=auth)
    events = [stream.next() for _ in range(4)][1:]
    assert [(event.kind, event.data["status"]) for event in events] == [
        ("book", "confirmed"),
        ("book", "pending"),
        ("change", "confirmed"),
    ]
    assert events[1].data["expires_at"] == reserved["reserved_until"]


def test_a_property_shows_its_own_visits_and_the_times_of_technicians_elsewhere(live: Listening) -> None:
    here = live.listen("?property_id=prop-1", "checkout")
    live.hold(property_id="prop-2", technician_id="tech-3", buffer_after_minutes=30, role="desk")
    own = live.book_directly()
    *before, at_home = here.until("book")  # a rebuild of the org's mirror may reset the stream between the two
    (elsewhere,) = [event for event in before if event.kind == "hold"]
    assert elsewhere.data["property_id"] is None
    assert (elsewhere.data["kind"], elsewhere.data["technician_ids"]) == ("hold", ["tech-3"])
    assert (at_home.data["property_id"], at_home.data["ref"]) == ("prop-1", reference(own.booking_id))


def test_a_visit_that_moves_away_leaves_the_property_without_naming_the_other(live: Listening) -> None:
    booking = live.book_directly()
    here = live.listen("?property_id=prop-1", "bot")
    live.move(booking, property_id="prop-3")
    move = here.until("move")[-1]
    assert (move.data["property_id"], move.data["from"]["property_id"]) == (None, "prop-1")
    assert "prop-3" not in str(move.data)


def test_a_technician_has_a_stream_of_all_properties(live: Listening) -> None:
    stream = live.listen("?technician_id=tech-2", "bot")
    live.hold(technician_id="tech-1")
    live.hold(property_id="prop-3", technician_id="tech-2")
    event = stream.until("hold")[-1]
    assert (event.data["property_id"], event.data["technician_ids"]) == ("prop-3", ["tech-2"])


def test_a_stream_goes_on_behind_the_last_event_that_the_client_has(live: Listening) -> None:
    first = live.listen()
    live.hold()
    seen = first.until("hold")[-1]
    first.close()
    live.hold()
    live.hold()
    again = live.listen(after=seen.id)
    hello, *missed = (again.next() for _ in range(3))
    assert hello.data["id"] == seen.id
    assert [event.kind for event in missed] == ["hold", "hold"]
    live.hold()
    after = [*missed, again.next()]
    assert len({event.id for event in after}) == 3


@pytest.mark.parametrize("after", ["1-1", "99999999999999-0", "nonsense", "0"])
def test_a_client_with_an_event_that_redis_does_not_have_is_reset(live: Listening, after: str) -> None:
    stream = live.listen(after=after)
    hello, reset = stream.next(), stream.next()
    assert (reset.kind, reset.id) == ("reset", hello.id)
    live.hold()
    assert stream.next().kind == "hold"


def test_a_client_that_is_more_than_a_thousand_events_behind_is_reset(live: Listening) -> None:
    first = live.listen()
    begin = first.next().id
    redis, names = live.world.services.redis, live.world.names
    for _ in range(1_000):
        redis.xadd(names.events, {"kind": "begin"})
    assert live.listen(after=begin).until("hello")
    redis.xadd(names.events, {"kind": "begin"})
    assert [event.kind for event in live.listen(after=begin).until("reset")] == ["hello", "reset"]


def test_http_1_0_gets_a_stream_without_chunks(live: Listening) -> None:
    stream = live.listen(version="1.0")
    assert "transfer-encoding" not in stream.headers
    live.hold()
    assert [event.kind for event in stream.until("hold")] == ["hello", "hold"]


def test_at_its_end_the_server_says_goodbye_and_closes(lonely: Listening) -> None:
    stream = lonely.listen()
    stream.next()
    lonely.server.child.ask_to_stop()
    assert stream.next().kind == "bye"
    with pytest.raises(StopIteration):
        stream.next()


def test_a_stream_ends_within_seconds_of_its_key(live: Listening) -> None:
    access = live.world.services.access
    made = access.create_key(live.world.org, Role.DESK)
    assert wait_until(lambda: live.listen(key=made.key).status == 200, seconds=30)
    stream = live.listen(key=made.key)
    other = live.listen()
    access.revoke_key(live.world.org, made.key_id)
    assert stream.until("bye")
    live.hold()
    assert other.until("hold")


def test_the_metrics_count_streams_and_resets(lonely: Listening) -> None:
    lonely.listen().next()
    lonely.listen(after="1-1").until("reset")
    lonely.hold()
    wanted = (
        "holdfast_live_streams 2.0",
        'holdfast_live_resets_total{reason="unknown"} 1.0',
        "holdfast_live_delay_seconds_count 1.0",
    )
    assert wait_until(lambda: all(line in lonely.server.metrics() for line in wanted), seconds=30)
