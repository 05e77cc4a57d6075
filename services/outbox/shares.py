"""How much of what leaves may be sent at once: a bounded share for each receiver, each org and each kind of receiver.

A receiver that is slow, or does not answer, holds its threads for seconds. All such receivers together have a share of
their own, and so have those of which nothing is known yet. So one that has answered quickly always finds threads, and
slow ones wait for each other. A receiver that failed rests, and is then asked by one.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal

MOST_PER_QUEUE: Final = 8
MOST_PER_ORG: Final = 16
MOST_UNPROVEN_OF_ORG: Final = 8
"""Of which so many are slow or new."""
MOST_TO_SLOW: Final = 16
MOST_TO_NEW: Final = 16
"""Each of which has one thread until it has answered."""
MOST_TO_WEBHOOKS: Final = 48
SLOW_SECONDS: Final = 2.0
"""An attempt that takes as long shows that its receiver is slow, also before it has ended."""
MOST_REMEMBERED: Final = 10_000
FIRST_REST_SECONDS: Final = 1.0
LONGEST_REST_SECONDS: Final = 60.0

Pace = Literal["new", "quick", "slow"]


@dataclass(slots=True)
class Rest:
    """How often a queue has failed in a row, and until when, in monotonic seconds, it rests."""

    failures: int = 0
    until: float = 0.0


class Shares:
    """Only one thread at a time calls it.

    own: the queues that share nothing with others. uniform: a random number between two others. clock: seconds.
    """

    def __init__(
        self,
        own: Collection[str] = (),
        uniform: Callable[[float, float], float] = random.uniform,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = frozenset(own)
        self._uniform = uniform
        self._clock = clock
        self._began: dict[str, dict[int, float]] = {}
        self._paces: dict[str, Pace] = {}
        self._served: dict[str, int] = {}
        self._rests: dict[str, Rest] = {}
        self._each_slow = MOST_PER_QUEUE
        self._begun = 0
        self.ended = 0

    @property
    def busy(self) -> int:
        """How much is being sent."""
        return sum(map(len, self._began.values()))

    def in_turn(self, queues: Iterable[str]) -> list[str]:
        """The queues that have something to send; those that were served last come last. Forgets what is known of
        others, but for their pace."""
        found = sorted(queues, key=lambda queue: self._served.get(queue, 0))
        for known in (self._rests, self._served):
            for queue in known.keys() - found - self._began.keys():
                del known[queue]
        slow = sum(self._pace(queue) == "slow" for queue in found if queue not in self._own)
        self._each_slow = min(MOST_PER_QUEUE, max(1, MOST_TO_SLOW // max(1, slow)))
        return found

    def room(self, queue: str) -> int:
        """How many more of a queue may be sent now. None until half of its share is free: each lease costs the same,
        whether for one entry or for several."""
        rest, busy = self._rests.get(queue), len(self._began.get(queue, ()))
        own = queue in self._own
        if (rest and self._clock() < rest.until) or (not own and self._stalls(queue)):
            return 0
        pace: Pace = "quick" if own else self._pace(queue)
        most = 1 if rest else {"new": 1, "quick": MOST_PER_QUEUE, "slow": self._each_slow}[pace]
        free = most - busy if own else min(most - busy, self._left_for(queue, pace))
        return free if 2 * free >= most or free >= 1 > busy else 0

    def begin(self, queue: str) -> int:
        """Notes that something is being sent, and gives the number of the attempt."""
        self._begun += 1
        self._served[queue] = self._begun
        self._began.setdefault(queue, {})[self._begun] = self._clock()
        return self._begun

    def end(self, queue: str, attempt: int, *, took: bool) -> None:
        """Notes that an attempt has ended. took: whether the receiver took it."""
        now = self._clock()
        took_seconds = now - self._began[queue].pop(attempt)
        if not self._began[queue]:
            del self._began[queue]
        self.ended += 1
        self._paces.pop(queue, None)
        self._paces[queue] = "slow" if took_seconds >= SLOW_SECONDS else "quick"
        if len(self._paces) > MOST_REMEMBERED:
            del self._paces[next(iter(self._paces))]
        self._rest(queue, now, took=took)

    def _left_for(self, queue: str, pace: Pace) -> int:
        """How many more may be sent to an org, to receivers of a pace, and to webhooks in all."""
        paces: Counter[Pace] = Counter()
        of_org: Counter[Pace] = Counter()
        for each, attempts in self._began.items():
            if each not in self._own:
                paces[self._pace(each)] += len(attempts)
                of_org[self._pace(each)] += len(attempts) if org_of(each) == org_of(queue) else 0
        left = [MOST_PER_ORG - of_org.total(), MOST_TO_WEBHOOKS - paces.total()]
        if pace != "quick":
            left.append((MOST_TO_SLOW if pace == "slow" else MOST_TO_NEW) - paces[pace])
            left.append(MOST_TO_SLOW + MOST_TO_NEW - paces["slow"] - paces["new"])
            left.append(MOST_UNPROVEN_OF_ORG - of_org["slow"] - of_org["new"])
        return max(0, min(left))

    def _pace(self, queue: str) -> Pace:
        return "slow" if self._stalls(queue) else self._paces.get(queue, "new")

    def _stalls(self, queue: str) -> bool:
        """Whether an attempt that has not ended shows that the receiver is slow. It gets no more until that ends."""
        began = self._began.get(queue, {})
        return self._clock() - min(began.values(), default=self._clock()) >= SLOW_SECONDS

    def _rest(self, queue: str, now: float, *, took: bool) -> None:
        """Lets a queue rest after a failure. Failures of attempts that began before the rest count once."""
        if took:
            self._rests.pop(queue, None)
            return
        rest = self._rests.setdefault(queue, Rest())
        if now >= rest.until:
            bound = min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2 ** min(rest.failures, 20))
            rest.failures += 1
            rest.until = now + self._uniform(0, bound)


def queue_of(org: str, receiver: str) -> str:
    """The queue of a webhook, which says whose it is. Ids hold no slash."""
    return f"{org}/{receiver}"


def org_of(queue: str) -> str:
    return queue.partition("/")[0]
