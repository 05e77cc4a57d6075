"""How gunicorn serves the API. The address comes from the command line; each value has its reason beside it."""

import gc
import os
import resource
from pathlib import Path
from typing import Any

from prometheus_client import multiprocess

wsgi_app = "api.app:create_app()"
proc_name = "holdfast"

# gevent: an open event stream costs a greenlet, not a thread, and holds ran 1.3 times as fast as with threads. gevent
# must patch a worker before it loads the app, so gunicorn must not preload the app. No client crosses a fork either.
worker_class = "api.server.worker.Worker"
logger_class = "api.server.log_lines.JsonLogger"
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
# A browser sends some 20 fields. The longest that we read is a bearer token of 512 bytes.
limit_request_fields = 64
limit_request_field_size = 4096
# No header sets a WSGI variable unless the operator says so. HOLDFAST_TRUSTED_PROXIES rules X-Forwarded-For.
forwarder_headers = os.environ.get("FORWARDER_HEADERS", "")
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "")

# The app itself writes one log line per request. The control socket would be one more way in.
accesslog = None
control_socket_disable = True

METRICS_HOST = os.environ.get("HOLDFAST_METRICS_HOST", "127.0.0.1")
METRICS_PORT = os.environ.get("HOLDFAST_METRICS_PORT", "9464")
METRICS_FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
"""Where the samples of the workers meet. Without it no metrics are served."""


def on_starting(server: Any) -> None:
    """Allow as many open sockets as the machine does, and drop the metrics of processes that no longer run."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if METRICS_FOLDER:
        Path(METRICS_FOLDER).mkdir(parents=True, exist_ok=True)
        for samples in Path(METRICS_FOLDER).glob("*_*.db"):
            if not Path("/proc", samples.stem.rpartition("_")[2]).exists():
                samples.unlink(missing_ok=True)


def when_ready(server: Any) -> None:
    """Serve the metrics from a process of their own: no worker's turn is spent on them."""
    from api.server.metrics_process import MetricsProcess  # noqa: PLC0415

    if METRICS_FOLDER and METRICS_PORT != "0":
        server.metrics_process = MetricsProcess(METRICS_HOST, METRICS_PORT)
        server.metrics_process.join(server)


def on_exit(server: Any) -> None:
    """End what `when_ready` started."""
    process = getattr(server, "metrics_process", None)
    if process is not None:
        process.end()


def post_fork(server: Any, worker: Any) -> None:
    """Die with the master even when it is killed: a worker left over would keep the port.

    The collector rests until the app is loaded: it would find next to nothing, in a fifth of the time of a start.
    """
    from api.server.lifetime import die_with_parent  # noqa: PLC0415

    die_with_parent()
    gc.disable()


def post_worker_init(worker: Any) -> None:
    """What needs the app's modules. Imported here: gevent patches before we load."""
    from api.server.limits import Limits  # noqa: PLC0415
    from services.observability import foreign_handler  # noqa: PLC0415
    from services.settings import ConnectionSettings  # noqa: PLC0415

    worker.log.error_log.handlers = [foreign_handler()]
    granted = ConnectionSettings()
    worker.grant(
        Limits(
            header_seconds=granted.header_seconds,
            body_seconds=granted.body_seconds,
            # Behind a proxy every connection is the proxy's.
            strangers=None if granted.trusted_proxies else max(1, granted.keyless_connections // worker.cfg.workers),
        )
    )
    # What is loaded by now stays: the collector need not walk through all of it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()


def child_exit(server: Any, worker: Any) -> None:
    """Drop the gauges of a worker that is gone; its counters stay, as they must."""
    if METRICS_FOLDER:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # it has no annotations
