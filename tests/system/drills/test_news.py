"""One booking, and all who must know of it: an open stream, a webhook, and the customer by text and by e-mail with an
entry for the calendar. Relays are killed at several moments, and each of them hears once."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email import policy as mail_policy
from pathlib import Path

import pytest
from icalendar import Calendar

from models.catalogue import PolicyPatch
from scripts.dev_server.child import Child, wait_until
from tests.outbox.receiving import Receiver, receiver
from tests.system.doors.gunicorn import Line
from tests.system.drills.installation import SOON, Api, Installation
from tests.system.live.listening import Listener

STEPS = ("after_entries", "after_entry_sent")
PRIVATE = {"HOLDFAST_WEBHOOK_ALLOW_PRIVATE": "1"}
ANN = {"name": "Ann Example", "phone": "+45 20 12 34 56", "email": "ann@example.com"}


@pytest.fixture(scope="module")
def api(installation: Installation) -> Api:
    return installation.api(**PRIVATE)


class Relays:
    """Relays that write messages into a folder, one at a time."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.installation, self.folder = installation, folder
        self.db = installation.world.services.db

    def start(self, step: str = "") -> Child:
        """A relay that dies at a step."""
        self.installation.lapse_leases()
        self.db["outbox"].update_many({"open": True}, [{"$set": {"due": "$$NOW", "leased_by": None}}])
        settings = {"HOLDFAST_OUTBOX_FOLDER": str(self.folder), "HOLDFAST_PUBLIC_URL": "https://visits.example.com"}
        return self.installation.relay(**PRIVATE, **settings, HOLDFAST_CRASH_POINT=step)

    def begin(self) -> None:
        """Lets the first relay note since when there is news, and kills it."""
        first, meta = self.start(), self.db["meta"]
        known = [{"_id": "news"}, {"_id": "messages", "sms": {"$exists": True}}]
        assert wait_until(lambda: all(meta.find_one(each) for each in known), seconds=SOON), first.log_tail()
        first.kill()

    def die_at(self, step: str) -> None:
        doomed = self.start(step)
        died = wait_until(lambda: self.make_due() and not doomed.alive(), seconds=2 * SOON, every=0.1)
        assert died, doomed.log_tail()

    def make_due(self) -> bool:
        """Lets the minute pass in which a change may be taken back. Always true."""
        self.db["outbox"].update_many({"open": True, "leased_by": None}, [{"$set": {"due": "$$NOW"}}])
        return True

    def have_sent(self, count: int) -> bool:
        self.make_due()
        return self.db["outbox"].count_documents({"state": "delivered"}) == count


@pytest.fixture
def hooked() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def test_all_hear_of_a_booking_once_while_relays_die(
    installation: Installation, api: Api, hooked: Receiver, tmp_path: Path
) -> None:
    world, relays = installation.world, Relays(installation, tmp_path)
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch.model_validate({"reminder_hours": []}))
    webhook = api.ask("POST", "/webhooks", world.keys["admin"], {"url": hooked.url, "kinds": ["booking.created"]}).body
    relays.begin()
    stream = Listener(Line(api.port), "", world.keys["desk"])
    assert stream.next().kind == "hello"
    booked = api.ask("POST", "/book", world.keys["desk"], installation.slot() | {"customer": ANN}).body
    seen = stream.until("book")[-1]
    assert seen.data["ref"] == booked["booking_id"]
    for step in STEPS:
        relays.die_at(step)
    last = relays.start()
    assert wait_until(lambda: relays.have_sent(3), seconds=SOON, every=0.1), last.log_tail()
    last.stop()
    stream.close()

    assert {each.id for each in hooked.got} == {hooked.got[0].id}
    assert len(hooked.got) <= len(STEPS)  # a relay may have died before it noted what it had sent
    assert all(each.is_signed_with(webhook["secret"]) for each in hooked.got)
    assert hooked.got[0].body["data"]["booking"]["booking_id"] == booked["booking_id"]
    [text], [mail] = tmp_path.glob("*.txt"), tmp_path.glob("*.eml")
    assert "To: +4520123456" in text.read_text()
    check_mail(mail.read_bytes(), booked["start"])
    assert relays.db["messages"].count_documents({"sent": True}) == 2


def check_mail(content: bytes, start: str) -> None:
    mail = message_from_bytes(content, policy=mail_policy.default)
    assert mail["To"] == "ann@example.com"
    [entry] = [each.get_content() for each in mail.walk() if each.get_content_type() == "application/ics"]
    [event] = Calendar.from_ical(entry).walk("VEVENT")
    assert f"{event['DTSTART'].dt:%Y-%m-%dT%H:%M:%SZ}" == start
