"""A worker dies at each step of a move, or a store goes away during it: the visit is whole at its old or new time."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.dev_server.child import wait_until
from tests.system.drills.customers import Customers, at_once, in_time, is_unavailable, served
from tests.system.drills.installation import OUTAGES, SOON, Answer, Api, Installation, away
from tests.system.drills.proxy import MIRRORING, Proxy
from tests.system.drills.rules import check_every_free_slot_can_be_held, check_rules
from tests.world import PATIENT, environment_of

pytestmark = pytest.mark.real_timeouts

STEPS = ("after_move_claim", "after_move", "after_move_mirrored")
CHANGE = b"\x02findAndModify\x00"
"""The bytes that name the command in the message of a change."""


@pytest.fixture(scope="module")
def doomed(installation: Installation) -> dict[str, Api]:
    """For each step an API whose worker dies at it every time."""
    return {step: installation.api(step, **environment_of(PATIENT)) for step in STEPS}


class Visit:
    """A booking, and the slot to move it to."""

    def __init__(self, customers: Customers, *, reserved: bool = False) -> None:
        self.customers, self.installation = customers, customers.installation
        self.old, self.new = self.installation.slot(), self.installation.slot()
        booked = self._reserved() if reserved else customers.booked(self.old)
        assert booked.status == 201, booked
        self.booking_id = booked.body["booking_id"]

    def _reserved(self) -> Answer:
        deed, once = self.customers.wish(), {"Idempotency_Key": f"reserved {self.old['start']}"}
        wanted = self.old | {"reserved_by": "the desk", "customer": {"name": deed.name}}
        deed.answers.append(served(lambda: self.customers.ask("POST", "/reserve", wanted, **once)))
        return deed.answers[-1]

    def move(self, by: Customers | Api | None = None, **fields: Any) -> Answer:
        """Ask one API for the move, or for another change of version 1."""
        body, path = fields or {"start": self.new["start"]}, f"/bookings/{self.booking_id}"
        if isinstance(by, Api):
            return by.ask("PATCH", path, self.installation.world.keys["desk"], body, If_Match='"1"')
        return (by or self.customers).ask("PATCH", path, body, If_Match='"1"')

    def move_until_answered(self) -> Answer:
        """Repeat the move, as the API asks clients to, until it has an outcome."""
        return served(self.move)

    def is_kept_from_others(self) -> bool:
        """Whether a hold of the new slot is refused."""
        return served(lambda: self.customers.hold(self.new)).status == 409

    def check(self) -> None:
        """The visit is whole at its old or its new slot, the other slot is free, and no pin is left."""
        self.customers.installation.settle()
        (found,) = self.installation.world.bookings(_id=self.booking_id)
        assert found["active"]
        moved = found["version"] == 2
        here, there = (self.new, self.old) if moved else (self.old, self.new)
        assert found["start"].isoformat() == here["start"].replace("Z", "+00:00")
        assert len(found["history"]) == found["version"] <= 2
        check_rules(self.customers)
        assert self.customers.finds_booked(here)
        check_every_free_slot_can_be_held(self.customers, [there])


@pytest.mark.parametrize("flushed", [False, True], ids=["redis-kept", "redis-flushed"])
@pytest.mark.parametrize("step", STEPS)
def test_a_move_whose_worker_died_is_repeated_without_harm(
    installation: Installation, customers: Customers, doomed: dict[str, Api], step: str, flushed: bool
) -> None:
    visit = Visit(customers)
    assert visit.move(doomed[step]).status == 0
    if flushed:
        installation.world.services.redis.flushall()
    answer = visit.move_until_answered()
    assert (answer.status, answer.body["version"], answer.body["start"]) == (200, 2, visit.new["start"])
    again = visit.move_until_answered()
    assert (again.status, again.body) == (200, answer.body)
    visit.check()


@pytest.mark.parametrize("step", STEPS)
def test_without_a_repeat_the_relay_finishes_the_move(
    installation: Installation, customers: Customers, doomed: dict[str, Api], step: str
) -> None:
    visit = Visit(customers)
    assert visit.move(doomed[step]).status == 0
    assert installation.pins() != []
    assert visit.is_kept_from_others()
    installation.lapse_leases()
    relay = installation.relay()
    assert wait_until(lambda: installation.pins() == [], seconds=SOON), relay.log_tail()
    relay.stop()
    made = step != "after_move_claim"
    assert not made or customers.finds_booked(visit.new)
    assert installation.world.bookings(_id=visit.booking_id)[0]["version"] == (2 if made else 1)
    visit.check()


@pytest.mark.parametrize("how", OUTAGES)
def test_without_redis_a_visit_stays_and_its_details_change(
    installation: Installation, customers: Customers, how: str
) -> None:
    visit, other, reserved = Visit(customers), Visit(customers), Visit(customers, reserved=True)
    with away(installation.redis, how):
        for each in (visit, reserved):
            answer = each.move()
            assert is_unavailable(answer), answer
        for each in (other, reserved):
            answer = served(lambda each=each: each.move(description="Ring twice."))  # type: ignore[misc]
            assert in_time(answer, 200), answer
    assert visit.move_until_answered().status == 200
    assert served(lambda: other.move(description="Ring twice.")).status == 200
    visit.check()


@pytest.mark.parametrize("how", OUTAGES)
def test_without_mongodb_a_move_is_refused_and_made_later(
    installation: Installation, customers: Customers, how: str
) -> None:
    visit, other = Visit(customers), Visit(customers)
    with away(installation.mongo, how):
        answers = at_once(visit.move, lambda: other.move(description="Ring twice."))
        assert all(is_unavailable(answer) for answer in answers), answers
    assert visit.move_until_answered().status == 200
    visit.check()


def move_without_a_reply(visit: Visit, behind: Customers, proxy: Proxy, to: bytes, *, hang_up: bool = False) -> Answer:
    """The answer to a move whose worker never gets the reply of a store to this command."""
    proxy.lose_reply(to, hang_up=hang_up)
    answer = visit.move(behind)
    assert proxy.lost.is_set()
    return answer


def test_a_repeat_finds_a_change_whose_reply_was_lost(
    customers: Customers, behind_mongo: Customers, mongo_proxy: Proxy
) -> None:
    visit = Visit(customers)
    answer = move_without_a_reply(visit, behind_mongo, mongo_proxy, CHANGE)
    assert is_unavailable(answer), answer
    assert visit.is_kept_from_others()
    assert visit.move_until_answered().body["version"] == 2
    visit.check()


def test_the_driver_finds_a_change_whose_connection_ended(
    customers: Customers, behind_mongo: Customers, mongo_proxy: Proxy
) -> None:
    def is_found() -> bool:
        visit = Visit(customers)
        answer = move_without_a_reply(visit, behind_mongo, mongo_proxy, CHANGE, hang_up=True)
        assert in_time(answer, 200) or is_unavailable(answer), answer
        visit.check()
        return answer.status == 200

    assert wait_until(is_found, seconds=SOON)


def test_a_repeat_takes_over_a_claim_whose_reply_was_lost(
    customers: Customers, behind_redis: Customers, redis_proxy: Proxy
) -> None:
    visit = Visit(customers)
    answer = move_without_a_reply(visit, behind_redis, redis_proxy, b"EVALSHA")
    assert is_unavailable(answer), answer
    assert visit.move_until_answered().status == 200
    visit.check()


def test_a_stalled_mirror_write_does_not_take_the_move_back(
    customers: Customers, behind_redis: Customers, redis_proxy: Proxy
) -> None:
    def is_made() -> bool:
        visit = Visit(customers)
        answer = move_without_a_reply(visit, behind_redis, redis_proxy, MIRRORING)
        assert in_time(answer, 200) or is_unavailable(answer), answer
        assert answer.status == 503 or visit.is_kept_from_others()
        visit.check()
        return answer.status == 200

    assert wait_until(is_made, seconds=SOON)


def test_a_request_waits_for_a_failover(installation: Installation, customers: Customers) -> None:
    visit = Visit(customers)
    with installation.mongo.client() as client:
        client.admin.command("replSetStepDown", 1, force=True)
    answer = visit.move()
    assert is_unavailable(answer) or in_time(answer, 200), answer
    assert visit.move_until_answered().body["version"] == 2
    visit.check()
