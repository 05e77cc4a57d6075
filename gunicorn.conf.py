"""How gunicorn serves the API. The address comes from the command line; each value has its reason beside it."""

import contextlib
import ctypes
import gc
import os
import resource
import signal
from pathlib import Path
from typing import Any

from prometheus_client import multiprocess

wsgi_app = "api:create_app()"
proc_name = "holdfast"

# gevent: an open event stream costs a greenlet, not a thread, and holds ran 1.3 times as fast as with threads. gevent
# must patch a worker before it loads the app, so gunicorn must not preload the app. No client crosses a fork either.
worker_class = "gevent"
preload_app = False
workers = int(os.environ.get("HOLDFAST_WORKERS", "2"))
worker_connections = 2500
# One accept queue for all workers. SO_REUSEPORT gives each worker its own, which measured no faster and no better
# balanced, loses the connections in a dying worker's queue, and lets a second server take the same port unnoticed.
reuse_port = False

# Thousands of clients may connect at one moment. The kernel caps this at net.core.somaxconn.
backlog = 8192
keepalive = 75
# A worker that sends no heartbeat for this many seconds is stuck in code that never yields: gunicorn replaces it.
timeout = 30
graceful_timeout = 3
limit_request_line = 8190  # gunicorn's longest, so that the app refuses what is too long, in its own words

# The app itself writes one log line per request. The control socket would be one more way in.
accesslog = None
control_socket_disable = True

PR_SET_PDEATHSIG = 1


def on_starting(server: Any) -> None:
    """Allows as many open sockets as the machine does, and drops the metrics of processes that no longer run."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for samples in Path(folder).glob("*_*.db"):
            if not Path("/proc", samples.stem.rpartition("_")[2]).exists():
                samples.unlink(missing_ok=True)


def post_fork(server: Any, worker: Any) -> None:
    """Lets a worker die with the master, even a killed one: it would keep the port otherwise. (Linux only.)"""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def post_worker_init(worker: Any) -> None:
    """Writes gunicorn's log lines as the app writes its own, and exempts from collection what is loaded by now."""
    from services.observability import foreign_handler  # noqa: PLC0415  # not before gevent has patched

    worker.log.error_log.handlers = [foreign_handler()]
    # All of it stays, so the collector need not walk through it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def child_exit(server: Any, worker: Any) -> None:
    """Drops the gauges of a worker that ended; its counters stay, because totals must not fall."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # it has no annotations
