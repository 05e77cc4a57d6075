"""scripts.client holds and books on a real server, and whatever becomes of the replies, it makes one booking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from scripts.client import Client, Customer, NoAnswer, Refused
from scripts.client.wire import exchange, pause_seconds
from tests.sdk.conftest import PROPERTY, TECHNICIAN
from tests.sdk.scripted import Scripted, scripted
from tests.system.drills.proxy import Proxy
from tests.system.stack.whole_server import WholeServer

Start = Callable[[], datetime]

ALICE = Customer("Alice Example", phone="+1 202 555 0100")
BOOKED = {
    "booking_id": "bk_1",
    "status": "confirmed",
    "property_id": PROPERTY,
    "technician_id": TECHNICIAN,
    "start": "2026-12-05T10:00:00Z",
    "end": "2026-12-05T11:00:00Z",
    "version": 1,
    "colour": "a member of a newer server",
}
BUSY = Scripted(503, {"code": "store_unavailable", "detail": "Please try again."}, "1")


def client_of(server: WholeServer, role: str = "desk", url: str | None = None, **options: int) -> Client:
    return Client(url or server.dev["url"], server.dev["keys"][role], sleep=lambda _seconds: None, **options)


def bookings_at(server: WholeServer, start: datetime) -> list[str]:
    """The ids of all bookings that begin then."""
    until = (start + timedelta(minutes=15)).isoformat().replace("+", "%2B")
    path = f"/bookings?property_id={PROPERTY}&from={start.isoformat().replace('+', '%2B')}&to={until}"
    key = {"Authorization": f"Bearer {server.dev['keys']['desk']}"}
    answer = exchange(server.dev["url"], "GET", path, None, key, timeout_seconds=10)
    assert answer.status == 200, answer
    return [booking["booking_id"] for booking in answer.body["bookings"]]


@pytest.fixture
def proxy(server: WholeServer) -> Iterator[Proxy]:
    """Stands before the server and loses the replies that a test names."""
    made = Proxy(urlsplit(server.dev["url"]).port or 0)
    yield made
    made.close()


def through(proxy: Proxy) -> str:
    return f"http://127.0.0.1:{proxy.port}"


def test_it_finds_a_free_slot_holds_it_and_books_it(server: WholeServer, next_start: Start) -> None:
    client, start = client_of(server), next_start()
    slots = client.free(PROPERTY, start.date(), technician_id=TECHNICIAN)
    assert start in [slot.start for slot in slots]
    held = client.hold(PROPERTY, start, technician_id=TECHNICIAN)
    assert (held.status, held.start, held.technician_id) == ("held", start, TECHNICIAN)
    assert held.expires_at > datetime.now(UTC)
    booked = client.book(held.hold_id, ALICE, description="The tap drips.")
    assert (booked.status, booked.start, booked.version) == ("confirmed", start, 1)
    assert booked.manage_token
    assert client.read_hold(held.hold_id).booking_id == booked.booking_id
    assert client.read_booking(booked.booking_id).manage_token is None
    assert client.cancel(booked.booking_id, reason="A test.").status == "cancelled"


def test_it_lists_the_services_that_its_key_may_see(server: WholeServer) -> None:
    of_all, of_strangers = client_of(server, "bot").services(), client_of(server, "checkout").services()
    assert [each for each in of_all if each.public] == of_strangers != of_all
    (boiler,) = [each for each in of_strangers if each.id == "boiler-check"]
    assert (boiler.duration_minutes, boiler.buffer_after_minutes, boiler.skill) == (90, 15, "heating")


def test_it_holds_and_books_a_service(server: WholeServer, next_start: Start) -> None:
    client, start = client_of(server, "checkout"), next_start()
    slots = client.free(PROPERTY, start.date(), technician_id=TECHNICIAN, service_id="boiler-check")
    assert start + timedelta(minutes=90) in [slot.end for slot in slots]
    held = client.hold(PROPERTY, start, technician_id=TECHNICIAN, service_id="boiler-check")
    assert (held.service_id, held.end - held.start) == ("boiler-check", timedelta(minutes=90))
    booked = client.book(held.hold_id, ALICE)
    assert booked.service_id == "boiler-check"
    desk = client_of(server)
    desk.cancel(booked.booking_id)
    direct = desk.book_directly(PROPERTY, start, ALICE, technician_id=TECHNICIAN, service_id="key-handover")
    assert (direct.service_id, direct.end - direct.start) == ("key-handover", timedelta(minutes=15))
    desk.cancel(direct.booking_id)


def test_the_loser_learns_what_is_in_the_way_and_what_is_free(server: WholeServer, next_start: Start) -> None:
    start = next_start()
    held = client_of(server).hold(PROPERTY, start, technician_id=TECHNICIAN)
    with pytest.raises(Refused) as refusal:
        client_of(server, "bot").hold(PROPERTY, start, technician_id=TECHNICIAN, suggest=2)
    assert (refusal.value.status, refusal.value.code) == (409, "slot_held")
    assert {(each.kind, each.id, each.state) for each in refusal.value.conflicts} == {
        ("property", PROPERTY, "held"),
        ("technician", TECHNICIAN, "held"),
    }
    assert all(each.start != start for each in refusal.value.next_available)
    assert len(refusal.value.next_available) == 2
    assert str(refusal.value).endswith(".")
    client_of(server).release(held.hold_id)
    client_of(server).release(held.hold_id)
    assert client_of(server, "bot").hold(PROPERTY, start, technician_id=TECHNICIAN).status == "held"


def test_a_request_with_a_mistake_names_the_field(server: WholeServer, next_start: Start) -> None:
    with pytest.raises(Refused) as refusal:
        client_of(server).hold(PROPERTY, next_start() + timedelta(minutes=7))
    assert [name for name, _ in refusal.value.errors] == ["start"]


def test_a_lost_reply_to_a_booking_ends_in_one_booking(server: WholeServer, proxy: Proxy, next_start: Start) -> None:
    client, start = client_of(server, url=through(proxy)), next_start()
    proxy.lose_reply(b"POST /book", hang_up=True)
    booked = client.book_directly(PROPERTY, start, ALICE, technician_id=TECHNICIAN)
    assert proxy.lost.is_set()
    assert bookings_at(server, start) == [booked.booking_id]


def test_lost_replies_to_hold_and_book_end_in_one_booking(server: WholeServer, proxy: Proxy, next_start: Start) -> None:
    client, start = client_of(server, url=through(proxy)), next_start()
    proxy.lose_reply(b"POST /hold", hang_up=True)
    held = client.hold(PROPERTY, start, technician_id=TECHNICIAN)
    assert proxy.lost.is_set()
    proxy.lose_reply(b"POST /book", hang_up=True)
    booked = client.book(held.hold_id, ALICE)
    assert proxy.lost.is_set()
    assert bookings_at(server, start) == [booked.booking_id]
    assert booked.manage_token


def test_with_a_new_key_the_client_is_refused_by_its_own_booking(
    server: WholeServer, proxy: Proxy, next_start: Start
) -> None:
    """The negative control: two calls have two keys, which is what a client that repeats naively does."""
    client, start = client_of(server, url=through(proxy), attempts=1), next_start()
    proxy.lose_reply(b"POST /book", hang_up=True)
    with pytest.raises(NoAnswer):
        client.book_directly(PROPERTY, start, ALICE, technician_id=TECHNICIAN)
    with pytest.raises(Refused) as refusal:
        client.book_directly(PROPERTY, start, ALICE, technician_id=TECHNICIAN)
    assert refusal.value.code == "slot_booked"
    assert len(bookings_at(server, start)) == 1


@pytest.mark.parametrize(
    "reply",
    [
        BUSY,
        Scripted(429, {"code": "rate_limited"}, "1"),
        Scripted(409, {"code": "request_in_progress"}, "1"),
        Scripted(None),
        Scripted(502, "<html>a proxy</html>"),
    ],
    ids=["503", "429", "request_in_progress", "lost", "no JSON"],
)
def test_what_may_change_is_asked_again_with_the_same_key(reply: Scripted) -> None:
    waits: list[float] = []
    with scripted(reply, reply, Scripted(201, BOOKED)) as script:
        booked = Client(script.url, "key", sleep=waits.append).book("h_1", ALICE)
    assert booked.booking_id == "bk_1"
    assert len(script.keys) == 3
    assert len(set(script.keys)) == 1
    assert len(script.keys[0] or "") >= 16
    assert all(wait > 1 if reply.retry_after else wait > 0 for wait in waits)


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_request"), (409, "slot_held"), (410, "hold_expired"), (422, "idempotency_key_reused"), (500, "x")],
)
def test_every_other_refusal_is_raised_at_once(status: int, code: str) -> None:
    reply = Scripted(status, {"code": code, "detail": "No."}, "1")
    with scripted(reply) as script, pytest.raises(Refused) as refusal:
        Client(script.url, "key", sleep=lambda _seconds: None).book("h_1", ALICE)
    assert (refusal.value.status, refusal.value.code, str(refusal.value)) == (status, code, "No.")
    assert refusal.value.retry_after_seconds == 1
    assert len(script.keys) == 1


def test_a_refusal_in_the_words_of_a_proxy_is_a_refusal() -> None:
    with scripted(Scripted(413, "<html>Too large</html>")) as script, pytest.raises(Refused, match="413") as refusal:
        Client(script.url, "key").book("h_1", ALICE)
    assert refusal.value.code == ""
    assert len(script.keys) == 1


def test_each_call_has_a_key_of_its_own() -> None:
    with scripted(Scripted(201, BOOKED)) as script:
        client = Client(script.url, "key")
        client.book("h_1", ALICE)
        client.book("h_1", ALICE)
    assert len(set(script.keys)) == 2


def test_after_the_last_attempt_the_refusal_is_raised() -> None:
    with scripted(BUSY) as script, pytest.raises(Refused) as refusal:
        Client(script.url, "key", attempts=3, sleep=lambda _seconds: None).book("h_1", ALICE)
    assert refusal.value.code == "store_unavailable"
    assert len(script.keys) == 3


def test_it_does_not_wait_longer_than_its_patience() -> None:
    with scripted(Scripted(429, {"code": "too_many_holds"}, "300")) as script, pytest.raises(Refused) as refusal:
        Client(script.url, "key", sleep=lambda _seconds: None).book("h_1", ALICE)
    assert (refusal.value.code, refusal.value.retry_after_seconds) == ("too_many_holds", 300)
    assert len(script.keys) == 1


def test_a_server_that_is_not_there_is_no_answer() -> None:
    with scripted(Scripted(None)) as script:
        url = script.url
    with pytest.raises(NoAnswer, match="3 times"):
        Client(url, "key", attempts=3, sleep=lambda _seconds: None).book("h_1", ALICE)


def test_pauses_grow_differ_and_honour_the_server() -> None:
    assert [pause_seconds(attempt, None, lambda: 1.0) for attempt in range(7)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 4.0]
    assert pause_seconds(3, None, lambda: 0.0) == 0.4
    assert pause_seconds(0, 5.0, lambda: 0.0) == 5.05
