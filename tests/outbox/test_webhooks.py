"""Webhooks from the booking to the receiver: each change once, signed, as it was at its version, in order."""

from __future__ import annotations

from api.app import all_endpoints
from api.openapi.document import openapi
from models.customers import PersonRequest
from models.webhooks import WebhookRequest
from tests.api.test_openapi import validator
from tests.outbox.receiving import Receiver
from tests.outbox.sending import (
    ALL_KINDS,
    book,
    cancel,
    deliver,
    entries,
    follow,
    hook,
    make_due,
    move,
    patch,
    relay_round,
)
from tests.world import World, rfc3339, tomorrow

ANN = {"name": "Ann Marker", "phone": "+45 12 34 56 78", "email": "ann@example.com"}


def test_a_booking_arrives_with_a_signature_that_the_public_library_accepts(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)
    booking = book(world, customer=ANN)
    relay_round(world)
    (got,) = receiver.got
    assert got.is_signed_with(made.secret)
    assert got.type == "booking.created"
    assert got.body["data"]["booking"]["booking_id"] == booking.booking_id
    assert got.body["data"]["booking"]["customer"]["name"] == "Ann Marker"
    assert got.body["data"]["changed"] == []
    (entry,) = entries(world)
    assert (entry["state"], entry["attempts"], entry["detail"]) == ("delivered", 1, {"status": 200, "body": "thanks"})


def test_a_signature_by_another_secret_is_refused_by_the_public_library(world: World, receiver: Receiver) -> None:
    """The negative control."""
    hook(world, receiver.url)
    other = hook(world, receiver.url + "/other", ["booking.cancelled"])
    book(world)
    relay_round(world)
    assert [each.is_signed_with(other.secret) for each in receiver.got] == [False]


def test_each_change_arrives_once_in_order_and_as_it_was_at_its_version(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url)
    booking = book(world, customer=ANN)
    move(world, booking, 12)
    patch(world, booking, description="The tap drips.")
    cancel(world, booking)
    follow(world)  # all of it is read late, when the booking is cancelled
    for _ in range(4):
        deliver(world)
    assert receiver.types == ["booking.created", "booking.moved", "booking.changed", "booking.cancelled"]
    shown = [each.body["data"]["booking"] for each in receiver.got]
    assert [each["version"] for each in shown] == [1, 2, 3, 4]
    assert [each["start"] for each in shown] == [rfc3339(tomorrow(hour)) for hour in (10, 12, 12, 12)]
    assert [each["status"] for each in shown] == ["confirmed", "confirmed", "confirmed", "cancelled"]
    assert [each["description"] for each in shown] == ["", "", "The tap drips.", "The tap drips."]
    changed = [set(each.body["data"]["changed"]) for each in receiver.got]
    assert changed == [set(), {"start", "end", "requested_start"}, {"description"}, {"status"}]


def test_no_body_holds_a_credential_or_what_is_for_staff_alone(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url)
    held = world.services.holds.place(world.caller("desk"), world.hold_request()).hold
    booking = world.services.bookings.book(
        world.caller("desk"), world.book_request(hold_id=held.hold_id, internal_note="The dog bites.")
    ).booking
    move(world, booking, 12)
    relay_round(world)
    deliver(world)
    assert len(receiver.got) == 2
    for got in receiver.got:
        text = got.text.decode()
        assert held.hold_id not in text
        assert booking.hold_id not in text
        assert "hfm_" not in text
        assert "The dog bites." not in text
        assert "history" not in got.body["data"]["booking"]


def test_a_change_that_a_webhook_may_not_see_is_not_sent(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url)
    booking = book(world)
    patch(world, booking, internal_note="The dog bites.")
    world.services.booking_life.end_tokens(world.caller("desk"), booking.booking_id)
    relay_round(world)
    deliver(world)
    assert receiver.types == ["booking.created"]


def test_a_webhook_gets_the_kinds_that_it_chose_and_nothing_of_another_org(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url, ["booking.cancelled"])
    booking = book(world)
    cancel(world, booking)
    rival = world.services.access.authenticate(world.rival_key)
    world.services.bookings.book(rival, world.direct_request())
    relay_round(world)
    assert receiver.types == ["booking.cancelled"]


def test_what_happened_before_a_webhook_was_made_is_not_sent(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url + "/first", ["booking.created"])
    book(world, 10)
    hook(world, receiver.url, ["booking.created"])
    book(world, 12)
    relay_round(world)
    assert [each.path for each in receiver.got].count("/hooks") == 1
    assert [each.path for each in receiver.got].count("/hooks/first") == 2


def test_what_happens_between_the_making_of_the_first_webhook_and_the_first_look_is_sent(
    world: World, receiver: Receiver
) -> None:
    follow(world)  # no webhook, so the relay follows nothing
    wanted = WebhookRequest.model_validate({"url": receiver.url, "kinds": ["booking.created"]})
    world.services.webhooks.make(world.caller("admin"), wanted)
    book(world)
    relay_round(world)
    assert receiver.types == ["booking.created"]


def test_the_next_change_of_a_booking_waits_until_the_one_before_has_arrived(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url)
    receiver.answers = [500, 500, 200]
    booking = book(world)
    move(world, booking, 12)
    relay_round(world)
    assert receiver.types == ["booking.created"]
    make_due(world)
    deliver(world)
    assert receiver.types == ["booking.created"] * 2
    make_due(world)
    deliver(world)
    assert receiver.types == ["booking.created"] * 3 + ["booking.moved"]
    assert [each["state"] for each in entries(world)] == ["delivered"] * 2


def test_without_lanes_a_later_change_overtakes_one_that_failed(world: World, receiver: Receiver) -> None:
    """The negative control."""
    hook(world, receiver.url)
    book(world, 8)
    relay_round(world)  # a receiver that has answered is asked for several at once
    receiver.answers = [500, 200]
    booking = book(world)
    move(world, booking, 12)
    follow(world)
    world.services.db["outbox"].update_many({}, {"$set": {"lane": None}})
    deliver(world)
    assert sorted(each["state"] for each in entries(world)) == ["delivered", "delivered", "waiting"]


def test_a_booking_whose_news_cannot_be_sent_keeps_no_other_waiting(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url)
    receiver.answers = [500, 200]
    book(world, 10)
    relay_round(world)
    book(world, 12)
    follow(world)
    world.services.relay._deliveries._shares._rests.clear()
    deliver(world)
    assert [each["state"] for each in sorted(entries(world), key=lambda each: each["created_at"])] == [
        "waiting",
        "delivered",
    ]


def test_a_repeat_has_the_same_id_and_a_new_signature(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)
    receiver.answers = [500, 200]
    book(world)
    relay_round(world)
    make_due(world)
    deliver(world)
    first, second = receiver.got
    assert first.id == second.id
    assert second.is_signed_with(made.secret)


def test_both_secrets_sign_for_a_day_after_a_rotation(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)
    rotated = world.services.webhooks.rotate(world.caller("admin"), made.webhook_id)
    book(world)
    relay_round(world)
    (got,) = receiver.got
    assert got.is_signed_with(made.secret)
    assert got.is_signed_with(rotated.secret)
    world.services.db["webhooks"].update_one({}, {"$set": {"earlier.0.until": tomorrow(0).replace(year=2020)}})
    book(world, 12)
    relay_round(world)
    assert not receiver.got[1].is_signed_with(made.secret)
    assert receiver.got[1].is_signed_with(rotated.secret)


def test_an_erased_person_is_in_nothing_that_is_sent_later(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url)
    receiver.text = b"Thank you, Ann Marker"
    receiver.answers = [500, 200]
    book(world, customer=ANN, description="Ann's tap drips.")
    relay_round(world)
    assert b"Ann" in receiver.got[0].text
    world.services.personal_data.erase_person(world.caller("admin"), PersonRequest(email="ann@example.com"))
    assert "Ann" not in str(entries(world))
    follow(world)
    for _ in range(3):
        make_due(world)
        deliver(world)
    assert receiver.types == ["booking.created", "booking.created", "booking.changed"]
    assert not any(b"Ann" in each.text for each in receiver.got[1:])
    assert receiver.got[2].body["data"]["changed"] == ["customer"]


def test_what_arrives_fits_the_document(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url)
    booking = book(world, customer=ANN, description="The tap drips.", metadata={"floor": "3"})
    move(world, booking, 12)
    relay_round(world)
    deliver(world)
    document = openapi(all_endpoints())
    assert set(receiver.types) == {"booking.created", "booking.moved"}
    for got in receiver.got:
        wanted = document["webhooks"][got.type]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert validator(wanted).is_valid(got.body), got.body
    assert set(document["webhooks"]) == set(ALL_KINDS)
