"""GET /messages, GET /messages/preview and POST /sms/status. What messages say stands in tests/messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from services.messages.reports import Reports
from services.messages.source import MessageSource
from services.messages.store import Message, MessageStore
from services.outbox.news import booking_change
from services.outbox.store import OutboxStore
from services.texting.twilio import Requests
from tests.api.town import Town, body_of, fault_codes, refused

STAFF = frozenset({"desk", "admin"})
ALICE = {"name": "Alice", "phone": "+45 12 34 56 78", "email": "alice@example.com"}
TOKEN, URL = "a token of the provider", "https://visits.example.com/sms/status"


def booked(town: Town, hour: int = 10) -> str:
    """A booking whose messages are planned, as the relay does. Its id."""
    made = body_of(town.call("POST", "/book", town.slot(hour) | {"customer": ALICE}, key="desk"))
    services = town.world.services
    booking = services.booking_life.get(town.world.caller("desk"), made["booking_id"])
    source = MessageSource(lambda: {"sms": 0, "email": 0}, services.catalogue.policy_as_written, lambda *_: None)
    OutboxStore(services.db, services.clock).insert(source.entries([booking_change(booking, 1, 1)]))
    return booking.booking_id


def listed(town: Town, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body_of(town.call("GET", f"/messages{query}", key="desk"))["messages"]
    return found


def test_planned_messages_are_listed_as_they_would_be_sent(town: Town) -> None:
    booking_id = booked(town)
    found = listed(town, f"?booking_id={booking_id}&channel=sms&kind=confirmation")
    assert len(found) == 1
    assert (
        found[0].items()
        >= {
            "booking_id": booking_id,
            "kind": "confirmation",
            "channel": "sms",
            "to": "+4512345678",
            "status": "held",
        }.items()
    )
    assert found[0]["text"].startswith("Your visit is booked for ")
    assert {"message_id", "send_after", "created_at"} <= found[0].keys()
    town.call("POST", f"/bookings/{booking_id}/cancel", {}, key="desk")
    after = listed(town, f"?booking_id={booking_id}&channel=sms&kind=confirmation")[0]
    assert (after["to"], after["text"], after["detail"]) == (None, None, "nothing_new")


def test_a_list_is_narrowed_and_paged(town: Town) -> None:
    first, second = booked(town), booked(town, 14)
    assert {each["booking_id"] for each in listed(town)} == {first, second}
    assert {each["booking_id"] for each in listed(town, f"?booking_id={second}")} == {second}
    assert {each["channel"] for each in listed(town, "?channel=email")} == {"email"}
    assert {each["kind"] for each in listed(town, "?kind=confirmation")} == {"confirmation"}
    everything, cursor, seen = [each["message_id"] for each in listed(town)], "", []
    while True:
        page = body_of(town.call("GET", f"/messages?limit=1{cursor}", key="desk"))
        seen += [each["message_id"] for each in page["messages"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == everything


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("?kind=news", ("kind", "not_allowed")),
        ("?channel=fax", ("channel", "not_allowed")),
        ("?limit=0", ("limit", "out_of_range")),
        ("?cursor=x", ("cursor", "bad_cursor")),
    ],
)
def test_what_no_list_has(town: Town, query: str, fault: tuple[str, str]) -> None:
    assert fault_codes(town.call("GET", f"/messages{query}", key="desk")) == {fault}


def test_a_message_reads_as_its_preview(town: Town) -> None:
    booking_id = booked(town)
    query = f"?booking_id={booking_id}&kind=reminder"
    text = body_of(town.call("GET", f"/messages/preview{query}&language=da", key="desk"))
    assert text["text"].startswith("Husk dit besøg ")
    assert text["segments"] == 1
    mail = body_of(town.call("GET", f"/messages/preview{query}&channel=email", key="desk"))
    assert mail["subject"].startswith("Your visit: ")
    assert mail["html"].startswith("<!doctype html>")
    refused(town.call("GET", "/messages/preview?booking_id=bk_none&kind=moved", key="desk"), 404, "booking_not_found")
    refused(town.call("GET", f"/messages/preview{query}", key="rival"), 404, "booking_not_found")


def test_admission(town: Town) -> None:
    booking_id = booked(town)
    town.check_admission("GET", "/messages", None, roles=STAFF)
    town.check_admission("GET", f"/messages/preview?booking_id={booking_id}&kind=moved", None, roles=STAFF)
    assert body_of(town.call("GET", "/messages", key="rival"))["messages"] == []


class TestReports:
    """POST /sms/status."""

    @pytest.fixture
    def sent(self, town: Town) -> str:
        """The id of a text that the provider has taken."""
        services = town.world.services
        store = MessageStore(services.db)
        entry = listed(town, f"?booking_id={booked(town)}&channel=sms&kind=confirmation")[0]
        message = Message(
            message_id=entry["message_id"],
            org=town.world.org,
            booking_id=entry["booking_id"],
            kind="confirmation",
            channel="sms",
            about="v1",
            version=1,
            to="+4512345678",
            text="Hello",
            persons=["phone:4512345678"],
            began_at=services.clock() - timedelta(minutes=1),
        )
        assert store.begin(message)
        store.sent(message.message_id, "SM1")
        opt_outs, metrics = services.messages.opt_outs, services.metrics
        services.messages.reports = Reports(store, opt_outs, metrics, Requests(TOKEN, URL))
        return message.message_id

    def report(self, town: Town, message_id: str, signature: str | None = None, **fields: str) -> Any:
        form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+4512345678", **fields}
        query = f"message_id={message_id}"
        signed = RequestValidator(TOKEN).compute_signature(f"{URL}?{query}", form)
        headers = {"X-Twilio-Signature": signed if signature is None else signature}
        return town.world.client().post(f"/sms/status?{query}", data=form, headers=headers)

    def status(self, town: Town, message_id: str) -> str:
        return next(str(each["status"]) for each in listed(town) if each["message_id"] == message_id)

    def test_a_text_that_did_not_arrive_has_failed(self, town: Town, sent: str) -> None:
        assert self.report(town, sent, MessageStatus="sent").status_code == 204
        assert self.status(town, sent) == "held"
        assert self.report(town, sent, MessageStatus="undelivered", ErrorCode="30003").status_code == 204
        assert self.status(town, sent) == "failed"
        assert self.report(town, sent, MessageStatus="undelivered", ErrorCode="30003").status_code == 204

    def test_what_arrived_has_not_failed_later(self, town: Town, sent: str) -> None:
        self.report(town, sent)
        self.report(town, sent, MessageStatus="failed")
        assert self.status(town, sent) == "held"

    def test_a_receiver_who_opted_out_is_noted(self, town: Town, sent: str) -> None:
        self.report(town, sent, MessageStatus="failed", ErrorCode="21610")
        assert town.world.services.messages.opt_outs.includes(town.world.org, "+4512345678")

    def test_nobody_else_reports(self, town: Town, sent: str) -> None:
        for signature in ("", "AAAA", "é"):
            refused(self.report(town, sent, signature, MessageStatus="failed"), 403, "forbidden")
        right = RequestValidator(TOKEN).compute_signature(f"{URL}?message_id={sent}", {"MessageStatus": "failed"})
        refused(self.report(town, sent, right, MessageStatus="failed"), 403, "forbidden")
        assert self.status(town, sent) == "held"

    def test_the_host_that_a_request_names_does_not_count(self, town: Town, sent: str) -> None:
        form = {"MessageSid": "SM1", "MessageStatus": "failed"}
        signed = RequestValidator(TOKEN).compute_signature(f"https://evil.example/sms/status?message_id={sent}", form)
        headers = {"X-Twilio-Signature": signed, "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        refused(
            town.world.client().post(f"/sms/status?message_id={sent}", data=form, headers=headers), 403, "forbidden"
        )

    def test_of_another_text_nothing_is_noted(self, town: Town, sent: str) -> None:
        assert self.report(town, "msg_none", MessageStatus="failed").status_code == 204
        assert self.report(town, sent, MessageStatus="failed", MessageSid="SM2").status_code == 204
        assert self.status(town, sent) == "held"

    def test_without_a_provider_nothing_is_taken(self, town: Town) -> None:
        refused(self.report(town, "msg_1"), 403, "forbidden")
