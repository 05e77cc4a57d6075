"""scripts/stress.py and scripts/bench.py as commands: exit status, JSON, charts, and what they say without a server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.load.chart import save_bars, save_histograms
from scripts.load.client.target import ROOT, Target, private_server

pytestmark = pytest.mark.timeout(180)


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, Path]]:
    """A whole private Holdfast, and its data folder."""
    folder = tmp_path_factory.mktemp("holdfast")
    with private_server(data=folder) as target:
        yield target, folder


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = run("stress.py", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "scripts/server" in done.stderr
    assert "--spawn" in done.stderr


def test_a_server_that_does_not_answer_is_an_environment_error(tmp_path: Path) -> None:
    told = {"url": "http://127.0.0.1:9", "redis_url": "", "mongo_url": "", "mongo_db": "", "org": "demo", "keys": {}}
    (tmp_path / "dev.json").write_text(json.dumps(told))
    done = run("stress.py", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("count", ["1", "5001", "many"])
def test_a_number_of_requests_out_of_range_is_a_usage_error(count: str) -> None:
    assert run("stress.py", "-n", count).returncode == 2


def test_help_explains_the_proof() -> None:
    shown = run("stress.py", "--help").stdout
    words = ("same-slot", "--target", "--histogram", "Exit status", "reserve-deadline")
    assert all(word in shown for word in words)
    assert "Exit status" in run("bench.py", "--help").stdout


def test_forty_clients_end_in_one_booking_and_the_same_server_can_be_tried_again(
    server: tuple[Target, Path], tmp_path: Path
) -> None:
    picture = tmp_path / "latency.png"
    for _ in range(2):
        done = run("stress.py", "-n", "40", "--data", str(server[1]), "--json", "-", "--histogram", str(picture))
        assert done.returncode == 0, done.stderr
        [played] = json.loads(done.stdout)["runs"]
        assert (played["winners"], played["unknown"], sum(played["refusals"].values())) == (1, 0, 39)
        assert not any(played["rules"].values())
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("scenario", ["overlaps", "retries", "mixed"])
def test_all_rules_hold_in_other_scenarios(server: tuple[Target, Path], scenario: str) -> None:
    done = run("stress.py", "-n", "40", "--data", str(server[1]), "--scenario", scenario, "--seed", "11", "--json", "-")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["seed"] == 11


@pytest.mark.parametrize(
    ("scenario", "seen"),
    [("reschedule", {"moved"}), ("reserve-deadline", {"reserved", "confirmed"}), ("waitlist", {"in line"})],
)
def test_all_rules_hold_in_scenarios_of_several_acts(
    server: tuple[Target, Path], scenario: str, seen: set[str]
) -> None:
    done = run("stress.py", "-n", "48", "--data", str(server[1]), "--scenario", scenario, "--seed", "11", "--json", "-")
    assert done.returncode == 0, done.stdout + done.stderr
    [played] = json.loads(done.stdout)["runs"]
    assert played["granted"].keys() == seen
    assert played["winners"]


def test_the_naive_target_fails_and_prints_the_documents_without_personal_data(server: tuple[Target, Path]) -> None:
    done = run("stress.py", "-n", "40", "--data", str(server[1]), "--target", "naive")
    assert done.returncode == 1
    assert "double bookings, as it must" in done.stdout
    assert "naive-booking-" in done.stdout
    assert "+15550100" not in done.stdout


def test_charts_are_drawn_from_plain_figures(tmp_path: Path) -> None:
    save_histograms(tmp_path / "a.png", "title", {"same-slot": {"hold": [1.0, 2.0, 40.0], "book": [3.0]}, "mixed": {}})
    save_bars(tmp_path / "b.png", "title", {"share": {"hold": 0.5}, "ms": {"hold": 1.5}}, {"hold": 0.4})
    for name in ("a.png", "b.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
