"""Any sequence of calls of the scripts does what the same sequence does in a ledger of plain dicts.

On fakeredis the clock is moved, so that holds, pins and records run out; on a real Redis it is not.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import fakeredis
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from models.slot import Visit
from services.claims.hold_records import visit_of
from services.claims.scripts import Scripts
from tests.claim_keys import taken_by_claims, taken_by_spans
from tests.claims.board import ALICE, BOB, LIFETIME_MS, Board, granted, visit
from tests.claims.ledger import LONGEST_MS, Ledger
from tests.servers import MongoServer, RedisServer

DAY = 86_400
"""After it some visits are over and others are not."""

HOLDS = st.sampled_from([f"h{number}" for number in range(8)])
BOOKINGS = st.sampled_from(["bk_0", "bk_1", "bk_2"])
KEYS = st.sampled_from([ALICE, ALICE, BOB])
PLACES = {"prop-1": (), "prop-2": (), "house": ("prop-1", "prop-2")}
"""Properties with their units: the house is a building."""
CREWS = st.permutations(["tech-1", "tech-2", "tech-3"])


def visit_at(start: int, place: str, crew: list[str], size: int, length: int, before: int, after: int) -> Visit:
    """A visit of the first `size` of a crew."""
    first, *others = crew[:size]
    around = {"before": before, "after": after}
    return visit(start, at=place, by=first, length=length, crew=tuple(others), units=PLACES[place], **around)


VISITS = st.builds(
    visit_at,
    st.integers(0, 6),
    st.sampled_from([*PLACES]),
    CREWS,
    st.sampled_from([1, 1, 2, 3]),
    st.integers(1, 3),
    st.integers(0, 1),
    st.integers(0, 1),
)


def others_of(first: Visit, more: list[tuple[int, list[str]]]) -> list[Visit]:
    """A list of candidates: the first, and the same visit at other starts and by as many other technicians."""
    size = len(first.technician_ids)
    return [
        first,
        *(
            replace(
                first,
                start=first.start + later,
                end=first.end + later,
                technician_id=who[0],
                crew=tuple(who[1:size]),
            )
            for later, who in more
        ),
    ]


CANDIDATES = st.builds(others_of, VISITS, st.lists(st.tuples(st.integers(0, 4), CREWS), max_size=3))


class ScriptsAndLedger(RuleBasedStateMachine):
    """Each rule calls a script and its twin in the ledger; after each, both show the same."""

    moves_time = False

    def __init__(self, redis: Any) -> None:
        super().__init__()
        self.board = Board(redis, Scripts(redis))
        self.ledger = Ledger(self.board.names, self.board.now_ms())

    @rule(hold_id=HOLDS, key=KEYS, visits=CANDIDATES)
    def place(self, hold_id: str, key: str, visits: list[Visit]) -> None:
        reply = self.board.place(hold_id, *visits, owner=key)
        expected, number = self.ledger.place(hold_id, key, visits)
        assert reply[0] == expected
        if expected == "HELD":
            assert self.held(hold_id, reply) == visits[number - 1]

    def held(self, hold_id: str, reply: list[Any]) -> Visit:
        """The visit that a hold was granted."""
        granted(reply)
        return visit_of(self.board.redis.hget(self.board.names.hold(hold_id), "spans"))

    @rule(hold_id=HOLDS, old=HOLDS, key=KEYS, visits=CANDIDATES)
    def replace(self, hold_id: str, old: str, key: str, visits: list[Visit]) -> None:
        reply = self.board.place(hold_id, *visits, owner=key, replaces=old)
        expected, number = self.ledger.replace(hold_id, old, key, visits)
        assert reply[0] == expected
        if expected == "HELD":
            assert self.held(hold_id, reply) == visits[number - 1]

    @rule(hold_id=HOLDS, key=KEYS)
    def begin(self, hold_id: str, key: str) -> None:
        assert self.board.begin(hold_id, key=key)[0] == self.ledger.begin(hold_id, key)

    @rule(hold_id=HOLDS, restore=st.booleans(), late=st.booleans())
    def abort(self, hold_id: str, restore: bool, late: bool) -> None:
        deadline = int(self.board.redis.zscore(self.board.names.pins, hold_id) or 0) - late
        expected = self.ledger.abort(hold_id, self.ledger.pins.get(hold_id, 0) - late, restore)
        assert self.board.abort(hold_id, restore=restore, deadline_ms=deadline) == [expected]

    @rule(hold_id=HOLDS, key=KEYS, lifetime=st.sampled_from([LIFETIME_MS // 3, 2 * LIFETIME_MS, 7 * LIFETIME_MS]))
    def extend(self, hold_id: str, key: str, lifetime: int) -> None:
        word = self.board.extend(hold_id, lifetime, key=key, longest_ms=LONGEST_MS)[0]
        assert word == self.ledger.extend(hold_id, key, lifetime)

    @rule(hold_id=HOLDS, key=KEYS, staff=st.booleans())
    def release(self, hold_id: str, key: str, staff: bool) -> None:
        assert self.board.release(hold_id, key=key, staff=staff) == [self.ledger.release(hold_id, key, staff)]

    @rule(booking_id=BOOKINGS, version=st.integers(1, 6), where=VISITS, active=st.booleans(), hold_id=HOLDS)
    def mirror(self, booking_id: str, version: int, where: Visit, active: bool, hold_id: str) -> None:
        word = self.board.mirror(booking_id, version, where, active=active, hold_id=hold_id)[0]
        assert word == self.ledger.mirror(booking_id, version, where, active, hold_id)

    @rule(booking_id=BOOKINGS, later=st.integers(1, 2), where=VISITS)
    def move(self, booking_id: str, later: int, where: Visit) -> None:
        known = self.ledger.mirrored.get(booking_id)
        version = (known.version if known else 0) + later
        word = self.board.mirror(booking_id, version, where, kind="move")[0]
        assert word == self.ledger.mirror(booking_id, version, where, True, "")

    @precondition(lambda self: self.moves_time)
    @rule(seconds=st.sampled_from([1, 20, 290, 310, 3_100, 7_300, DAY]))
    def wait(self, seconds: int) -> None:
        self.pass_time(seconds)
        self.ledger.pass_time(self.board.now_ms())

    @invariant()
    def both_show_the_same_claims(self) -> None:
        shown = {key: " ".join(mark.split("|")[:2]) for key, mark in self.board.all_claims().items()}
        assert shown == self.ledger.shown()

    @invariant()
    def the_spans_show_what_the_claims_say(self) -> None:
        redis, names = self.board.redis, self.board.names
        assert taken_by_spans(redis, names, self.board.now_ms()) == taken_by_claims(redis, names)

    @invariant()
    def both_agree_on_every_hold(self) -> None:
        stored = {
            hold_id: self.board.record(hold_id).get("status") for hold_id in (f"h{number}" for number in range(8))
        }
        assert stored == {
            name: self.ledger.holds[name].status if name in self.ledger.holds else None for name in stored
        }

    @invariant()
    def both_wait_for_the_same_outcomes(self) -> None:
        pins = self.board.redis.zrange(self.board.names.pins, 0, -1, withscores=True)
        assert {hold_id for hold_id, _ in pins} == set(self.ledger.pins)
        assert set(self.board.overdue()[1::2]) == set(self.ledger.overdue())

    def pass_time(self, seconds: int) -> None:
        """Moves the clock, if the machine has one."""


class OnFakeRedis(ScriptsAndLedger):
    """With a clock that stands still until it is moved."""

    moves_time = True

    def __init__(self) -> None:
        # Half a second off every lifetime, so that nothing ends exactly when a rule looks.
        self._travel = time_machine.travel(int(time.time()) + 0.5, tick=False)
        self._clock = self._travel.start()
        super().__init__(fakeredis.FakeRedis(decode_responses=True))

    def pass_time(self, seconds: int) -> None:
        self._clock.shift(seconds + 0.001)

    def teardown(self) -> None:
        self._travel.stop()


def machine_settings(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def test_on_fakeredis_with_time_passing() -> None:
    run_state_machine_as_test(OnFakeRedis, settings=machine_settings(30, 60))


def test_on_a_real_redis(stores: tuple[RedisServer, MongoServer]) -> None:
    client = stores[0].client()

    class OnRealRedis(ScriptsAndLedger):
        def __init__(self) -> None:
            super().__init__(client)

    run_state_machine_as_test(OnRealRedis, settings=machine_settings(10, 40))
    client.close()
