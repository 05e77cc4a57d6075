"""Memory stays steady with many rows, valid or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.sheets.sample import write
from tests.servers import MongoServer, RedisServer
from tests.transfer.office import Office
from tests.world import PATIENT, environment_of, tomorrow

ROOT = Path(__file__).resolve().parents[2]
MEASURE = """
import importlib, re, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
status = importlib.import_module("scripts." + sys.argv[2]).main(sys.argv[3:])
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(status, int(peak) / 1024, file=sys.stderr)
"""
# Not getrusage, because its peak of a process begins with that of its parent.
FEW, MANY = 4_000, 30_000
GROWTH_MIB = 30
"""16 MiB of it are SQLite's cache. Kept as objects, this many rows take more than 60 MiB."""


def peak_mib(stores: tuple[RedisServer, MongoServer], command: str, *arguments: str, status: int = 0) -> float:
    redis, mongo = stores
    stores_ = {"REDIS_URL": redis.url, "MONGO_URL": mongo.url, "HOLDFAST_MONGO_DB": "holdfast_test"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(ROOT), command, *arguments],
        env=os.environ | environment_of(PATIENT) | stores_,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    ended, peak = done.stderr.splitlines()[-1].split()
    assert int(ended) == status
    return float(peak)


@pytest.mark.parametrize("good", [True, False])
def test_a_check_of_many_rows_takes_hardly_more_memory_than_one_of_few(
    stores: tuple[RedisServer, MongoServer], office: Office, good: bool
) -> None:
    peaks = []
    for count in (FEW, MANY):
        folder = office.folder / str(count)
        write(folder, count, tomorrow(0))
        files = [f"--{kind}={folder}/{kind}.csv" for kind in ("properties", "technicians", "bookings")]
        arguments = ["--org", office.world.org, "--dry-run", *(files if good else files[2:])]
        peaks.append(peak_mib(stores, "import", *arguments, status=0 if good else 1))
    assert peaks[1] - peaks[0] < GROWTH_MIB
