"""Replies that are compressed, and those that are not, because they are short or show a credential."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.stubs import Send
from tests.api.town import ALICES_BROWSER, Town
from tests.world import tomorrow

AVAILABILITY = f"/availability?property_id=prop-1&from={tomorrow().date()}"
LONG = {"customer": {"name": "Alice"}, "description": "boiler " * 200}


def get(town: Town, path: str, accepted: str | None = "gzip", key: str = "desk", **headers: str) -> TestResponse:
    if accepted is not None:
        headers["Accept_Encoding"] = accepted
    return town.call("GET", path, key=key, **headers)


def is_compressed(reply: TestResponse) -> bool:
    assert reply.headers["Content-Length"] == str(len(reply.data))
    return reply.headers.get("Content-Encoding") == "gzip"


@pytest.mark.parametrize("accepted", ["gzip", "GZIP", "deflate, gzip;q=0.5, br", "*", "br;q=0, x-gzip", "gzip; q=1.0"])
def test_a_long_reply_is_compressed_for_a_client_that_takes_it(town: Town, accepted: str) -> None:
    plain, compressed = get(town, AVAILABILITY, None), get(town, AVAILABILITY, accepted)
    assert is_compressed(compressed)
    assert gzip.decompress(compressed.data) == plain.data
    assert len(compressed.data) < len(plain.data) / 5
    assert compressed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert compressed.content_type == "application/json"


@pytest.mark.parametrize("accepted", [None, "", "identity", "br", "gzip;q=0", "gzip;q=0.000, *", "*;q=0", "gzipped"])
def test_for_others_it_is_sent_as_it_is(town: Town, accepted: str | None) -> None:
    reply = get(town, AVAILABILITY, accepted)
    assert not is_compressed(reply)
    assert reply.headers["Vary"] == "Accept-Encoding"


def test_a_short_reply_is_sent_as_it_is(town: Town) -> None:
    assert not is_compressed(get(town, "/properties?limit=1"))


def test_replies_to_head_have_the_headers_of_get(town: Town) -> None:
    shown = get(town, AVAILABILITY)
    head = town.call("HEAD", AVAILABILITY, key="desk", Accept_Encoding="gzip")
    assert head.data == b""
    for name in ("Content-Length", "Content-Encoding", "Vary"):
        assert head.headers[name] == shown.headers[name]


def test_the_tag_of_a_compressed_reply_is_another_one_that_still_compares(town: Town) -> None:
    made = town.call("POST", "/book", town.slot() | LONG, key="bot", Accept_Encoding="gzip").get_json()
    path = f"/bookings/{made['booking_id']}"
    compressed = get(town, path)
    assert is_compressed(compressed)
    assert (compressed.headers["ETag"], get(town, path, None).headers["ETag"]) == ('"1-gzip"', '"1"')
    changed = town.call("PATCH", path, {"priority": "low"}, key="desk", If_Match=compressed.headers["ETag"])
    assert changed.status_code == 200
    again = town.call("PATCH", path, {"priority": "high"}, key="desk", If_Match=compressed.headers["ETag"])
    assert again.status_code == 412


def test_the_description_of_the_api_is_compressed_and_sent_once(send: Send) -> None:
    accepted = {"Accept-Encoding": "gzip"}
    first = send("GET", "/openapi.json", key=None, headers=accepted)
    assert is_compressed(first)
    tag = first.headers["ETag"]
    assert tag.endswith('-gzip"')
    again = send("GET", "/openapi.json", key=None, headers={**accepted, "If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_a_reply_with_a_credential_is_never_compressed(town: Town) -> None:
    """Beside words that others choose, the length of a compressed reply would give a part of it away."""

    def long(reply: Any) -> TestResponse:
        assert len(reply.data) >= 1024
        assert isinstance(reply, TestResponse)
        return reply

    for hour in (12, 14, 16):
        town.hold(hour, holder=ALICES_BROWSER)
    assert not is_compressed(long(get(town, "/holds")))
    hold_id = town.hold(10, key="bot")["hold_id"]
    made = town.call("POST", "/book", {"hold_id": hold_id, **LONG}, key="bot", Accept_Encoding="gzip")
    assert not is_compressed(long(made))
    path = f"/bookings/{made.get_json()['booking_id']}"
    assert not is_compressed(long(get(town, path, key="bot")))  # it shows the hold to its holder
    assert is_compressed(get(town, path, key="desk"))


def test_a_board_is_compressed_up_to_its_holds_whose_ids_stand_in_it_as_they_are(town: Town) -> None:
    for hour in range(8, 14):
        town.book(hour, description="boiler " * 100)
    path = f"/board?from={tomorrow().date()}&to={tomorrow(24).date()}"
    hold_ids = [town.hold(hour, key="desk", holder=f"desk-{hour}")["hold_id"] for hour in (15, 17)]
    plain, compressed = get(town, path, None), get(town, path)
    assert is_compressed(compressed)
    assert gzip.decompress(compressed.data) == plain.data
    assert len(compressed.data) < len(plain.data) / 3
    assert all(hold_id.encode() in compressed.data for hold_id in hold_ids)
    assert b"boiler boiler" not in compressed.data


def test_a_refusal_is_sent_as_it_is(town: Town) -> None:
    reply = get(town, "/availability?" + "&".join(f"unknown_{number}=1" for number in range(40)))
    assert (reply.status_code, is_compressed(reply)) == (400, False)
