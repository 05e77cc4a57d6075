"""gunicorn's gevent worker, with connections of our own: deadlines, a bound on strangers, and refusals as problems.

HTTP/2 and the PROXY protocol are not served; a proxy in front speaks HTTP/1.1 to us.
"""

from __future__ import annotations

from functools import cached_property
from heapq import nsmallest
from operator import attrgetter
from typing import Any

from gunicorn.workers.ggevent import GeventWorker
from prometheus_client import Counter

from api.server.connection import Connection
from api.server.limits import Limits
from api.server.live import LiveBody
from api.server.porch import PORCH, Porch
from api.server.strangers import Strangers
from api.server.wire import Wire

CROWDED = 0.9
"""With this share of its connections in use a worker closes one for each new one: which has waited longest for its
client."""
ROOMY = 0.5
"""Up to this share a worker listens to connections above the bound on strangers."""


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no annotations
    """`grant` sets its limits, before it serves."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.grant(Limits())
        self.waiting: set[Wire] = set()
        self.live: set[LiveBody] = set()
        self._open = 0

    def init_process(self) -> None:
        """Begins to serve, in the worker's own process. From now on no setting of gunicorn changes, so each is an
        attribute: gunicorn looks it up by a call of its own otherwise, thirty times a request."""
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        super().init_process()

    def grant(self, limits: Limits) -> None:
        """Applies to all further connections."""
        self.limits = limits
        self.strangers = Strangers(limits.strangers)

    @cached_property
    def refused(self) -> Counter:
        """Connections and requests that never reached the app. Made on first use, which is after the fork."""
        return Counter("holdfast_unserved", "Connections and requests refused before the app.", ["kind"], registry=None)

    @cached_property
    def porch(self) -> Porch | None:
        """Where requests wait until the app lets them in; None for an app that lets in all at once."""
        porch: Porch | None = getattr(self.wsgi, "extensions", {}).get(PORCH)
        return porch

    @cached_property
    def longest_head(self) -> int:
        """Bytes of a request line and all header fields."""
        return int(self.cfg.limit_request_line + self.cfg.limit_request_fields * self.cfg.limit_request_field_size)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serves one accepted connection."""
        self._open += 1
        self._hang_up_oldest(min(1, self._excess))
        try:
            Connection(self, listener.getsockname(), client, addr).serve()
        finally:
            self._open -= 1

    @property
    def has_room(self) -> bool:
        """Whether far fewer connections are open than may be."""
        return bool(self._open <= ROOMY * self.worker_connections)

    def ends_after_this(self) -> bool:
        """Counts a request. Whether its connection should close because the worker stops."""
        self.nr += 1
        if self.nr >= self.max_requests:
            self.alive = False
        return not self.alive

    @property
    def _excess(self) -> int:
        """How many connections are open above the share that makes a crowd."""
        return max(0, self._open - int(CROWDED * self.worker_connections))

    def _hang_up_oldest(self, count: int) -> None:
        for wire in nsmallest(count, self.waiting, key=attrgetter("since")):
            wire.hang_up()

    def notify(self) -> None:
        """Each second: makes room in a full worker, which accepts no client. At the end it lets idle clients go, and
        those of streams."""
        super().notify()
        self._hang_up_oldest(self._excess)
        if not self.alive:
            for wire in [each for each in self.waiting if each.is_idle]:
                wire.hang_up()
            for body in list(self.live):
                body.stop()
