"""What proxies make of a request, and what HTTP clients send besides its content: tags, empty bodies, a last slash."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.app import all_endpoints
from api.http.conditions import entity_tags, parse_if_match
from api.http.endpoint import Endpoint
from tests.api.any_endpoint import ask, roles_of, some_path
from tests.api.stubs import SLOT, Send, Stubbed, faults
from tests.api.town import Town, body_of, lasting, refused

CODINGS = ("gzip", "br", "zstd", "deflate")
CANCEL = "/bookings/bk_alice/cancel"


@pytest.mark.parametrize(
    "tag", ['"1-gzip"', '"1;gzip"', '"1--gzip"', 'W/"1"', 'W/"1-br"', '"1", "1-gzip"', '"other", "1"', '"1",', "*"]
)
def test_a_version_that_a_proxy_rewrote_is_still_that_version(town: Town, tag: str) -> None:
    path = f"/bookings/{town.book()['booking_id']}"
    changed = town.call("PATCH", path, {"description": "Ring twice."}, key="desk", If_Match=tag)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    if tag != "*":
        refused(town.call("POST", f"{path}/cancel", key="desk", If_Match=tag), 412, "version_conflict")


@pytest.mark.parametrize("tag", ['"1-gz"', '"1-gzip-gzip-gzip"', '"-gzip"', '"1gzip"', '"gzip"'])
def test_a_tag_that_no_proxy_makes_of_a_version_matches_none(town: Town, tag: str) -> None:
    path = f"/bookings/{town.book()['booking_id']}/cancel"
    refused(town.call("POST", path, key="desk", If_Match=tag), 412, "version_conflict")


@given(
    st.integers(1, 999_999_999),
    st.sampled_from(["", *(glue + coding for glue in ("-", "--", ";") for coding in CODINGS)]),
    st.booleans(),
    st.sampled_from(["", " ", "\t", ",", " , "]),
)
def test_every_form_of_a_tag_names_its_version(version: int, added: str, weak: bool, around: str) -> None:
    tag = f'{around}{"W/" * weak}"{version}{added}"{around}'
    assert parse_if_match(tag) == (version, [])


@given(st.text(alphabet='W/"*,; \t-13gzip', max_size=40))
def test_a_header_is_a_list_of_tags_or_none(header: str) -> None:
    version, found = parse_if_match(header)
    assert (version is None) <= (bool(found) or header.strip() == "*")
    assert all('"' not in tag for tag in entity_tags(header))


@pytest.mark.parametrize("form", ["W/{}", "{}-gzip", "{};gzip", "{}--gzip", "{}-br", "*"])
def test_an_unchanged_calendar_is_not_sent_again_through_a_compressing_proxy(town: Town, form: str) -> None:
    url = body_of(town.call("POST", "/technicians/tech-1/calendar", key="desk"))["calendar_url"]
    tag = town.call("GET", url, key=None).headers["ETag"]
    asked = form.format(tag) if form.startswith("W/") else form.format(tag[:-1]) + '"' if form != "*" else "*"
    assert town.call("GET", url, key=None, If_None_Match=asked).status_code == 304
    assert town.call("GET", url, key=None, If_None_Match=f'{asked[:4]}-other"').status_code == 200


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "application/json", None]
)
def test_the_type_of_an_empty_body_does_not_matter(
    send: Send, stubbed: Stubbed, body: bytes, content_type: str | None
) -> None:
    assert faults(send("POST", CANCEL, data=body, content_type=content_type)) == {("stub", "reached")}
    assert stubbed.life.cancelled == [(None, None)]
    assert faults(send("POST", "/hold", data=body, content_type=content_type)) == {("body", "missing")}


@pytest.mark.parametrize("path", ["confirm", "cancel", "complete", "no-show"])
@pytest.mark.parametrize("body", [b"null", b" null\n", b"{}", b'\xef\xbb\xbf{"reason": null}'])
def test_a_body_of_null_is_left_out_where_it_may_be(send: Send, stubbed: Stubbed, path: str, body: bytes) -> None:
    reply = send("POST", f"/bookings/bk_alice/{path}", data=body, content_type="application/json")
    assert faults(reply) == {("stub", "reached")}
    assert stubbed.life.cancelled == [(None, None)]


def test_a_body_of_another_type_that_says_something_is_refused_where_it_may_be_left_out(send: Send) -> None:
    reply = send("POST", CANCEL, data=b"reason=rain", content_type="application/x-www-form-urlencoded")
    assert (reply.status_code, reply.get_json()["detail"]) == (
        415,
        "Send the body as JSON, with Content-Type: application/json.",
    )


def test_a_byte_order_mark_before_json_is_dropped(send: Send, stubbed: Stubbed) -> None:
    text = "\ufeff" + json.dumps(SLOT)
    assert send("POST", "/hold", data=text.encode(), content_type="application/json").status_code == 201
    assert stubbed.holds.asked[0][1].technician_id == SLOT["technician_id"]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip", "GZIP"])
def test_a_compressed_body_is_refused_by_its_coding(send: Send, coding: str) -> None:
    body = gzip.compress(json.dumps(SLOT).encode())
    reply = send("POST", "/hold", data=body, content_type="application/json", headers={"Content-Encoding": coding})
    assert (reply.status_code, reply.get_json()["code"]) == (415, "unsupported_media_type")
    assert "not compressed" in reply.get_json()["detail"]


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
def test_a_body_that_says_that_it_is_not_compressed_is_read(send: Send, coding: str) -> None:
    headers = {"Content-Encoding": coding}
    assert send("POST", "/hold", json=SLOT, headers=headers).status_code == 201


@pytest.mark.parametrize("endpoint", all_endpoints(), ids=lambda endpoint: endpoint.name)
def test_a_slash_at_the_end_of_a_path_changes_nothing(town: Town, endpoint: Endpoint) -> None:
    path, key = some_path(endpoint), max(roles_of(endpoint), default=None)
    plain, slashed = (ask(town, endpoint, each, key) for each in (path, path + "/"))
    assert slashed.status_code < 300 or slashed.status_code >= 400
    assert (slashed.status_code, slashed.content_type) == (plain.status_code, plain.content_type) or (
        # The first of the two made what the second one makes again.
        plain.status_code == 201 and slashed.status_code == 409
    )
    for method in ("OPTIONS", "PUT"):
        allowed = [town.call(method, each, key=None).headers["Allow"] for each in (path, path + "/")]
        assert allowed[0] == allowed[1]


def test_a_request_with_a_slash_at_the_end_repeats_the_one_without(town: Town) -> None:
    key = {"Idempotency_Key": "once-and-no-more-4f1c"}
    first = town.call("POST", "/hold", town.slot(), **key)
    again = town.call("POST", "/hold/", town.slot(), **key)
    assert (again.status_code, lasting(again)) == (201, lasting(first))
    assert again.headers["Idempotency-Replayed"] == "true"
