"""The textbook service of scripts/bench.py does what it claims to do, and only that."""

from __future__ import annotations

from typing import Any

import fakeredis
import mongomock
import pytest
from flask.testing import FlaskClient

from scripts.load.bench.sides import BOOK, DIRECT, EXPECTED, HOLD, REFUSED
from scripts.load.bench.textbook import create_app
from scripts.load.bench.yardsticks import TEXTBOOK_OPERATIONS, Textbook
from scripts.load.client.pump import Pump

SLOT = {"technician_id": "t", "start": "2031-03-04T10:00:00Z"}
ALICE = {"customer": {"name": "Alice"}}


@pytest.fixture
def client() -> FlaskClient:
    mongo: Any = mongomock.MongoClient(tz_aware=True)
    return create_app(fakeredis.FakeRedis(), mongo).test_client()


def posted(client: FlaskClient, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post(path, json=body)
    return answer.status_code, answer.get_json()


def test_one_of_two_holds_is_refused(client: FlaskClient) -> None:
    assert posted(client, "/hold", **SLOT)[0] == 201
    assert posted(client, "/hold", **SLOT) == (409, {"code": "slot_held"})


def test_a_hold_is_booked_once(client: FlaskClient) -> None:
    hold_id = posted(client, "/hold", **SLOT)[1]["hold_id"]
    assert posted(client, "/book", **SLOT, **ALICE) == (409, {"code": "slot_held"})
    assert posted(client, "/book", **SLOT, **ALICE, hold_id="another") == (409, {"code": "slot_held"})
    assert posted(client, "/book", **SLOT, **ALICE, hold_id=hold_id)[0] == 201
    assert posted(client, "/book", **SLOT, **ALICE, hold_id=hold_id) == (410, {"code": "hold_expired"})


def test_a_slot_is_booked_directly_once(client: FlaskClient) -> None:
    assert posted(client, "/book", **SLOT, **ALICE)[0] == 201
    assert posted(client, "/book", **SLOT, **ALICE) == (409, {"code": "slot_booked"})


def test_it_does_not_see_that_visits_overlap(client: FlaskClient) -> None:
    assert posted(client, "/book", **SLOT, **ALICE)[0] == 201
    assert posted(client, "/book", **{**SLOT, "start": "2031-03-04T10:15:00Z"}, **ALICE)[0] == 201


def test_the_requests_of_a_run_get_the_answers_that_it_expects(client: FlaskClient) -> None:
    side = Textbook("textbook", Pump(("127.0.0.1", 9), 1), {})
    for operation in (*TEXTBOOK_OPERATIONS, HOLD, REFUSED, BOOK, DIRECT):
        answers = []
        for request in side.requests(operation, 3):
            head, _, body = request.partition(b"\r\n\r\n")
            path = head.split()[1].decode()
            answers.append(client.post(path, data=body, content_type="application/json"))
        assert [answer.status_code for answer in answers] == [EXPECTED[operation]] * 3, operation
        if operation == HOLD:
            side.keep([answer.data for answer in answers])
