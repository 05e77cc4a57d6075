"""Metrics and readiness: simultaneous probes share one check, and metrics take no worker's time."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scripts.dev_server.child import session_members, wait_until
from tests.system.doors.gunicorn import HOST, QUIET_SECONDS, Gunicorn, get, gunicorn
from tests.system.drills.installation import SOON, Installation

CROWD = 100
FEW = 5
"""The most checks for a crowd: one a second, on a machine that may be slow."""


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


def together(ask: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(CROWD) as pool:
        return [asked.result() for asked in [pool.submit(ask) for _ in range(CROWD)]]


def test_simultaneous_readers_of_the_metrics_share_few_expositions(server: Gunicorn) -> None:
    def ask() -> str:
        assert server.is_healthy()  # counts one more request, so each new exposition differs
        return server.metrics()

    assert len(set(together(ask))) <= FEW


def test_simultaneous_readiness_probes_share_few_checks(installation: Installation, server: Gunicorn) -> None:
    def looks() -> int:
        stats: Any = installation.world.services.redis.info("commandstats")
        return int(stats.get("cmdstat_config|get", {}).get("calls", 0))

    before = looks()
    assert set(together(lambda: server.exchange(get("/readyz")).status)) == {200}
    assert 1 <= looks() - before <= FEW


def test_metrics_sum_all_workers_and_answer_any_path(installation: Installation) -> None:
    with gunicorn(installation, installation.folder, HOLDFAST_WORKERS="2") as server:
        assert wait_until(lambda: answers(server), seconds=SOON)
        for _ in range(30):
            assert server.exchange(get("/nowhere")).status == 404

        def counted() -> bool:
            return 'holdfast_refusals_total{code="not_found"} 30.0' in server.metrics()

        assert wait_until(counted, seconds=SOON)
        with urllib.request.urlopen(f"http://{HOST}:{server.metrics_port}/", timeout=QUIET_SECONDS) as reply:
            assert reply.headers["Content-Type"].startswith("text/plain")


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


def test_port_0_serves_no_metrics(installation: Installation) -> None:
    with gunicorn(installation, installation.folder, HOLDFAST_METRICS_PORT="0") as server:
        assert server.child.process is not None
        assert len(session_members(server.child.process.pid)) == 2


def test_a_taken_port_is_logged_once_and_the_server_still_starts(installation: Installation, server: Gunicorn) -> None:
    with gunicorn(installation, installation.folder, HOLDFAST_METRICS_PORT=str(server.metrics_port)) as other:
        assert wait_until(lambda: other.log.count('"event":"metrics_port_taken"') == 1, seconds=SOON)
        assert other.is_healthy()
