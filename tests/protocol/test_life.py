"""Whatever clients ask and whatever breaks, the product does the same as a ledger of plain dicts.

Each example runs on real servers in an org of its own. A worker dies by an exception at a crash point. A deadline
passes because a rule changes the document, with or without the marks that Redis would end. Rules move the app's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from services.stores.connections import connect_mongo, connect_redis
from tests.claim_keys import end_claims
from tests.protocol.life_asking import Crash
from tests.protocol.life_checks import PLACES, TEAMS, Checked
from tests.protocol.life_faults import (
    a_building_takes_no_units,
    bookings_claim_the_first_of_a_crew,
    history_keeps_only_new_values,
    moves_take_held_slots,
    no_check_whether_a_reservation_is_over,
)
from tests.protocol.life_ledger import Document
from tests.redis_dump import dump
from tests.servers import MongoServer, RedisServer
from tests.world import PATIENT, services_over

NEVER_OLD_MS = 10**9
"""The attempt of a dead worker is young until a rule makes it old, also on a slow machine."""
CALLERS = st.sampled_from(["desk", "desk", "bot"])
STARTS, LENGTHS, BUFFERS = st.integers(0, 4), st.sampled_from([1, 2, 3, 1, 2, 3, 1, 2, 4]), st.sampled_from([0, 0, 1])
PROPERTIES, CREWS = st.sampled_from(PLACES), st.sampled_from(TEAMS)
VISITS = st.tuples(PROPERTIES, CREWS, STARTS, LENGTHS, BUFFERS, BUFFERS)
MOVES = st.fixed_dictionaries(
    {},
    optional={
        "start": STARTS,
        "length": LENGTHS,
        "property_id": PROPERTIES,
        "team": CREWS,
        "before": BUFFERS,
        "after": BUFFERS,
    },
)
EDITS = st.fixed_dictionaries(
    {}, optional={"description": st.sampled_from(["", "ring twice"]), "priority": st.sampled_from(["medium", "high"])}
)
PATCHES = st.builds(lambda moves, edits: moves | edits, MOVES, EDITS).filter(bool) | MOVES.filter(bool)
EXPECTED = st.sampled_from(["current", "current", "stale", "*"])
WHICH, DIES = st.integers(0, 30), st.integers(0, 11)


class Life(Checked):
    """Each rule sends a request to the services and to the twin; then both stores must show what the ledger has."""

    @initialize()
    def an_org_of_its_own(self) -> None:
        self.begin()

    # Requests

    @rule(by=CALLERS, visit=VISITS, dies=DIES)
    def hold(self, by: str, visit: tuple[Any, ...], dies: int) -> None:
        self.request("hold", (by, self.key(), visit), dies)

    @rule(by=CALLERS, visit=VISITS, hours=st.sampled_from([None, 1, 2, 72]), dies=DIES)
    def book(self, by: str, visit: tuple[Any, ...], hours: int | None, dies: int) -> None:
        self.request("book", (by, self.key(), visit, hours), dies)

    @precondition(lambda self: self.holds)
    @rule(by=CALLERS, which=WHICH, dies=DIES, stranger=st.integers(0, 4))
    def book_hold(self, by: str, which: int, dies: int, stranger: int) -> None:
        hold_id, owner = self.holds[which % len(self.holds)]
        self.request("book_hold", (owner if stranger else by, self.key(), hold_id, owner), dies)

    @precondition(lambda self: self.holds)
    @rule(by=CALLERS, which=WHICH, what=st.sampled_from(["extend", "release"]))
    def extend_or_release(self, by: str, which: int, what: str) -> None:
        self.request(what, (by, *self.holds[which % len(self.holds)]))

    @precondition(lambda self: self.stores.documents)
    @rule(
        by=CALLERS,
        which=WHICH,
        action=st.sampled_from(["confirm", "confirm", "cancel", "complete", "no_show", "restore"]),
        expected=EXPECTED,
        dies=DIES,
    )
    def act(self, by: str, which: int, action: str, expected: str, dies: int) -> None:
        booking_id = self.booking(which)
        self.request("act", (by, booking_id, action, self.version(booking_id, expected)), dies)

    @precondition(lambda self: any(each.active for each in self.stores.documents.values()))
    @rule(by=CALLERS, which=WHICH, patch=PATCHES, expected=EXPECTED, dies=DIES)
    def reschedule(self, by: str, which: int, patch: dict[str, Any], expected: str, dies: int) -> None:
        booking_id = self.booking(which)
        self.request("reschedule", (by, booking_id, patch, self.version(booking_id, expected)), dies)

    @precondition(lambda self: self.requests)
    @rule(back=st.integers(0, 5))
    def the_same_again(self, back: int) -> None:
        self.request(*self.requests[-1 - back % len(self.requests)])

    # Events that no request causes

    @rule(
        what=st.sampled_from(
            [
                *("_relay_carries_over", "_relay_tends", "_dead_are_old", "_windows_are_over"),
                *("_deadline_passes", "_deadline_passes_and_marks_end", "_hold_expires"),
                *("_time_passes", "_redis_is_lost"),
            ]
        ),
        which=WHICH,
    )
    def happens(self, what: str, which: int) -> None:
        self.set_the_time()
        getattr(self, what)(which)

    def _time_passes(self, which: int) -> None:
        if which % 3 == 0:
            self.hours_ahead[0] = min(self.hours_ahead[0] + 1 + which % 2, 6)

    def _redis_is_lost(self, which: int) -> None:
        if which % 3 == 0 and self.stores.warm:
            self.redis.delete(*dump(self.redis, self.world.org))
            self.stores.lose_redis()

    def _deadline_passes(self, which: int) -> Document | None:
        """The deadline passes on every clock. Its marks may stay, as where Redis keeps them during a change."""
        pending = [each for each in self.stores.documents.values() if each.status == "pending"]
        if not pending:
            return None
        document = pending[which % len(pending)]
        document.lapsed = True
        change = {"$set": {"reserved_until": datetime.now(UTC) - timedelta(hours=1)}}
        self.services.db["bookings"].update_one({"_id": document.booking_id}, change)
        self.stores.unread.append(document.booking_id)
        return document

    def _deadline_passes_and_marks_end(self, which: int) -> None:
        document = self._deadline_passes(which)
        marks = self.stores.marks
        for claim in [claim for claim, mark in marks.items() if document and mark.owner == document.booking_id]:
            if document and marks[claim].pending:
                del marks[claim]
                end_claims(self.redis, self.world.names, document.booking_id)

    def _hold_expires(self, which: int) -> None:
        held = [each for each in self.stores.records.values() if each.status == "held" and not each.lapsed]
        if held:
            record = held[which % len(held)]
            name = self.world.names.hold(record.name)
            end_claims(self.redis, self.world.names, record.name)
            self.redis.hset(name, "expires_ms", 1)
            self.stores.drop(record.name)
            record.lapsed = True

    def _dead_are_old(self, _which: int) -> None:
        """The attempts of dead workers get older than any request takes, so that a repeat takes them over."""
        redis, names = self.redis, self.world.names
        for record in self.stores.pins():
            record.old = True
            redis.hset(names.hold(self.pinned(record)), "begun_ms", 0)

    def _windows_are_over(self, _which: int) -> None:
        """Their deadlines are over too, so that the relay resolves them."""
        redis, names = self.redis, self.world.names
        for record in self.stores.pins():
            record.due, name = True, self.pinned(record)
            redis.zadd(names.pins, {name: 1})
            redis.hset(names.hold(name), "deadline_ms", 1)

    def _relay_carries_over(self, _which: int) -> None:
        self.relay_catches_up()
        self.twin.carry_over()

    def _relay_tends(self, _which: int) -> None:
        self.services.relay.tend()
        self.twin.tend()

    @invariant()
    def the_stores_show_what_the_ledger_has(self) -> None:
        self.check()

    def teardown(self) -> None:
        if hasattr(self, "rivals"):
            assert self.marks_of_the_rival() == self.rivals[0]


@pytest.fixture(scope="module")
def hours_ahead() -> list[int]:
    """How many hours the clock of the app is ahead of the real one."""
    return [0]


@pytest.fixture
def machine(
    stores: tuple[RedisServer, MongoServer], hours_ahead: list[int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[Life]]:
    """The state machine over a database of its own, because a relay tends every org in a database."""
    crash = Crash()
    monkeypatch.setattr("services.wiring.parts.crash_at", lambda _wanted: crash)
    monkeypatch.setattr("services.bookings.beginning.REQUEST_MS", NEVER_OLD_MS)
    monkeypatch.setattr("services.bookings.rescheduling.REQUEST_MS", NEVER_OLD_MS)
    client, db = connect_redis(stores[0].url, PATIENT), connect_mongo(stores[1].url, "life_tests", PATIENT)
    made = services_over(client, db, clock=lambda: datetime.now(UTC) + timedelta(hours=hours_ahead[0]))
    made.relay.carry_over_changes()  # from now on its resume token is saved

    class OnRealServers(Life):
        services = made

    OnRealServers.crash, OnRealServers.hours_ahead = crash, hours_ahead
    yield OnRealServers
    made.access.close()
    db.client.drop_database(db.name)
    db.client.close()
    client.close()


EXAMPLES = settings(
    max_examples=20,
    stateful_step_count=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_whatever_happens_the_stores_are_what_the_ledger_says(machine: type[Life]) -> None:
    run_state_machine_as_test(machine, settings=EXAMPLES)


def move_to_a_held_slot(life: Life) -> None:
    life.reschedule(by="desk", which=0, patch={"property_id": "prop-2", "start": 2}, expected="*", dies=11)


def hold_the_slot_of_a_reservation_that_ran_out(life: Life) -> None:
    life.happens(what="_deadline_passes", which=0)
    life.hold(by="desk", visit=("prop-1", ("tech-1",), 2, 1, 0, 0), dies=11)


def edit_a_booking(life: Life) -> None:
    life.reschedule(by="desk", which=0, patch={"description": "ring twice"}, expected="*", dies=11)


def hold_a_building(life: Life) -> None:
    life.hold(by="desk", visit=("prop-3", ("tech-2",), 4, 1, 0, 0), dies=11)


def book_a_crew(life: Life) -> None:
    life.book(by="desk", visit=("prop-2", ("tech-1", "tech-2"), 4, 1, 0, 0), hours=None, dies=11)


def play(machine: type[Life], steps: Callable[[Life], None]) -> None:
    """Some steps by hand, in an org of their own."""
    life = machine()
    life.begin()
    life.check()
    steps(life)
    life.check()


@pytest.mark.parametrize(
    ("leave_out", "steps"),
    [
        (moves_take_held_slots, move_to_a_held_slot),
        (no_check_whether_a_reservation_is_over, hold_the_slot_of_a_reservation_that_ran_out),
        (history_keeps_only_new_values, edit_a_booking),
        (a_building_takes_no_units, hold_a_building),
        (bookings_claim_the_first_of_a_crew, book_a_crew),
    ],
)
def test_without_one_rule_the_machine_finds_a_fault(
    machine: type[Life],
    leave_out: Callable[[pytest.MonkeyPatch], None],
    steps: Callable[[Life], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play(machine, steps)
    leave_out(monkeypatch)
    with pytest.raises(AssertionError):
        play(machine, steps)
