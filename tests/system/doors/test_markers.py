"""Malformed requests full of names, phones and tokens: no log line, Redis key or metric keeps any of them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

import pytest

from scripts.dev_server.child import wait_until
from tests.redis_dump import everything
from tests.system.doors.gunicorn import Gunicorn, get, gunicorn, post
from tests.system.drills.installation import SOON, Installation

REQUESTS = 200
NAME, PHONE, MAIL, TOKEN, NOTE = (
    "Markerson",
    "+3545559999",
    "marker@person.example",
    "hf_desk_markermarker",
    "keycode4711",
)
MARKERS = (NAME, PHONE, PHONE[1:], MAIL, TOKEN, "markermarker", NOTE, "127.77.")
SOMEWHERE = "127.77.0.9"
BODY = json.dumps(
    {
        "hold_id": f"h_{TOKEN}",
        "customer": {"name": f"Alice {NAME} ó", "phone": PHONE, "email": MAIL},
        "description": NOTE,
    },
    ensure_ascii=False,
).encode()
BEARER = f"Authorization: Bearer {TOKEN}"
CUSTOMER = f"X-Customer ({NAME} {PHONE})"

KINDS: list[Callable[[bytes, str], bytes]] = [
    # The client counts characters instead of bytes, or forgets the length: the rest looks like another request.
    lambda body, key: post("/book", body, key, length=len(body.decode())),
    lambda body, key: post("/book", body, key, length=len(body) // 2),
    lambda body, key: post("/book", body, key, length=0) + b"\r\n\r\n",
    lambda body, key: post("/book", body, key, length=len(body) + 9),
    lambda body, _: body + b"\r\n\r\n",
    lambda body, _: b"POST " + body.replace(b" ", b"") + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    lambda _, key: get(f"/technicians/{NAME}/calendar.ics?token={TOKEN} {PHONE}", key),
    lambda _, key: get(f"/{MAIL}/{NOTE}?q={PHONE}", key, version="1.7"),
    lambda _, key: get(f"/bookings?q={NAME}&phone={PHONE}", key, host=f"{NAME} {PHONE}"),
    lambda _, key: get(f"/bookings?q={NAME}", key, host=None),
    lambda _, key: get("/healthz", key, f"{CUSTOMER}: {MAIL}"),
    lambda _, key: get("/healthz", key, NAME + PHONE),
    lambda _, key: get("/healthz", key, f"X-Note: {NOTE}", f" {PHONE}"),
    lambda _, key: get("/healthz", key, f"X-Note: {NOTE}\x01{PHONE}"),
    lambda _, key: get("/healthz", key, f"X-Note: {NAME * 500}"),
    lambda _, key: get("/healthz", key, *[f"X-{PHONE[1:]}-{number}: {MAIL}" for number in range(70)]),
    lambda _, key: get(f"/{NAME * 1000}", key),
    lambda _, key: get("/healthz", key, f"Transfer-Encoding: {NAME}"),
    lambda _, key: get("/healthz", key, f"Content-Length: {PHONE}"),
    lambda _, key: get("/healthz", key, f"Expect: {NAME}"),
    lambda body, key: post("/book", body, key, f"Content-Length: {PHONE[1:]}"),
    lambda body, key: get("/book", key).replace(b"GET", NAME.encode()) + body,
    lambda body, key: (
        post("/book", b"", key, "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
        + b"zz;"
        + body
        + b"\r\n"
    ),
    lambda body, key: (
        post("/book", b"", key, "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
        + b"5\r\n"
        + body
        + b"\r\n"
    ),
    lambda body, key: (
        post("/book", b"", key, "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
        + b"0\r\n"
        + NAME.encode()
        + b" "
        + body
        + b"\r\n\r\n"
    ),
    lambda body, key: post("/book", body[:-9], key),
    lambda body, key: post(f"/hold/{NAME} {PHONE}/extend", body, key),
    lambda body, key: post("/waitlist", body.replace(b'"', b"'"), key, f"Idempotency-Key: {NAME}{PHONE}"),
]


@pytest.fixture
def server(installation: Installation) -> Iterator[Gunicorn]:
    with gunicorn(installation, installation.folder, HOLDFAST_HEADER_SECONDS="1", HOLDFAST_BODY_SECONDS="1") as made:
        yield made


def test_no_log_redis_key_or_metric_keeps_any_of_a_malformed_request(
    installation: Installation, server: Gunicorn
) -> None:
    order = random.Random(11)
    keys = [BEARER, *(f"Authorization: Bearer {key}" for key in server.world.keys.values())]
    lines = []
    for number in range(REQUESTS):
        line = server.line(SOMEWHERE)
        line.send(KINDS[number % len(KINDS)](BODY, order.choice(keys)))
        lines.append(line)
        if number % 4 == 0:
            line.close()
    for line in lines[1::4]:
        assert line.receive().status >= 400
    assert server.is_healthy()
    assert wait_until(lambda: server.log.count('"event":"request_not_served"') > REQUESTS / 4, seconds=SOON)
    kept = (server.log + str(everything(installation.world.services.redis)) + server.metrics()).lower()
    assert not [marker for marker in (*MARKERS, *server.world.keys.values()) if marker.lower() in kept]
    assert all(json.loads(line) for line in server.log.splitlines())
