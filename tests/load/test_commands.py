"""scripts/stress.py and scripts/bench.py as commands: exit status, JSON, and what they print without a server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.dev_server.child import wait_until
from scripts.load.client.servers import private_server
from scripts.load.client.target import ROOT, Target
from scripts.load.scenarios.races import SCENARIOS
from tests.world import PATIENT, environment_of

pytestmark = pytest.mark.timeout(900)

GRANTED = {
    "reschedule": {"moved"}, "reserve-deadline": {"reserved", "confirmed"}, "waitlist": {"waiting"},
    "strangers": {"waiting"}, "swaps": {"swapped", "moved"},
    "crews": {"moved"}, "units": {"moved"},
}  # fmt: skip
BY_LUCK = {"swaps", "crews", "units"}
"""Scenarios in which so few clients may all be refused a change."""
OF_TIME = {"the staff is not delayed", "overload is shed", "it recovers at once", "requests cost little"}
"""Rules about figures that mean little on a machine that runs other tests at the same moment."""


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=840, check=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, Path]]:
    """A whole private Holdfast, and its data folder."""
    folder = tmp_path_factory.mktemp("holdfast")
    with pytest.MonkeyPatch.context() as patient:
        for name, seconds in environment_of(PATIENT).items():
            patient.setenv(name, seconds)
        with private_server(data=folder) as target:
            yield target, folder


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = run("stress.py", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "scripts/server" in done.stderr
    assert "--spawn" in done.stderr


def test_a_server_that_does_not_answer_is_an_environment_error(tmp_path: Path) -> None:
    dev = {"url": "http://127.0.0.1:9", "redis_url": "", "mongo_url": "", "mongo_db": "", "org": "demo", "keys": {}}
    (tmp_path / "dev.json").write_text(json.dumps(dev))
    done = run("stress.py", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("count", ["1", "5001", "many"])
def test_a_number_of_requests_out_of_range_is_a_usage_error(count: str) -> None:
    assert run("stress.py", "-n", count).returncode == 2


def test_help_explains_the_proof() -> None:
    shown = run("stress.py", "--help").stdout
    words = ("same-slot", "--target", "Exit status", "reserve-deadline")
    assert all(word in shown for word in words)
    assert "Exit status" in run("bench.py", "--help").stdout


def contents(target: Target) -> dict[str, Any]:
    """All that both stores have, without what the relay writes when it is idle."""
    with target.mongo() as database, target.redis() as redis:
        walked = {"_id": "customers_walk", "after": None}
        assert wait_until(lambda: bool(redis.exists(target.key("epoch"))), seconds=60)
        assert wait_until(lambda: database["meta"].find_one(walked) is not None, seconds=60)
        assert wait_until(lambda: database["meta"].find_one({"_id": "messages"}) is not None, seconds=60)
        names = [name for name in database.list_collection_names() if name not in ("relay_state", "leases")]
        found: dict[str, Any] = {name: list(database[name].find().sort("_id")) for name in sorted(names)}
        # How far the outbox has read, and which reminders it has planned.
        found["meta"] = [each for each in found["meta"] if not each["_id"].startswith(("news", "reminders"))]
        found["redis"] = sorted(redis.scan_iter("hf3:{*"))
    return found


def test_all_rules_hold_in_all_scenarios_and_the_server_is_left_as_it_was(server: tuple[Target, Path]) -> None:
    before = contents(server[0])
    done = run("stress.py", "-n", "40", "--data", str(server[1]), "--scenario", "all", "--seed", "11", "--json", "-")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    result = json.loads(done.stdout)
    broken = {rule for played in result["runs"] for rule, count in played["rules"].items() if count}
    assert broken <= OF_TIME, done.stdout + done.stderr
    assert (done.returncode, result["ok"], result["seed"]) == (int(bool(broken)), not broken, 11)
    runs = {played["scenario"]: played for played in result["runs"]}
    assert runs.keys() == SCENARIOS.keys()
    for name, played in runs.items():
        assert played["winners"] == 1 if SCENARIOS[name].one_winner else played["winners"]
        changes = GRANTED.get(name, set())
        assert played["granted"].keys() <= changes if name in BY_LUCK else played["granted"].keys() == changes
        assert bool(played["brought_near"]) == (name in ("reserve-deadline", "waitlist"))
    same_slot = runs["same-slot"]
    assert (same_slot["unknown"], sum(same_slot["refusals"].values())) == (0, 39)
    assert runs["strangers"]["refusals"].keys() >= {"too_many_holds", "rate_limited", "slot_available"}
    assert contents(server[0]) == before


def test_the_naive_target_fails_and_prints_the_documents_without_personal_data(server: tuple[Target, Path]) -> None:
    done = run("stress.py", "-n", "40", "--data", str(server[1]), "--target", "naive")
    assert done.returncode == 1
    assert "double bookings, as it must" in done.stdout
    assert "naive-booking-" in done.stdout
    assert "+15550100" not in done.stdout
