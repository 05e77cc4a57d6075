"""Who takes turns in a bench run: a server, the connections to it, and what each of its turns measured."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.dev_server.child import wait_until
from scripts.load.bench.processes import TICK_MS, cpu_ms
from scripts.load.client.pump import Pump, Volley
from scripts.load.client.target import Unreachable
from scripts.load.report import percentile

BARE, HOLD, REFUSED, ANY = "bare route", "hold", "hold refused", "hold, any technician"
BOOK, DIRECT, AVAILABILITY = "book with hold", "direct book", "availability, a day"
SEARCHES = ("search by name", "search by four digits", "search by id")
EXPECTED = {BARE: 200, HOLD: 201, REFUSED: 409, BOOK: 201, DIRECT: 201, ANY: 201, AVAILABILITY: 200}
EXPECTED |= dict.fromkeys(SEARCHES, 200)

LENGTHS = {BARE: 3.0, ANY: 1 / 3, AVAILABILITY: 1 / 3} | dict.fromkeys(SEARCHES, 1 / 3)
"""How long a volley of the operation is, in volleys: fast ones are longer."""

RELAY, WORKERS = "relay", "workers"
STILL_SECONDS, REST_SECONDS = 0.6, 10.0
"""The relay is at rest when it uses little processor time for the first, which is longer than its pauses: no more than
its rounds without work take. The wait for that ends after the second."""


@dataclass(frozen=True)
class Turn:
    """One volley of one operation. p50, p99: milliseconds as the client saw them. cpu: milliseconds of processor time
    for one request, by process, the load client's own among them as `client`."""

    rate: float
    p50: float
    p99: float
    cpu: dict[str, float]

    @property
    def cost(self) -> float:
        """Processor time of one request in all that serve it: workers, Redis and mongod, as far as there are any."""
        return sum(spent for name, spent in self.cpu.items() if name not in ("client", RELAY))


@dataclass
class Side(ABC):
    """A server and its processes by name: `workers` (the master of gunicorn), perhaps `redis`, `mongod` and `relay`."""

    label: str
    pump: Pump
    pids: dict[str, int]
    turns: dict[str, list[Turn]] = field(default_factory=lambda: defaultdict(list))

    @abstractmethod
    def requests(self, operation: str, count: int) -> list[bytes]:
        """The requests of the operation's next volley. `book with hold` books what the last `hold` held."""

    def keep(self, bodies: Sequence[bytes]) -> None:  # noqa: B027  # most sides keep nothing
        """Takes the replies of a volley of holds."""

    def fire(self, operation: str, count: int) -> Volley:
        """One volley of the operation, whose answers are as they must be. Raises Unreachable."""
        volley = self.pump.fire(self.requests(operation, count), keep_bodies=operation == HOLD)
        expect(operation, volley)
        if operation == HOLD:
            self.keep(volley.bodies)
        return volley

    def take_turn(self, operation: str, volleys: float, *, counts: bool) -> None:
        """Fires and measures a volley, and waits until the relay has carried it on. counts: whether it is kept."""
        before = cpu_ms(self.pids)
        volley = self.fire(operation, max(1, round(volleys * LENGTHS.get(operation, 1))))
        after = cpu_ms(self.pids)
        if RELAY in self.pids and operation in (BOOK, DIRECT):
            rest(self.pids[RELAY])
            after |= cpu_ms({RELAY: self.pids[RELAY]})
        number = len(volley.milliseconds)
        cpu = {name: (after[name] - before[name]) / number for name in before}
        cpu["client"] = volley.busy_seconds * 1000 / number
        p50, p99 = (percentile(volley.milliseconds, share) for share in (0.50, 0.99))
        if counts:
            self.turns[operation].append(Turn(volley.rate, p50, p99, cpu))


def expect(operation: str, volley: Volley) -> None:
    """Raises Unreachable unless every answer of the volley is what the operation must give."""
    if volley.statuses != Counter({EXPECTED[operation]: len(volley.milliseconds)}):
        raise Unreachable(f"{operation} must answer {EXPECTED[operation]}, and answered {dict(volley.statuses)}")


def rest(relay: int, seconds: float = REST_SECONDS) -> None:
    """Returns when the relay is at rest, so that its work falls into no other side's turn."""

    def used() -> float:
        return cpu_ms({RELAY: relay})[RELAY]

    def still() -> bool:
        before = used()
        time.sleep(STILL_SECONDS)
        return used() - before <= 2 * TICK_MS

    wait_until(still, seconds=seconds)
