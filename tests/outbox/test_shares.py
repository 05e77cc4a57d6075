"""Each receiver, each org and each kind of receiver has a bounded share of what is sent at once. No store here."""

from __future__ import annotations

from services.outbox.shares import (
    MOST_PER_ORG,
    MOST_PER_QUEUE,
    MOST_TO_NEW,
    MOST_TO_SLOW,
    MOST_TO_WEBHOOKS,
    MOST_UNPROVEN_OF_ORG,
    SLOW_SECONDS,
    Shares,
)


class Desk:
    """Shares whose time is said by a test."""

    def __init__(self) -> None:
        self.now = 100.0
        self.shares = Shares(["sms"], lambda _low, high: high, lambda: self.now)
        self.begun: list[tuple[str, int]] = []

    def fill(self, *queues: str) -> int:
        """Begins all that these queues may send, in their turn, and gives how much that is."""
        before = self.shares.busy
        for queue in self.shares.in_turn(queues):
            for _ in range(self.shares.room(queue)):
                self.begun.append((queue, self.shares.begin(queue)))
        return self.shares.busy - before

    def end(self, *, after: float = 0.0, took: bool = True) -> None:
        """Ends all that was begun."""
        self.now += after
        for queue, attempt in self.begun:
            self.shares.end(queue, attempt, took=took)
        self.begun.clear()

    def learn(self, *queues: str, after: float = 0.0) -> None:
        """Lets each of these answer once."""
        for queue in queues:
            self.begun.append((queue, self.shares.begin(queue)))
        self.end(after=after)


def named(kind: str, count: int, org: str = "") -> list[str]:
    return [f"{org or f'{kind}-{number}'}/{kind}_{number}" for number in range(count)]


def test_a_receiver_gets_one_until_it_has_answered_and_then_its_share() -> None:
    desk = Desk()
    assert desk.fill("a/1") == 1
    desk.end()
    assert desk.fill("a/1") == MOST_PER_QUEUE
    assert desk.fill("a/1") == 0


def test_slow_receivers_share_what_is_theirs_and_a_quick_one_finds_its_share() -> None:
    desk = Desk()
    slow = named("slow", 100)
    desk.learn(*slow, after=SLOW_SECONDS)
    desk.learn("quick/1")
    assert desk.fill(*slow) == MOST_TO_SLOW
    assert desk.fill(*slow) == 0
    assert desk.fill("quick/1") == MOST_PER_QUEUE
    assert desk.fill("new/1") == 1


def test_receivers_that_stall_the_first_time_leave_room_for_those_that_answered() -> None:
    desk = Desk()
    desk.learn("quick/1", "quick/2")
    new = named("new", 100)
    assert desk.fill(*new) == MOST_TO_NEW
    desk.now += SLOW_SECONDS  # they count as slow by now, before they have ended
    assert desk.fill(*new) == MOST_TO_NEW
    desk.now += SLOW_SECONDS
    assert desk.fill(*new) == 0
    assert desk.fill("quick/1", "quick/2") == MOST_TO_WEBHOOKS - MOST_TO_SLOW - MOST_TO_NEW


def test_a_receiver_that_was_quick_and_stalls_gets_no_more_and_is_slow_afterwards() -> None:
    desk = Desk()
    desk.learn("a/1")
    others = named("slow", 2)
    desk.learn(*others, after=SLOW_SECONDS)
    assert desk.fill("a/1") == MOST_PER_QUEUE
    desk.now += SLOW_SECONDS
    assert desk.fill(*others) == MOST_TO_SLOW - MOST_PER_QUEUE
    desk.end(took=False)
    desk.now += 60
    assert desk.fill("a/1") == 1


def test_a_receiver_gets_no_more_while_it_stalls() -> None:
    desk = Desk()
    desk.learn("a/1")
    desk.begun.append(("a/1", desk.shares.begin("a/1")))
    assert desk.shares.room("a/1") == MOST_PER_QUEUE - 1
    desk.now += SLOW_SECONDS
    assert desk.shares.room("a/1") == 0
    desk.end()
    assert desk.shares.room("a/1") == MOST_PER_QUEUE  # of what is slow it is the only one


def test_an_org_with_many_receivers_has_its_share() -> None:
    desk = Desk()
    many = named("quick", 10, org="large")
    desk.learn(*many, "small/1")
    assert desk.fill(*many) == MOST_PER_ORG
    assert desk.fill("small/1") == MOST_PER_QUEUE


def test_slow_receivers_of_an_org_leave_room_for_its_quick_ones() -> None:
    desk = Desk()
    slow = named("slow", 20, org="a")
    desk.learn(*slow, after=SLOW_SECONDS)
    desk.learn("a/1")
    assert desk.fill(*slow, *named("new", 20, org="a")) == MOST_UNPROVEN_OF_ORG
    assert desk.fill("a/1") == MOST_PER_QUEUE


def test_texts_wait_for_no_webhook() -> None:
    desk = Desk()
    many = named("quick", 20)
    desk.learn(*many)
    assert desk.fill(*many) == MOST_TO_WEBHOOKS
    assert desk.fill("sms") == MOST_PER_QUEUE


def test_slow_receivers_take_turns() -> None:
    desk = Desk()
    slow = named("slow", 40)
    desk.learn(*slow, after=SLOW_SECONDS)
    served: set[str] = set()
    for _ in range(3):
        desk.fill(*slow)
        served |= {queue for queue, _ in desk.begun}
        desk.end(after=SLOW_SECONDS)
    assert served == set(slow)


def test_what_is_known_of_receivers_is_bounded() -> None:
    desk = Desk()
    desk.learn(*named("quick", 10_050))
    desk.shares.in_turn([])
    assert len(desk.shares._paces) == 10_000
    assert not desk.shares._served
