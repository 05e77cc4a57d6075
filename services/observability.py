"""What operators see of a running process: structured log lines on stderr and prometheus metrics.

Must never carry personal data, keys, tokens, bodies or query strings. Label values come from fixed sets, never from
clients.
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
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from pydantic_core import to_json

STDERR = 2

current_request: ContextVar[str] = ContextVar("current_request", default="")
"""The id of the request that is being worked on; empty in background work. It does not cross threads."""

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

EventDict = MutableMapping[str, Any]

_SECRET = re.compile(r"\?.*|hf[a-z]?_[\w.~-]+", re.DOTALL)
"""What lines of other libraries must not hold either: query strings, and whatever looks like a key or token of ours."""


class LineWriter:
    """The end of the log chain: one line, one write to a file descriptor.

    A single unbuffered write needs no lock and keeps lines whole. A reader that went away must not fail a request,
    so a line that cannot be written is dropped.
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
    if error is True:  # as `exception` passes it: whatever is being handled
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["stack"] = frames(error)
    return event


def _without_secrets(_logger: Any, _level: str, event: EventDict) -> EventDict:
    """gunicorn quotes the whole request line where it cannot read a request, or could not answer one."""
    event["event"] = _SECRET.sub("…", str(event["event"]))
    return event


def _as_line(_logger: Any, _level: str, event: EventDict) -> bytes:
    return to_json(event, fallback=repr) + b"\n"


def _as_text(logger: Any, level: str, event: EventDict) -> str:
    return _as_line(logger, level, event).decode().rstrip()


PROCESSORS: list[Any] = [_complete, _as_line]
"""One list for all times: a logger keeps the one it was first used with, and who captures lines changes it in place."""


class _ForeignHandler(logging.StreamHandler[Any]):
    """Lines of other libraries in the same shape; its own type, so that it is added once."""


def configure_logging(level: str = "INFO") -> None:
    """Sends our own lines and those of other libraries to stderr as JSON. level: a name such as INFO. Idempotent.

    pymongo's are never finer than INFO: at DEBUG it writes whole commands, and customers with them.
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
    """A handler for the standard library's logging, which gunicorn and pymongo use."""
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

    Neither its message nor any value: those may hold a customer's data.
    """
    places, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{os.path.basename(code.co_filename)}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places


class Metrics:
    """Every metric of one process. With PROMETHEUS_MULTIPROC_DIR set, `exposition` adds up all processes."""

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
        self.limiter_failures = self._counter("holdfast_rate_limiter_failures", "Requests let through unlimited.")
        self.relay = self._counter("holdfast_relay", "Work that the relay did.", "action")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def exposition(self) -> bytes:
        """All metrics in prometheus' text format."""
        everything = CollectorRegistry()
        try:
            MultiProcessCollector(everything)  # type: ignore[no-untyped-call]  # the library has no annotations here
        except ValueError:  # not several processes: their folder is not set
            return generate_latest(self.registry)
        return generate_latest(everything)
