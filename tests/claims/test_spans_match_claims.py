"""After any run of the scripts the spans show the same as the claim keys, whatever was moved, kept, cut or ran out."""

from __future__ import annotations

import time
from typing import Any

import fakeredis
import pytest
import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from models.slot import Visit
from scripts.dev_server.child import wait_until
from services.claims.keys import digest
from services.claims.scripts import Scripts
from services.ids import HoldIds, booking_id_for, direct_pin
from tests.claim_keys import taken_by_claims, taken_by_spans
from tests.claims.board import ALICE, LIFETIME_MS, SLACK_MS, Board, visit
from tests.claims.test_scripts_match_a_ledger import machine_settings
from tests.world import SECRET

NAMES = st.sampled_from(["h0", "h1", "h2", "h3"])
BOOKINGS = st.sampled_from(["bk_0", "bk_1"])
VISITS = st.builds(
    visit,
    st.integers(0, 5),
    at=st.sampled_from(["prop-1", "prop-2"]),
    by=st.sampled_from(["tech-1", "tech-2"]),
    length=st.integers(1, 4),
    before=st.integers(0, 2),
    after=st.integers(0, 2),
)


class Spans(RuleBasedStateMachine):
    """Every script that writes claims, with a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._travel = time_machine.travel(int(time.time()) + 0.5, tick=False)
        self._clock = self._travel.start()
        super().__init__()
        redis: Any = fakeredis.FakeRedis(decode_responses=True)
        self.board = Board(redis, Scripts(redis))
        self.version = 0

    @rule(name=NAMES, where=VISITS, booking_id=BOOKINGS, state=st.sampled_from(["held", "confirming", "moving"]))
    def place(self, name: str, where: Visit, booking_id: str, state: str) -> None:
        pinned = {"confirming": state == "confirming", "moving": state == "moving"}
        self.board.place(name, where, booking_id=booking_id, **pinned)

    @rule(name=NAMES)
    def begin(self, name: str) -> None:
        self.board.begin(name)

    @rule(name=NAMES, restore=st.booleans())
    def abort(self, name: str, restore: bool) -> None:
        self.board.abort(name, restore=restore)

    @rule(name=NAMES)
    def extend(self, name: str) -> None:
        self.board.extend(name, 2 * LIFETIME_MS, key=ALICE)

    @rule(name=NAMES)
    def release(self, name: str) -> None:
        self.board.release(name)

    @rule(booking_id=BOOKINGS, where=VISITS, active=st.booleans(), name=NAMES, seconds=st.sampled_from([0, 3, 400]))
    def mirror(self, booking_id: str, where: Visit, active: bool, name: str, seconds: int) -> None:
        """A newer version; of a reservation that ends in so many seconds, if not 0."""
        self.version += 1
        ends_ms = self.board.now_ms() + 1000 * seconds if seconds else None
        self.board.mirror(
            booking_id, self.version, where, active=active, hold_id=name, ends_ms=ends_ms, pending=bool(seconds)
        )

    @rule(booking_id=BOOKINGS)
    def keep(self, booking_id: str) -> None:
        self.board.keep(booking_id, deadline_ms=self.board.now_ms() + 1000)

    @rule(booking_id=BOOKINGS)
    def forget(self, booking_id: str) -> None:
        self.board.forget(booking_id)

    @rule(seconds=st.sampled_from([1, 4, 290, 310, 3_100]))
    def wait(self, seconds: int) -> None:
        self._clock.shift(seconds + 0.001)

    @invariant()
    def the_spans_show_what_the_claims_say(self) -> None:
        redis, names = self.board.redis, self.board.names
        assert taken_by_spans(redis, names, self.board.now_ms()) == taken_by_claims(redis, names)

    def teardown(self) -> None:
        self._travel.stop()


def test_after_any_run_of_scripts() -> None:
    run_state_machine_as_test(Spans, settings=machine_settings(60, 40))


def test_spans_that_ran_out_are_dropped_by_later_writers(board: Board) -> None:
    spans = board.names.spans("technician:tech-1")
    for number in range(60):
        board.place(f"h{number}", visit(4 * number), lifetime_ms=1)
    gone = board.now_ms()
    assert wait_until(lambda: board.now_ms() > gone + 2, seconds=30)
    for number in range(60, 160):
        board.place(f"h{number}", visit(4 * number))
    left = [member.split("|")[1] for member in board.redis.zrange(spans, 0, -1)]
    assert {f"h{number}" for number in range(60, 160)} <= set(left)
    assert len(left) < 140


def test_a_set_of_spans_ends_with_its_last_member(board: Board) -> None:
    board.place("h1", visit(0), lifetime_ms=50_000)
    board.place("h2", visit(8), lifetime_ms=20_000)
    assert 50_000 - SLACK_MS < board.redis.pttl(board.names.spans("property:prop-1")) <= 50_000


@pytest.mark.parametrize("resource", ["property:prop-1", "technician:tech-1"])
def test_a_booking_over_a_hold_leaves_of_its_span_what_lies_outside(board: Board, resource: str) -> None:
    board.place("h1", visit(0, length=8))
    board.mirror("bk_1", 1, visit(2, length=3))
    shown = {tuple(member.split("|")[:2]) for member in board.redis.zrange(board.names.spans(resource), 0, -1)}
    assert shown == {("h", "h1"), ("b", "bk_1")}
    assert board.redis.zcard(board.names.spans(resource)) == 3


def test_redis_keeps_spans_in_their_small_form(board: Board) -> None:
    """Above 64 characters a member makes Redis keep the whole set in another form, which takes seven times as much."""
    where, long = visit(at="p" * 64, length=96), visit(200, at="p" * 64, before=8, after=8)
    sets = [board.names.spans(resource) for resource, _, _ in where.spans()]
    name, booking_id = HoldIds(SECRET).make(board.org, ALICE, board.now_ms()), booking_id_for(board.org, "hold")

    def lengths() -> list[int]:
        return [len(member) for shown in sets for member in board.redis.zrange(shown, 0, -1)]

    board.place(name, where)
    assert max(lengths()) <= 64
    board.begin(name)
    assert max(lengths()) <= 64
    board.mirror(booking_id, 1, where, hold_id=name)
    assert max(lengths()) <= 64
    board.place(direct_pin(digest("a key")), long, confirming=True)
    assert max(lengths()) <= 64
