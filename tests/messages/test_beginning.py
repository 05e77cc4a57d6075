"""Messages begin when a channel gets a sender: nothing of before is sent, and what waits for a sender is not lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from structlog.testing import capture_logs

from services.clock import utc_now
from services.messages.no_sender import NoSender
from services.messages.source import DUE
from services.messages.store import MessageStore
from services.outbox.entries import NotYet, Suppressed
from tests.messages.lives import entry, made
from tests.messages.sending import ALICE
from tests.outbox.sending import book, follow
from tests.world import World, services_over


def kinds(world: World) -> list[str]:
    return sorted(each["kind"] for each in world.services.db["outbox"].find({"channel": "sms"}))


def test_a_first_start_confirms_nothing_that_was_booked_before_it(alone: World) -> None:
    booking = book(alone, 10, customer=ALICE)
    follow(alone)
    assert "confirmation" not in kinds(alone)
    book(alone, 12, customer=ALICE)
    follow(alone)
    assert kinds(alone).count("confirmation") == 1
    alone.services.booking_life.act(alone.caller("desk"), booking.booking_id, "cancel")
    follow(alone)
    assert kinds(alone).count("cancelled") == 1


def test_what_is_booked_between_the_preparation_and_the_first_relay_is_confirmed(alone: World) -> None:
    alone.services.messages.begin()
    book(alone, 10, customer=ALICE)
    follow(alone)
    assert kinds(alone).count("confirmation") == 1


def test_a_channel_that_was_off_begins_anew_and_another_does_not(alone: World) -> None:
    store = MessageStore(alone.services.db)
    first = store.began(["sms", "email"])
    assert store.began(["sms", "email"]) == first
    book(alone)
    assert store.began(["email"]) == {"email": first["email"]}
    again = store.began(["sms", "email"])
    assert again["email"] == first["email"]
    assert again["sms"] > first["sms"]
    store.began([], ends_others=False)
    assert store.began(["sms", "email"]) == again
    assert store.began([]) == {}
    assert store.began(["sms"])["sms"] > again["sms"]


class TestNoSender:
    """A channel that is switched off while something waits for it."""

    def test_what_waits_is_held_for_a_day_and_said_once(self) -> None:
        now = utc_now()
        courier = NoSender("sms", lambda: now)
        planned = replace(entry(made(), "confirmation", channel="sms"), body={DUE: now.isoformat()})
        with capture_logs() as logs:
            outcomes = [courier.send(planned) for _ in range(3)]
            now += timedelta(hours=24, seconds=1)
            outcomes.append(courier.send(planned))
        *held, last = outcomes
        assert all(isinstance(each, NotYet) for each in held)
        assert last == Suppressed({"reason": "channel_off"})
        assert [(each["event"], each["channel"]) for each in logs] == [("messages_wait_for_a_sender", "sms")]

    def test_it_is_sent_once_the_channel_is_on_again(self, alone: World) -> None:
        follow(alone)
        book(alone, 10, customer=ALICE)
        follow(alone)
        entries = alone.services.db["outbox"]
        off = services_over(alone.services.redis, alone.services.db, prepared=True)
        try:
            for services, state in ((off, "waiting"), (alone.services, "delivered")):
                entries.update_many({"kind": "confirmation"}, [{"$set": {"due": "$$NOW"}}])
                with capture_logs() as logs:
                    services.relay.deliver()
                    assert services.relay._deliveries.settle(30)
                assert [each["state"] for each in entries.find({"kind": "confirmation"})] == [state] * 2
                assert not [each for each in logs if each["log_level"] == "error"]
            sample = off.metrics.registry.get_sample_value
            assert sample("holdfast_outbox_attempts_total", {"channel": "sms", "outcome": "held"}) == 1
            assert {each["attempts"] for each in entries.find({"kind": "confirmation"})} == {1}
        finally:
            off.access.close()
