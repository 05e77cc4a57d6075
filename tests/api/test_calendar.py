"""POST and DELETE /technicians/{technician_id}/calendar, GET /technicians/{technician_id}/calendar.ics."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any

import pytest
from icalendar import Calendar

from services.observability import foreign_handler
from tests.api.town import Town, body_of, fault_codes, refused
from tests.redis_dump import dump

CALENDAR = "/technicians/tech-1/calendar"
URL = re.compile(r"/technicians/tech-1/calendar\.ics\?token=hfc_[A-Za-z0-9_-]{32}\Z")
NOWHERE = f"{CALENDAR}.ics?token=hfc_{'x' * 32}"


def made(town: Town, key: str = "desk", **headers: str) -> str:
    """The address of a new calendar of tech-1."""
    reply = town.call("POST", CALENDAR, key=key, **headers)
    assert reply.status_code == 201, reply.text
    return str(body_of(reply)["calendar_url"])


def events(town: Town, url: str) -> list[Any]:
    reply = town.call("GET", url, key=None)
    assert reply.status_code == 200, reply.text
    calendar: Any = Calendar.from_ical(reply.data)
    return list(calendar.events)


@pytest.mark.parametrize("key", ["desk", "admin"])
def test_staff_make_an_address_that_opens_without_a_key(town: Town, key: str) -> None:
    booking = town.book()
    reply = town.call("POST", CALENDAR, key=key)
    body = body_of(reply)
    assert reply.status_code == 201
    assert body.keys() == {"technician_id", "calendar_url", "created_at"}
    assert body["technician_id"] == "tech-1"
    assert URL.match(body["calendar_url"])
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Location" not in reply.headers
    (event,) = events(town, body["calendar_url"])
    assert event["UID"] == f"{booking['booking_id']}@holdfast"
    assert f"{event['DTSTART'].dt:%Y-%m-%dT%H:%M:%SZ}" == booking["start"]


def test_the_calendar_comes_as_calendar_programs_want_it(town: Town) -> None:
    reply = town.call("GET", made(town), key=None)
    assert reply.content_type == "text/calendar; charset=utf-8"
    assert reply.headers["Content-Disposition"] == 'inline; filename="tech-1.ics"'
    assert reply.headers["Cache-Control"] == "private, no-cache"
    calendar: Any = Calendar.from_ical(reply.data)
    shown = {name: str(calendar[name]) for name in ("VERSION", "METHOD", "X-WR-CALNAME", "X-PUBLISHED-TTL")}
    assert shown == {
        "VERSION": "2.0",
        "METHOD": "PUBLISH",
        "X-WR-CALNAME": "Technician 1",
        "X-PUBLISHED-TTL": "PT15M",
    }


def test_a_key_beside_the_token_changes_nothing(town: Town) -> None:
    url = made(town)
    for key in ("checkout", "rival", "hf_admin_made-up"):
        assert town.call("GET", url, key=key).status_code == 200


def test_a_cancellation_shows_at_the_next_request(town: Town) -> None:
    url, booking = made(town), town.book()
    assert [event["STATUS"] for event in events(town, url)] == ["CONFIRMED"]
    assert town.call("POST", f"/bookings/{booking['booking_id']}/cancel", key="desk").status_code == 200
    assert [(event["STATUS"], event["SEQUENCE"]) for event in events(town, url)] == [("CANCELLED", 1)]


def test_an_unchanged_calendar_is_not_sent_again(town: Town) -> None:
    url = made(town)
    tag = town.call("GET", url, key=None).headers["ETag"]
    for asked in (tag, f"W/{tag}", f'"other", {tag}'):
        same = town.call("GET", url, key=None, If_None_Match=asked)
        assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
        assert "Content-Type" not in same.headers
        assert "Content-Length" not in same.headers
    town.book()
    changed = town.call("GET", url, key=None, If_None_Match=tag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_a_dead_address_answers_no_client_that_has_the_calendar(town: Town) -> None:
    url = made(town)
    tag = town.call("GET", url, key=None).headers["ETag"]
    made(town)
    refused(town.call("GET", url, key=None, If_None_Match=tag), 404, "not_found")


def test_head_answers_as_get_does_without_the_calendar(town: Town) -> None:
    url = made(town)
    town.book()
    head, full = town.call("HEAD", url, key=None), town.call("GET", url, key=None)
    assert (head.status_code, head.data) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag", "Content-Disposition", "Cache-Control"):
        assert head.headers[name] == full.headers[name]
    assert town.call("HEAD", NOWHERE, key=None).status_code == 404


def test_a_new_address_ends_the_earlier_one_at_once(town: Town) -> None:
    first = made(town)
    second = made(town, "admin")
    refused(town.call("GET", first, key=None), 404, "not_found")
    assert town.call("GET", second, key=None).status_code == 200


def test_a_revoked_address_is_not_found_and_revoking_again_is_fine(town: Town) -> None:
    url = made(town)
    for key in ("desk", "admin"):
        reply = town.call("DELETE", CALENDAR, key=key)
        assert (reply.status_code, reply.data) == (204, b"")
    refused(town.call("GET", url, key=None), 404, "not_found")
    assert town.call("GET", made(town), key=None).status_code == 200


def test_a_repeat_under_the_same_key_makes_a_new_address_and_redis_keeps_none(town: Town) -> None:
    first, second = (made(town, Idempotency_Key="again") for _ in range(2))
    assert first != second
    refused(town.call("GET", first, key=None), 404, "not_found")
    assert town.call("GET", second, key=None).status_code == 200
    kept = str(dump(town.world.services.redis, town.world.org))
    assert "hfc_" not in kept
    assert "again" not in kept


def test_a_token_that_is_wrong_or_of_another_technician_is_not_found(town: Town) -> None:
    url = made(town)
    for other in (
        NOWHERE,
        url[:-1],
        url.replace("hfc_", "hfm_"),
        url.replace("tech-1", "tech-2"),
        url.replace("tech-1", "tech-99"),
        url + "%0A",
        url + "%F0%9F%94%A7",
    ):
        refused(town.call("GET", other, key=None), 404, "not_found")


def test_the_token_is_needed_once_and_nothing_else(town: Town) -> None:
    url = made(town)
    assert fault_codes(town.call("GET", f"{CALENDAR}.ics", key="admin")) == {("token", "missing")}
    assert fault_codes(town.call("GET", f"{CALENDAR}.ics?token=", key=None)) == {("token", "too_short")}
    assert fault_codes(town.call("GET", f"{NOWHERE}{'x' * 128}", key=None)) == {("token", "too_long")}
    assert fault_codes(town.call("GET", f"{url}&token=1", key=None)) == {("token", "repeated")}


@pytest.mark.parametrize("further", ["nocache=1", "fbclid=IwAR0&fbclid=2", "days=7", "=", "utm_source=post%20office"])
def test_parameters_that_others_add_to_the_address_change_nothing(town: Town, further: str) -> None:
    url = made(town)
    plain, with_more = (town.call("GET", each, key=None) for each in (url, f"{url}&{further}"))
    assert (with_more.status_code, with_more.data, with_more.headers["ETag"]) == (
        200,
        plain.data,
        plain.headers["ETag"],
    )
    assert town.call("GET", url.replace("?", f"?{further}&"), key=None).status_code == 200


def test_cancelled_visits_can_be_left_out(town: Town) -> None:
    url, booking = made(town), town.book()
    assert town.call("POST", f"/bookings/{booking['booking_id']}/cancel", key="desk").status_code == 200
    assert [len(events(town, each)) for each in (url, f"{url}&cancelled=1", f"{url}&cancelled=0")] == [1, 1, 0]
    tags = {town.call("GET", each, key=None).headers["ETag"] for each in (url, f"{url}&cancelled=0")}
    assert len(tags) == 2
    assert fault_codes(town.call("GET", f"{url}&cancelled=no", key=None)) == {("cancelled", "not_allowed")}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_only_staff_may_make_and_revoke(town: Town, method: str) -> None:
    town.check_admission(method, CALENDAR, roles=frozenset({"desk", "admin"}))


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_there_is_no_calendar_of_an_unknown_technician_or_of_another_org(town: Town, method: str) -> None:
    url = made(town)
    refused(town.call(method, "/technicians/tech-99/calendar", key="admin"), 404, "technician_not_found")
    refused(town.call(method, "/technicians/tech-2/calendar", key="rival"), 404, "technician_not_found")
    assert town.call(method, CALENDAR, key="rival").status_code in (201, 204)  # its own tech-1, not ours
    assert town.call("GET", url, key=None).status_code == 200


@pytest.mark.parametrize(("method", "end"), [("POST", ""), ("DELETE", ""), ("GET", ".ics?token=x")])
def test_a_bad_id_is_a_fault(town: Town, method: str, end: str) -> None:
    reply = town.call(method, f"/technicians/tech%201/calendar{end}", key="admin")
    assert fault_codes(reply) == {("technician_id", "bad_id")}


def test_the_token_reaches_no_log_no_metric_and_no_other_reply(town: Town, capfd: pytest.CaptureFixture[str]) -> None:
    url = made(town)
    token = url.partition("=")[2]
    replies = [
        town.call("GET", url, key=None),
        town.call("HEAD", url, key=None),
        town.call("PUT", url, key=None),
        town.call("GET", url.replace("tech-1", "tech-2"), key=None),
        town.call("GET", f"{url}&token=1", key=None),
        town.call("GET", url.replace("calendar.ics", "calendar"), key=None),
        town.call("GET", f"/nowhere?token={token}", key=None),
        town.call("GET", f"/technicians/{token}", key="desk"),
        town.call("DELETE", CALENDAR, key="desk"),
        town.call("GET", url, key=None),
    ]
    assert [reply.status_code for reply in replies] == [200, 200, 405, 404, 400, 405, 404, 404, 204, 404]
    assert not [reply.text for reply in replies if token in reply.text or token in str(reply.headers)]
    lines = capfd.readouterr().err.splitlines()
    rules = [json.loads(line)["url_rule"] for line in lines]
    assert rules[1] == rules[2] == "/technicians/{technician_id}/calendar.ics"
    assert len(rules) == len(replies) + 1
    assert not [line for line in lines if token in line or "token" in line]


def test_the_token_is_in_no_line_of_a_server_that_could_not_read_or_answer_the_request() -> None:
    """gunicorn quotes the request line then."""
    handler, written = foreign_handler(), io.StringIO()
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    error_log = logging.Logger("gunicorn.error")
    error_log.addHandler(handler)
    url = "/technicians/tech-1/calendar.ics?token=hfc_0123456789abcdefghijklmnopqrstuv"
    error_log.warning(f"Invalid request from ip=127.0.0.1: Invalid HTTP request line: {f'GET {url} x'!r}")
    error_log.error("Error handling request %s %s", "GET", url)
    error_log.error("Error handling request %s", url.replace("?", "%3F"))
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"].partition("calendar.ics")[2] for line in lines] == ["…", "…", "%3Ftoken=…"]
