"""ETag, If-Match, DELETE, status and q of /properties and /technicians, and what the desk may enter."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_catalogue import KINDS
from tests.api.town import Town, body_of, fault_codes, refused
from tests.world import rfc3339, tomorrow

ADMIN = frozenset({"admin"})
of_both_kinds = pytest.mark.parametrize(("kind", "known", "word"), KINDS, ids=["properties", "technicians"])


def sick(first: int = 8, last: int = 17) -> dict[str, str]:
    return {"start": rfc3339(tomorrow(first)), "end": rfc3339(tomorrow(last))}


@of_both_kinds
def test_the_etag_is_the_version(town: Town, kind: str, known: str, word: str) -> None:
    made = town.call("POST", f"/{kind}", {"id": "new-1", "name": "New"}, key="admin")
    assert (made.headers["ETag"], body_of(made)["version"]) == ('"1"', 1)
    changed = town.call("PATCH", f"/{kind}/new-1", {"name": "Newer"}, key="admin", If_Match=made.headers["ETag"])
    read = town.call("GET", f"/{kind}/new-1", key="desk")
    assert changed.headers["ETag"] == read.headers["ETag"] == '"2"'
    assert body_of(read) == body_of(changed)
    listed = body_of(town.call("GET", f"/{kind}?q=newer", key="desk"))[kind]
    assert [each["version"] for each in listed] == [2]


@of_both_kinds
def test_a_stale_version_is_a_conflict_and_none_is_asked_for(town: Town, kind: str, known: str, word: str) -> None:
    path = f"/{kind}/{known}"
    assert town.call("PATCH", path, {"name": "One"}, key="admin").status_code == 200
    for method, body in (("PATCH", {"status": "unavailable"}), ("DELETE", None)):
        for stale in ('"1"', 'W/"3"', '"made-up"', '"1-gzip"'):
            refused(town.call(method, path, body, key="admin", If_Match=stale), 412, "version_conflict")
        wrong = town.call(method, path, body, key="admin", If_Match="1")
        assert fault_codes(wrong) == {("If-Match", "bad_if_match")}
    assert body_of(town.call("GET", path, key="desk"))["status"] == "available"
    for current in ('"2-gzip"', "*"):
        reply = town.call("PATCH", path, {"status": "unavailable"}, key="desk", If_Match=current)
        assert reply.status_code == 200
        town.call("PATCH", path, {"status": "available", "name": "One"}, key="admin")
    assert town.call("DELETE", path, key="admin", If_Match='"6"').status_code == 204


@of_both_kinds
def test_one_is_removed(town: Town, kind: str, known: str, word: str) -> None:
    reply = town.call("DELETE", f"/{kind}/{known}", key="admin")
    assert (reply.status_code, reply.data) == (204, b"")
    for method, body in (("GET", None), ("PATCH", {"status": "available"}), ("DELETE", None)):
        refused(town.call(method, f"/{kind}/{known}", body, key="admin"), 404, f"{word}_not_found")
    assert known not in {each["id"] for each in body_of(town.call("GET", f"/{kind}"))[kind]}
    refused(town.call("POST", "/hold", town.slot()), 404, f"{word}_not_found")


@of_both_kinds
def test_one_that_is_needed_ahead_is_in_use(town: Town, kind: str, known: str, word: str) -> None:
    hold = town.hold(9)
    assert "visit or a hold" in refused(town.call("DELETE", f"/{kind}/{known}", key="admin"), 409, "in_use")["detail"]
    town.call("DELETE", f"/hold/{hold['hold_id']}")
    booking = town.book(14)
    refused(town.call("DELETE", f"/{kind}/{known}", key="admin"), 409, "in_use")
    assert body_of(town.call("GET", f"/{kind}/{known}", key="desk"))["version"] == 1
    town.call("POST", f"/bookings/{booking['booking_id']}/cancel", key="desk")
    assert town.call("DELETE", f"/{kind}/{known}", key="admin").status_code == 204
    assert town.call("GET", f"/bookings/{booking['booking_id']}", key="desk").status_code == 200


@of_both_kinds
def test_only_an_admin_of_the_org_removes(town: Town, kind: str, known: str, word: str) -> None:
    town.check_admission("DELETE", f"/{kind}/{known}", roles=ADMIN)
    refused(town.call("DELETE", f"/{kind}/{known.replace('1', '2')}", key="rival"), 404, f"{word}_not_found")
    assert fault_codes(town.call("DELETE", f"/{kind}/a%20b", key="admin")) == {(f"{word}_id", "bad_id")}


@of_both_kinds
def test_a_list_is_narrowed_by_status_and_words(town: Town, kind: str, known: str, word: str) -> None:
    town.call("PATCH", f"/{kind}/{known}", {"status": "unavailable", "name": "Zoë at the sea"}, key="admin")

    def ids(query: str) -> list[str]:
        return [each["id"] for each in body_of(town.call("GET", f"/{kind}?{query}", key="desk"))[kind]]

    others = [known.replace("1", "2"), known.replace("1", "3")]
    assert ids("status=unavailable") == ids("q=zoe") == ids("q=SEA%20zoe") == [known]
    assert ids("status=available") == ids("q=" + word[:4] + "&status=available&limit=2") == others
    assert ids("q=zoe&status=available") == []
    page = body_of(town.call("GET", f"/{kind}?status=available&limit=1", key="desk"))
    assert ids(f"status=available&cursor={page['next_cursor']}") == others[1:]


@of_both_kinds
def test_a_wrong_filter_is_a_fault(town: Town, kind: str, known: str, word: str) -> None:
    wrong = {"status=open": "not_allowed", "q=": "too_short", f"q={'x' * 101}": "too_long", "q=%00": "bad_text"}
    for query, code in wrong.items():
        assert fault_codes(town.call("GET", f"/{kind}?{query}", key="desk")) == {(query.partition("=")[0], code)}


def test_the_desk_enters_a_sick_day_and_takes_it_back(town: Town) -> None:
    booking = town.book(9)
    reply = town.call("PATCH", "/technicians/tech-1", {"time_off_add": [sick()]}, key="desk")
    assert reply.status_code == 200
    assert body_of(reply)["time_off"] == [sick()]
    visit = {name: booking[name] for name in ("booking_id", "property_id", "start", "end")}
    assert body_of(reply)["visits"] == [visit]
    refused(town.call("POST", "/hold", town.slot(12), key="desk"), 409, "technician_unavailable")
    back = town.call("PATCH", "/technicians/tech-1", {"time_off_remove": [sick()]}, key="desk")
    assert (body_of(back)["time_off"], "visits" in body_of(back)) == ([], False)
    town.hold(12, key="desk")


def test_the_desk_may_give_time_off_whole_and_nothing_else_beside_it(town: Town) -> None:
    reply = town.call("PATCH", "/technicians/tech-1", {"time_off": [sick()], "status": "unavailable"}, key="desk")
    assert (reply.status_code, body_of(reply)["visits"]) == (200, [])
    refusal = refused(
        town.call("PATCH", "/technicians/tech-1", {"time_off": [], "name": "Mine"}, key="desk"), 403, "forbidden"
    )
    assert refusal["detail"] == "The desk may change only the status and the time off."
    assert body_of(town.call("GET", "/technicians/tech-1", key="desk"))["time_off"] == [sick()]


def test_working_hours_that_are_not_set_are_shown_as_null(town: Town) -> None:
    changed = body_of(town.call("PATCH", "/technicians/tech-1", {"time_off_add": [sick()]}, key="desk"))
    assert changed["working_hours"] is None
    read = body_of(town.call("GET", "/technicians/tech-1", key="desk"))
    assert changed == {**read, "visits": []}


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"time_off": [], "time_off_remove": [sick()]}, {("time_off", "inconsistent")}),
        ({"time_off_add": [sick(17, 8)]}, {("time_off_add.0.end", "bad_span")}),
        (
            {"time_off_add": [{"start": "soon"}]},
            {("time_off_add.0.start", "bad_time"), ("time_off_add.0.end", "missing")},
        ),
        ({"time_off_add": [sick()] * 201}, {("time_off_add", "too_long")}),
    ],
)
def test_wrong_time_off_is_a_fault(town: Town, change: dict[str, Any], faults: set[tuple[str, str]]) -> None:
    assert fault_codes(town.call("PATCH", "/technicians/tech-1", change, key="desk")) == faults


def test_the_publishable_key_learns_neither_status_nor_version_of_a_technician(town: Town) -> None:
    refused(town.call("GET", "/technicians?status=available"), 403, "forbidden")
    reply = town.call("GET", "/technicians/tech-1")
    assert (body_of(reply).keys(), "ETag" in reply.headers) == ({"id", "name"}, False)
    assert [each.keys() for each in body_of(town.call("GET", "/technicians?q=technician"))["technicians"]] == [
        {"id", "name"}
    ] * 3
    assert town.call("GET", "/properties/prop-1").headers["ETag"] == '"1"'


def test_the_publishable_key_finds_no_property_by_its_address(town: Town) -> None:
    town.call("PATCH", "/properties/prop-1", {"address": "Elm St 4"}, key="admin")
    assert len(body_of(town.call("GET", "/properties?q=elm", key="bot"))["properties"]) == 1
    assert body_of(town.call("GET", "/properties?q=elm"))["properties"] == []


def test_a_technician_made_anew_has_no_calendar_of_the_one_before(town: Town) -> None:
    url = body_of(town.call("POST", "/technicians/tech-1/calendar", key="desk"))["calendar_url"]
    town.call("DELETE", "/technicians/tech-1", key="admin")
    refused(town.call("GET", url, key=None), 404, "not_found")
    town.call("POST", "/technicians", {"id": "tech-1", "name": "Another"}, key="admin")
    refused(town.call("GET", url, key=None), 404, "not_found")
    url = body_of(town.call("POST", "/technicians/tech-1/calendar", key="desk"))["calendar_url"]
    assert town.call("GET", url, key=None).status_code == 200


def test_the_desk_sees_the_waitlist(town: Town) -> None:
    town.book(10)
    wish = {"property_id": "prop-1", "technician_id": "tech-1", "customer": {"name": "Erik"}}
    wish |= {"from": rfc3339(tomorrow(10)), "to": rfc3339(tomorrow(11))}
    made = body_of(town.call("POST", "/waitlist", wish))
    (entry,) = body_of(town.call("GET", "/waitlist", key="desk"))["waitlist"]
    assert (entry["waitlist_id"], entry["customer"]["name"]) == (made["waitlist_id"], "Erik")
