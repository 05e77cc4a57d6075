"""A site whose parts a test may kill: with a relay, messages that are written to files, and texts that come in."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from scripts.dev_server.child import Child, start_ticks, wait_until
from scripts.dev_server.demo_data import sms_token
from scripts.sms_chat import Phone
from tests.pages.site import Company, Site
from tests.system.drills.installation import Installation, private_installation
from tests.world import PATIENT, SECRET

LONG = 60
"""Seconds that a page, or a message, may take after a fault. A page tries again after fifteen seconds at the latest."""
PUBLIC_URL = "https://visits.example.com"
_NUMBERS = count(70_000_000)


@dataclass
class BreakableSite(Site):
    """A site with a relay. outbox: the folder of the messages; scratch: for what a phone reads."""

    relay: Child
    outbox: Path
    scratch: Path

    def company(self) -> Company:
        """A company that has a number for texts and writes no reminders."""
        made = super().company()
        made.rules(sms_number=f"+45{next(_NUMBERS)}", country="DK", reminder_hours=[])
        return made

    def phone(self, company: Company) -> Phone:
        """A phone that signs its texts as the provider does, and sends again what gets no answer."""
        keys = {"admin": company.world.keys["admin"]}
        (self.scratch / "dev.json").write_text(json.dumps({"url": f"http://127.0.0.1:{self.api.port}", "keys": keys}))
        (self.scratch / "secrets.json").write_text(json.dumps({"secret": SECRET}))
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("HOLDFAST_PUBLIC_URL", PUBLIC_URL)
            return Phone(self.scratch, f"+45{next(_NUMBERS)}")

    def kill_workers(self) -> None:
        """SIGKILL every worker of the API, and wait until they are gone. Gunicorn starts others."""
        master = self.api.child.pid
        workers = [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: not any(map(start_ticks, workers)), seconds=LONG)

    def restart(self) -> None:
        """Kills the API with its port, and starts it again there."""
        self.api.child.kill()
        self.api.child.start()
        assert wait_until(self.api.is_up, seconds=LONG), self.api.child.log_tail()

    def sent(self, company: Company, kind: str) -> dict[str, Any]:
        """The message of a kind, once it is sent. The minute in which a change may be taken back passes at once."""
        outbox, found = self.installation.world.services.db["outbox"], list[dict[str, Any]]()

        def has_left() -> bool:
            outbox.update_many(
                {"org": company.world.org, "open": True, "leased_by": None}, [{"$set": {"due": "$$NOW"}}]
            )
            listed = company.ask("GET", f"/messages?kind={kind}").body.get("messages", [])
            found[:] = [each for each in listed if each["status"] == "sent"]
            return bool(found)

        assert wait_until(has_left, seconds=LONG, every=0.1), company.ask("GET", "/messages")
        return found[0]


@contextmanager
def breakable_site(folder: Path) -> Iterator[BreakableSite]:
    """A site with stores of its own."""
    with private_installation(folder, PATIENT) as installation:
        yield _over(installation, folder)


def _over(installation: Installation, folder: Path) -> BreakableSite:
    relay = installation.relay(HOLDFAST_OUTBOX_FOLDER=str(folder / "outbox"))
    api = installation.api(TWILIO_AUTH_TOKEN=sms_token(SECRET), HOLDFAST_PUBLIC_URL=PUBLIC_URL)
    return BreakableSite(installation, api, relay, folder / "outbox", folder)
