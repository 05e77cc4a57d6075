"""POST /messages/{id}/resend: a message that failed is sent again, as it would read now, and no other one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.messages.store import MessageStore
from services.outbox.entries import Dead
from services.outbox.shelf import Kept
from tests.messages.sending import ALICE, Carried
from tests.outbox.sending import book, deliver, entries, follow, make_due, move
from tests.world import World


class Office:
    """A world with a post that refuses the first text of a confirmation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.post = Carried(next=[Dead({"code": 21211})])
        world.services.relay._deliveries._couriers["sms"]._post = self.post  # type: ignore[attr-defined]
        follow(world)
        self.booking = book(world, customer=ALICE)
        self.send()

    def send(self) -> None:
        """Sends what is planned of confirmations by text."""
        follow(self.world)
        self.world.services.db["outbox"].delete_many({"$nor": [{"channel": "sms", "kind": "confirmation"}]})
        make_due(self.world)
        deliver(self.world)

    def call(self, method: str, path: str, role: str = "desk") -> tuple[int, dict[str, Any]]:
        reply = self.world.client().open(path, method=method, headers=self.world.auth(role))
        return reply.status_code, reply.json or {}

    def message(self) -> dict[str, Any]:
        [found] = self.call("GET", "/messages")[1]["messages"]
        return dict(found)

    def resend(self, role: str = "desk") -> tuple[int, dict[str, Any]]:
        return self.call("POST", f"/messages/{self.message()['message_id']}/resend", role)


@pytest.fixture
def office(alone: World) -> Office:
    return Office(alone)


def test_a_text_that_was_refused_is_sent_again_as_it_reads_now(office: Office) -> None:
    assert office.message()["status"] == "failed"
    move(office.world, office.booking, 15)
    status, again = office.resend()
    assert (status, again["message_id"]) == (202, office.message()["message_id"])
    assert again["status"] in ("held", "queued")  # the test let its time come early
    office.send()
    assert office.message()["status"] == "sent"
    first, second = [each.letter.text for each in office.post.messages]
    assert ("10:00" in first, "15:00" in second) == (True, True)


def test_what_the_office_asks_for_is_sent_however_old_the_news_is(office: Office) -> None:
    earlier = office.booking.created_at - timedelta(days=2)
    office.world.services.db["bookings"].update_one({}, {"$set": {"history.0.at": earlier}})
    office.resend()
    office.send()
    assert office.message()["status"] == "sent"
    [entry] = entries(office.world)
    composing = office.world.services.messages.composing
    shelf = office.world.services.messages.desk._shelf
    kept: Any = shelf.find(office.world.org, ["sms"], entry["_id"])
    assert isinstance(kept, Kept)
    office.world.services.db["messages"].delete_many({})
    unasked: Any = composing.compose(replace(kept, body={}), office.world.services.clock())
    assert unasked.reason == "too_late"  # the negative control


def test_a_text_that_did_not_arrive_is_sent_anew(office: Office) -> None:
    office.resend()
    office.send()
    MessageStore(office.world.services.db).report(office.message()["message_id"], "SM2", "failed")
    assert office.message()["status"] == "failed"
    assert office.resend()[0] == 202
    office.send()
    assert office.message()["status"] == "sent"
    assert len(office.post.messages) == 3


def test_what_has_not_failed_is_not_sent_again(office: Office) -> None:
    assert office.resend()[0] == 202
    status, problem = office.resend()
    assert (status, problem["code"]) == (409, "invalid_transition")
    office.send()
    assert office.resend()[0] == 409
    assert len(office.post.messages) == 2


def test_only_the_office_of_the_org_sends_again(office: Office) -> None:
    assert office.resend("bot")[0] == 403
    path = f"/messages/{office.message()['message_id']}/resend"
    rival = {"Authorization": f"Bearer {office.world.rival_key}"}
    assert office.world.client().post(path, headers=rival).status_code == 404
    assert office.call("POST", "/messages/msg_none/resend")[0] == 404
    assert office.message()["status"] == "failed"
