"""How gunicorn serves the API. The address comes from the command line; reasons are beside each value."""

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

# gevent: an open event stream costs a greenlet, not a thread, and holds ran 1.3 times as fast as with threads. The
# worker patches before it loads the app, so the app must not be preloaded: no client is ever used across a fork.
worker_class = "gevent"
preload_app = False
workers = int(os.environ.get("HOLDFAST_WORKERS", "2"))
worker_connections = 2500
# One accept queue for all workers. With SO_REUSEPORT each has its own: no faster nor better balanced when measured, the
# connections in a dying worker's queue are lost, and a second server could take the same port unnoticed.
reuse_port = False

# Thousands of clients may connect at one moment; the kernel caps this at net.core.somaxconn.
backlog = 8192
keepalive = 75
# A worker that cannot beat for this long is stuck in code that never yields: it is replaced.
timeout = 30
graceful_timeout = 3
limit_request_line = 8190  # the longest it can be: what is too long is for the app to refuse, in its own words

# The app writes one line per request itself. The control socket would be one more door.
accesslog = None
control_socket_disable = True

PR_SET_PDEATHSIG = 1


def on_starting(server: Any) -> None:
    """Allow as many open sockets as the machine does, and drop the metrics of processes that no longer run."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for samples in Path(folder).glob("*_*.db"):
            if not Path("/proc", samples.stem.rpartition("_")[2]).exists():
                samples.unlink(missing_ok=True)


def post_fork(server: Any, worker: Any) -> None:
    """Die with the master even when it is killed: a worker left over would keep the port. (Linux only.)"""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def post_worker_init(worker: Any) -> None:
    """The worker's lines take the shape of the app's. Imported here: gevent patches before we load."""
    from services.observability import foreign_handler  # noqa: PLC0415

    worker.log.error_log.handlers = [foreign_handler()]
    # What is loaded by now stays: the collector need not walk through all of it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def child_exit(server: Any, worker: Any) -> None:
    """Drop the gauges of a worker that is gone; its counters stay, as they must."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # it has no annotations
