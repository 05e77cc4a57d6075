"""Metrics and readiness: simultaneous probes share one check, and metrics take no worker's time."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from api.server.metrics_port import serve_beside
from api.server.metrics_process import AGAIN_SECONDS, MetricsProcess
from scripts.dev_server.child import session_members, wait_until
from services.observability import Metrics
from tests.system.doors.gunicorn import HOST, QUIET_SECONDS, Gunicorn, get, gunicorn
from tests.system.drills.installation import SOON, Installation

CROWD = 100


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Gunicorn]:
    with gunicorn(installation, installation.folder) as made:
        assert wait_until(lambda: answers(made), seconds=SOON)
        yield made


def answers(server: Gunicorn) -> bool:
    try:
        return "holdfast_request_seconds" in server.metrics()
    except OSError:
        return False


def most_since(began: float) -> int:
    """How often something has happened at most that happens once a second."""
    return 2 + int(monotonic() - began)


def together(ask: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(CROWD) as pool:
        return [asked.result() for asked in [pool.submit(ask) for _ in range(CROWD)]]


def test_simultaneous_readers_of_the_metrics_share_few_expositions(server: Gunicorn) -> None:
    def ask() -> str:
        assert server.is_healthy()  # counts one more request, so each new exposition differs
        return server.metrics()

    began = monotonic()
    assert len(set(together(ask))) <= most_since(began)


def test_simultaneous_readiness_probes_share_few_checks(installation: Installation, server: Gunicorn) -> None:
    def looks() -> int:
        stats: Any = installation.world.services.redis.info("commandstats")
        return int(stats.get("cmdstat_config|get", {}).get("calls", 0))

    before, began = looks(), monotonic()
    assert set(together(lambda: server.exchange(get("/readyz")).status)) == {200}
    assert 1 <= looks() - before <= most_since(began)


def test_metrics_sum_all_workers(installation: Installation) -> None:
    with gunicorn(installation, installation.folder, HOLDFAST_WORKERS="2") as server:
        assert wait_until(lambda: answers(server), seconds=SOON)
        for _ in range(30):
            assert server.exchange(get("/nowhere")).status == 404

        def counted() -> bool:
            return 'holdfast_refusals_total{code="not_found"} 30.0' in server.metrics()

        assert wait_until(counted, seconds=SOON)


def test_the_port_of_the_api_serves_no_metrics(server: Gunicorn) -> None:
    assert server.exchange(get("/metrics")).problem["code"] == "not_found"


def test_the_metrics_process_ends_with_the_server_even_after_a_kill(installation: Installation) -> None:
    with gunicorn(installation, installation.folder) as server:
        assert wait_until(lambda: answers(server), seconds=SOON)
        process = server.child.process
        assert process is not None
        assert len(session_members(process.pid)) == 3  # gunicorn, its worker, the metrics
        process.kill()
        process.wait()
        assert wait_until(lambda: not session_members(process.pid), seconds=SOON)


def metrics_pid(server: Gunicorn) -> int:
    """The pid of the process that serves the metrics; 0 if there is none."""
    assert server.child.process is not None
    found = [
        pid
        for pid in session_members(server.child.process.pid)
        if b"api.server.metrics_port" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return found[0] if found else 0


def test_the_metrics_process_comes_back_when_it_alone_is_killed(installation: Installation) -> None:
    with gunicorn(installation, installation.folder) as server:
        for _ in range(2):
            assert wait_until(lambda: answers(server), seconds=SOON)
            os.kill(metrics_pid(server), signal.SIGKILL)
            assert wait_until(lambda: not answers(server), seconds=SOON)
        assert wait_until(lambda: answers(server), seconds=SOON)
        assert server.is_healthy()
        assert server.child.process is not None
        server.child.process.terminate()
        assert server.child.process.wait(SOON) == 0
        assert session_members(server.child.process.pid) == []


@pytest.fixture(params=["server", "relay"])
def port_of_metrics(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server's metrics, or one as a relay has."""
    if request.param == "server":
        yield request.getfixturevalue("server").metrics_port
        return
    made = serve_beside(0, Metrics().registry)
    yield made.server_port
    made.shutdown()
    made.server_close()


def test_the_metrics_port_has_one_path_and_two_methods(port_of_metrics: int) -> None:
    def ask(method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(HOST, port_of_metrics, timeout=QUIET_SECONDS)
        try:
            connection.request(method, path, b"{}" if method in ("POST", "PUT") else None)
            reply = connection.getresponse()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    for path in ("/metrics", "/metrics?name=x"):
        status, headers, body = ask("GET", path)
        assert (status, headers["content-type"][:10], int(headers["content-length"])) == (200, "text/plain", len(body))
    status, headers, body = ask("HEAD", "/metrics")
    assert (status, headers["content-type"][:10], body) == (200, "text/plain", b"")
    for path in ("/", "/metrics/", "/metrics/x", "/healthz", "/favicon.ico"):
        assert [ask(method, path)[0] for method in ("GET", "HEAD")] == [404, 404], path
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        status, headers, body = ask(method, "/metrics")
        assert (status, headers["allow"], body) == (405, "GET, HEAD", b""), method
    status, headers, body = ask("MARKER", "/metrics")
    assert (status, "server" in headers, body) == (501, False, b"")


def test_a_metrics_process_that_cannot_run_is_not_started_again_at_once() -> None:
    now = [0.0]
    kept = MetricsProcess(HOST, "0", monotonic=lambda: now[0])
    kept._command = [sys.executable, "-c", ""]
    started = set()
    for now[0] in (0.0, 0.5, 1.9, AGAIN_SECONDS, AGAIN_SECONDS + 1):
        kept.keep_alive()
        assert kept._process is not None
        kept._process.wait(SOON)
        started.add(kept._process.pid)
    assert len(started) == 2


def test_port_0_serves_no_metrics(installation: Installation) -> None:
    with gunicorn(installation, installation.folder, HOLDFAST_METRICS_PORT="0") as server:
        assert server.child.process is not None
        assert len(session_members(server.child.process.pid)) == 2


def test_a_taken_port_is_logged_once_and_the_server_still_starts(installation: Installation, server: Gunicorn) -> None:
    with gunicorn(installation, installation.folder, HOLDFAST_METRICS_PORT=str(server.metrics_port)) as other:
        assert wait_until(lambda: other.log.count('"event":"metrics_port_taken"') == 1, seconds=SOON)
        assert other.is_healthy()
