"""What operators see of a running process: structured log lines on stderr, and Prometheus metrics.

Neither may contain personal data, keys, tokens, bodies or query strings. The values of labels come from fixed sets,
never from clients.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from pydantic_core import to_json

STDERR = 2

current_request: ContextVar[str] = ContextVar("current_request", default="")
"""The id of the request in progress on this thread or greenlet; empty in background work."""

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)

EventDict = MutableMapping[str, Any]

_SECRET = re.compile(r"\?.*|hf[a-z]?_[\w.~-]+", re.DOTALL)
"""What the log lines of other libraries must not show: query strings, and what looks like a key or token of ours."""


class LineWriter:
    """Writes each log line with one write to a file descriptor.

    A single unbuffered write needs no lock and keeps lines whole. It drops a line that it cannot write, because a
    reader of the log that went away must not fail a request.
    """

    def __init__(self, descriptor: int = STDERR) -> None:
        self.descriptor = descriptor

    def msg(self, line: bytes) -> None:
        try:
            os.write(self.descriptor, line)
        except OSError:
            return

    log = debug = info = warning = error = critical = exception = msg


def _complete(_logger: Any, level: str, event: EventDict) -> EventDict:
    event["level"] = level
    event["at"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    request = current_request.get()
    if request and "request_id" not in event:
        event["request_id"] = request
    error = event.pop("exc_info", None)
    if error is True:  # `log.exception` passes True, which means the exception in progress
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["stack"] = frames(error)
    return event


def _without_secrets(_logger: Any, _level: str, event: EventDict) -> EventDict:
    """gunicorn quotes the first line of a request that it cannot read or answer, query string and all."""
    event["event"] = _SECRET.sub("…", str(event["event"]))
    return event


def _as_line(_logger: Any, _level: str, event: EventDict) -> bytes:
    return to_json(event, fallback=repr) + b"\n"


def _as_text(logger: Any, level: str, event: EventDict) -> str:
    return _as_line(logger, level, event).decode().rstrip()


PROCESSORS: list[Any] = [_complete, _as_line]
"""One list for every call of `configure_logging`: a logger keeps the list that it was first used with. Only structlog's
`capture_logs` changes it, in tests, to reach all loggers."""


class _ForeignHandler(logging.StreamHandler[Any]):
    """Writes the log lines of other libraries. It has its own type so that `configure_logging` adds it only once."""


def configure_logging(level: str = "INFO") -> None:
    """Writes our log lines and those of other libraries to stderr as JSON. level: a name such as INFO. Idempotent.

    pymongo never logs below INFO: at DEBUG it writes whole commands, and the customers in them.
    """
    structlog.configure(
        processors=PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(level.upper()),
        logger_factory=lambda *_: LineWriter(),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.setLevel(level.upper())
    logging.getLogger("pymongo").setLevel(max(root.level, logging.INFO))
    if not any(isinstance(handler, _ForeignHandler) for handler in root.handlers):
        root.addHandler(foreign_handler())


def foreign_handler() -> logging.Handler:
    """A handler for the standard library's logging, which gunicorn and pymongo use. It writes lines as ours are."""
    handler = _ForeignHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _complete, _without_secrets],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_text],
        )
    )
    return handler


def frames(error: BaseException) -> list[str]:
    """Where an error came from, as `file:line function`, outermost first.

    It leaves out the message and all values, because they may hold a customer's data.
    """
    found, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{os.path.basename(code.co_filename)}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found


class Metrics:
    """All metrics of one process. With PROMETHEUS_MULTIPROC_DIR set, `api.server.metrics_port` adds up all workers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.request_seconds = Histogram(
            "holdfast_request_seconds",
            "Time from the arrival of a request to the start of its reply.",
            ["url_rule", "method", "status_class"],
            buckets=SECONDS_BUCKETS,
            registry=self.registry,
        )
        self.refusals = self._counter("holdfast_refusals", "Refused requests by problem code.", "code")
        self.limiter_failures = self._counter(
            "holdfast_rate_limiter_failures",
            "Exchanges of counts that failed, and bookings that one process counted alone.",
        )
        self.limiter_crowds = self._counter(
            "holdfast_rate_limiter_crowded", "Requests whose address shared a count, because too many had one."
        )
        self.batches = Histogram(
            "holdfast_insert_batch_size",
            "Bookings that one command inserted, or tried to.",
            buckets=BATCH_BUCKETS,
            registry=self.registry,
        )
        self.live_streams = Gauge(
            "holdfast_live_streams",
            "Open streams of live events.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.live_resets = self._counter(
            "holdfast_live_resets", "Streams whose clients had to load everything anew, by reason.", "reason"
        )
        self.live_delay = Histogram(
            "holdfast_live_delay_seconds",
            "Time from a change in Redis until it was sent to the streams of this process.",
            buckets=SECONDS_BUCKETS,
            registry=self.registry,
        )
        self.relay = self._counter("holdfast_relay", "Work that the relay did.", "action")
        self._add_outgoing()

    def _add_outgoing(self) -> None:
        """What leaves because something changed."""
        self.relay_lag = self._gauge(
            "holdfast_relay_lag_seconds", "Age of the oldest change that a follower has not worked on.", "follower"
        )
        self.outbox_entries = self._gauge("holdfast_outbox_entries", "Entries of the outbox.", "state")
        self.outbox_attempts = self._counter(
            "holdfast_outbox_attempts", "Attempts to send an entry of the outbox.", "channel", "outcome"
        )
        self.webhooks_disabled = self._counter(
            "holdfast_webhooks_disabled", "Webhooks that were switched off, because nothing arrived there."
        )
        self.sms_segments = self._counter("holdfast_sms_segments", "Segments of the texts that the provider took.")
        self.sms_reports = self._counter(
            "holdfast_sms_reports", "Texts by what the provider reported in the end.", "report"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry, multiprocess_mode="mostrecent")
