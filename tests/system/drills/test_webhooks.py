"""Relays die at each step between MongoDB's log and a webhook: every change arrives, in order, under one id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.dev_server.child import Child, wait_until
from tests.outbox.receiving import Got, Receiver, receiver
from tests.system.drills.installation import SOON, Api, Installation

STEPS = ("after_news", "after_entries", "after_entry_lease", "after_entry_sent", "after_entry_end")
PRIVATE = {"HOLDFAST_WEBHOOK_ALLOW_PRIVATE": "1"}
KINDS = ["booking.created", "booking.changed", "booking.cancelled"]


@pytest.fixture(scope="module")
def api(installation: Installation) -> Api:
    return installation.api(**PRIVATE)


class Office:
    """A receiver with a webhook of its own, bookings that change, and the relays that send."""

    def __init__(self, installation: Installation, api: Api, hooked: Receiver) -> None:
        self.installation, self.api, self.receiver = installation, api, hooked
        self.entries = installation.world.services.db["outbox"]
        self.entries.delete_many({})
        self.keys = installation.world.keys
        made = api.ask("POST", "/webhooks", self.keys["admin"], {"url": hooked.url, "kinds": KINDS})
        assert made.status == 201, made
        self.path = f"/webhooks/{made.body['webhook_id']}"

    def relay(self, step: str = "") -> Child:
        self.installation.lapse_leases()
        self.entries.update_many({"open": True}, [{"$set": {"due": "$$NOW", "leased_by": None}}])
        return self.installation.relay(**PRIVATE, HOLDFAST_CRASH_POINT=step)

    def has_its_position(self) -> bool:
        """Whether a relay follows MongoDB's log for the webhooks."""
        return self.installation.world.services.db["meta"].find_one({"_id": "news"}) is not None

    def change(self) -> str:
        """Makes a booking, changes it and cancels it. Gives its id."""
        desk, slot = self.keys["desk"], self.installation.slot()
        booked = self.api.ask("POST", "/book", desk, slot | {"customer": {"name": "Ann"}})
        assert booked.status == 201, booked
        path = f"/bookings/{booked.body['booking_id']}"
        assert self.api.ask("PATCH", path, desk, {"priority": "high"}, If_Match='"1"').is_ok
        assert self.api.ask("POST", path + "/cancel", desk).is_ok
        return str(booked.body["booking_id"])

    def arrived(self) -> dict[str, list[Got]]:
        """What arrived, by booking."""
        found: defaultdict[str, list[Got]] = defaultdict(list)
        for each in list(self.receiver.got):
            found[each.body["data"]["booking"]["booking_id"]].append(each)
        return found

    def has_all_arrived(self, bookings: list[str]) -> bool:
        return all({each.type for each in self.arrived()[booking]} == set(KINDS) for booking in bookings)

    def check(self, bookings: list[str], *, repeats: int) -> None:
        """Every change of these arrived, in order, each under one id; at most so many arrived twice."""
        arrived = self.arrived()
        assert sorted(arrived) == sorted(bookings)
        for got in arrived.values():
            versions: list[Any] = [each.body["data"]["booking"]["version"] for each in got]
            assert versions == sorted(versions)
            assert [each.type for each in dict(zip(versions, got, strict=True)).values()] == KINDS
            assert len({each.id for each in got}) == len(KINDS)
        assert sum(len(got) - len(KINDS) for got in arrived.values()) <= repeats
        assert self.entries.count_documents({}) == len(KINDS) * len(bookings)

    def close(self) -> None:
        self.api.ask("DELETE", self.path, self.keys["admin"])


@pytest.fixture
def office(installation: Installation, api: Api) -> Iterator[Office]:
    with receiver() as hooked:
        made = Office(installation, api, hooked)
        yield made
        made.close()


@pytest.mark.parametrize("step", STEPS)
def test_a_relay_that_dies_at_a_step_loses_nothing_and_repeats_only_what_it_had_sent(office: Office, step: str) -> None:
    first = office.relay()
    assert wait_until(office.has_its_position, seconds=SOON), first.log_tail()
    first.kill()
    bookings = [office.change() for _ in range(3)]
    doomed = office.relay(step)
    assert wait_until(lambda: not doomed.alive(), seconds=SOON), doomed.log_tail()
    healthy = office.relay()
    assert wait_until(lambda: office.has_all_arrived(bookings), seconds=SOON), healthy.log_tail()
    healthy.stop()
    # Several are being sent when it dies.
    office.check(bookings, repeats=len(bookings) if step == "after_entry_sent" else len(bookings) - 1)


def test_relays_that_are_killed_while_bookings_change_lose_no_change(office: Office) -> None:
    relays = [office.relay(), office.relay()]
    bookings = []
    for number in range(8):
        bookings.append(office.change())
        relays[number % 2].kill()
        relays[number % 2] = office.relay()
    assert wait_until(lambda: office.has_all_arrived(bookings), seconds=2 * SOON), relays[0].log_tail()
    for relay in relays:
        relay.stop()
    arrived = office.arrived()
    assert sorted(arrived) == sorted(bookings)
    assert all(len({each.id for each in got}) == len(KINDS) for got in arrived.values())
