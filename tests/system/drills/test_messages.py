"""Relays die at each step between MongoDB's log and the provider of texts: every text arrives, and arrives once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.catalogue import PolicyPatch
from scripts.dev_server.child import Child, wait_until
from tests.messages.mail_server import mail_server
from tests.messages.provider import SID, TOKEN, Provider, provider
from tests.system.drills.installation import SOON, Api, Installation

STEPS = (
    *("after_news", "after_entries", "after_entry_lease", "after_message_begun"),
    *("after_message_left", "after_entry_sent", "after_entry_end"),
)
FIRST_PHONE = 12_345_600


class Office:
    """A provider of texts, bookings of customers with phones of their own, and the relays that write to them."""

    def __init__(self, installation: Installation, api: Api, there: Provider) -> None:
        self.installation, self.api, self.provider = installation, api, there
        self.desk = installation.world.keys["desk"]
        self.db = installation.world.services.db
        for name in ("outbox", "messages"):
            self.db[name].delete_many({})
        policy = PolicyPatch.model_validate({"sms_number": "+4570102030", "reminder_hours": []})
        installation.world.services.catalogue_desk.patch_policy(installation.world.org, policy)
        self.phones = 0

    def relay(self, step: str = "", **environment: str) -> Child:
        """A relay for which every message is due at once."""
        self.installation.lapse_leases()
        self.make_due()
        provider_ = {
            "TWILIO_ACCOUNT_SID": SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "HOLDFAST_TWILIO_API_URL": self.provider.url,
        }
        return self.installation.relay(**provider_, **environment, HOLDFAST_CRASH_POINT=step)

    def make_due(self) -> None:
        """Lets the minute pass in which a change may be taken back, and ends the leases of relays that died."""
        self.db["outbox"].update_many({"open": True}, [{"$set": {"due": "$$NOW", "leased_by": None}}])

    def has_its_place(self, channel: str = "sms") -> bool:
        """Whether a relay follows MongoDB's log for the messages of a channel."""
        meta = self.db["meta"]
        began = meta.find_one({"_id": "messages", channel: {"$exists": True}})
        return began is not None and meta.find_one({"_id": "news"}) is not None

    def book(self, **customer: str) -> str:
        """Books for a customer with a new phone. Gives the phone."""
        self.phones += 1
        phone = f"+45{FIRST_PHONE + self.phones}"
        body = self.installation.slot() | {"customer": {"name": "Ann", "phone": phone, **customer}}
        booked = self.api.ask("POST", "/book", self.desk, body)
        assert booked.status == 201, booked
        return phone

    def planned(self) -> int:
        return self.db["outbox"].count_documents({"channel": "sms"})

    def are_ended(self, count: int) -> bool:
        """Whether so many entries are there, and none is open. Makes those due that come late."""
        self.make_due_of_the_future()
        ended = self.db["outbox"].count_documents({"channel": "sms", "open": False})
        return ended == count == self.planned()

    def make_due_of_the_future(self) -> None:
        """As make_due, of what no relay sends just now."""
        self.db["outbox"].update_many({"open": True, "leased_by": None}, [{"$set": {"due": "$$NOW"}}])

    def receivers(self) -> list[str]:
        return sorted(each["To"] for each in list(self.provider.taken))


@pytest.fixture
def office(installation: Installation, healthy: Api) -> Iterator[Office]:
    with provider() as there:
        yield Office(installation, healthy, there)


def drill(office: Office, step: str) -> list[str]:
    """A relay dies at a step while it writes to three customers, and another one goes on. Gives their phones."""
    first = office.relay()
    assert wait_until(office.has_its_place, seconds=SOON), first.log_tail()
    first.kill()
    phones = [office.book() for _ in range(3)]
    doomed = office.relay(step)

    def died() -> bool:
        office.make_due_of_the_future()
        return not doomed.alive()

    assert wait_until(died, seconds=SOON, every=0.1), doomed.log_tail()
    healthy = office.relay()
    assert wait_until(lambda: office.are_ended(len(phones)), seconds=SOON, every=0.1), healthy.log_tail()
    healthy.stop()
    return phones


@pytest.mark.parametrize("step", STEPS)
def test_a_relay_that_dies_at_a_step_loses_no_text_and_sends_none_twice(office: Office, step: str) -> None:
    phones = drill(office, step)
    assert office.receivers() == sorted(phones)
    sent = office.db["messages"].count_documents({"sent": True, "provider_id": {"$gt": ""}})
    assert sent == len(phones)


def test_without_a_look_at_the_provider_texts_arrive_twice(office: Office) -> None:
    """The negative control: the provider finds no text again."""
    office.provider.forgets = True
    phones = drill(office, "after_message_left")
    assert set(office.receivers()) == set(phones)
    assert len(office.receivers()) > len(phones)


def test_a_relay_sends_e_mails_to_the_mail_server(office: Office) -> None:
    with mail_server() as box:
        server = f"smtp://127.0.0.1:{box.port}?from=visits@example.com"
        relay = office.relay(HOLDFAST_SMTP_URL=server, HOLDFAST_PUBLIC_URL="https://visits.example.com")
        assert wait_until(lambda: office.has_its_place("email"), seconds=SOON), relay.log_tail()
        office.book(email="ann@example.com")

        def arrived() -> bool:
            office.make_due_of_the_future()
            return bool(box.taken)

        assert wait_until(arrived, seconds=SOON, every=0.1), relay.log_tail()
        relay.stop()
        [(to, mail)] = box.taken
    assert (to, mail["From"]) == (["ann@example.com"], "visits@example.com")
    text = mail.get_body(("plain",))
    assert text is not None
    assert "https://visits.example.com/visit#hfm_" in text.get_content()
    assert [part.get_content_type() for part in mail.walk()][-1] == "application/ics"
