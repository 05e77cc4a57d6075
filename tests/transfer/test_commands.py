"""scripts/import.py and scripts/export.py, started as a person starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from scripts.dev_server.child import wait_until
from tests.servers import MongoServer, RedisServer
from tests.transfer.office import Office
from tests.world import PATIENT, environment_of, rfc3339, tomorrow

ROOT = Path(__file__).resolve().parents[2]


class Shell:
    """Starts the commands in the environment of an installation."""

    def __init__(self, redis: str, mongo: str, folder: Path) -> None:
        self.folder = folder
        stores = {"REDIS_URL": redis, "MONGO_URL": mongo, "HOLDFAST_MONGO_DB": "holdfast_test"}
        self.env = os.environ | environment_of(PATIENT) | stores

    def start(self, script: str, *arguments: str, **options: object) -> subprocess.Popen[str]:
        # As from a terminal. A background job of a shell ignores Ctrl-C, and its children would too.
        command = ["env", "--default-signal=INT", str(ROOT / "scripts" / script), *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, text=True, env=self.env, **{**pipes, **options})  # type: ignore[call-overload, no-any-return]

    def run(self, script: str, *arguments: str, given: str = "") -> tuple[int, str, str]:
        """Runs a command. Returns (status, stdout, stderr)."""
        with self.start(script, *arguments) as process:
            out, err = process.communicate(given, timeout=200)
        return process.returncode, out, err


@pytest.fixture
def shell(stores: tuple[RedisServer, MongoServer], tmp_path: Path) -> Shell:
    redis, mongo = stores
    return Shell(redis.url, mongo.url, tmp_path)


def test_import_reads_stdin_and_export_writes_stdout(shell: Shell, office: Office) -> None:
    text = Path(office.file("b.csv", [office.row()])).read_text()
    status, out, err = shell.run("import.py", "--org", office.world.org, "--bookings", "-", given=text)
    assert (status, out) == (0, "bookings: 1 written, 0 there already\n"), err
    assert "writing bookings: 1 rows" in err
    status, out, _ = shell.run("export.py", "--org", office.world.org, "--to", "-", "--only", "bookings")
    assert status == 0
    assert out.splitlines()[1].startswith(office.world.bookings()[0]["_id"])


def test_a_dry_run_with_problems_ends_with_1(shell: Shell, office: Office) -> None:
    path = office.file("b.csv", [office.row(start="never")])
    status, out, _ = shell.run("import.py", "--org", office.world.org, "--bookings", path, "--dry-run")
    assert status == 1
    assert out.splitlines()[0].startswith(f"{path}:2: start: ")


def test_the_data_folder_of_a_running_server_names_the_stores_and_the_org(shell: Shell, office: Office) -> None:
    dev = {"redis_url": shell.env["REDIS_URL"], "mongo_url": shell.env["MONGO_URL"], "mongo_db": "holdfast_test"}
    (shell.folder / "dev.json").write_text(json.dumps({**dev, "org": office.world.org}))
    for name in ("REDIS_URL", "MONGO_URL", "HOLDFAST_MONGO_DB"):
        del shell.env[name]
    status, _, err = shell.run("export.py", "--data", str(shell.folder), "--to", str(shell.folder / "out"))
    assert status == 0, err
    assert sorted(path.name for path in (shell.folder / "out").iterdir()) == [
        *("bookings.csv", "properties.csv", "services.csv", "technicians.csv")
    ]


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("script", "arguments", "sentence"),
    [
        ("import.py", ["--org", "acme"], "name a file"),
        ("import.py", ["--org", "acme", "--bookings", "-", "--properties", "-"], "only one file"),
        ("import.py", ["--bookings", "b.csv"], "--org"),
        ("import.py", ["--org", "nobody-here", "--bookings", "b.csv"], "There is no org nobody-here"),
        ("import.py", ["--data", "/nowhere", "--bookings", "b.csv"], "Start scripts/server"),
        ("export.py", ["--org", "acme", "--to", "-"], "--only"),
        ("export.py", ["--org", "acme", "--to", "x", "--only", "all"], "choose from properties"),
        ("export.py", ["--org", "acme", "--to", "x", "--from", "soon"], "RFC 3339"),
    ],
)
def test_a_command_that_cannot_run_ends_with_2_and_a_sentence(
    shell: Shell, script: str, arguments: list[str], sentence: str
) -> None:
    status, out, err = shell.run(script, *arguments)
    assert (status, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err


def test_a_missing_file_and_a_missing_store_end_with_a_sentence(shell: Shell, office: Office) -> None:
    status, _, err = shell.run("import.py", "--org", office.world.org, "--bookings", "/nowhere.csv")
    assert (status, err.strip()) == (2, "/nowhere.csv cannot be read: No such file or directory.")
    shell.env["MONGO_URL"] = "mongodb://127.0.0.1:1/?replicaSet=rs0"
    status, _, err = shell.run("import.py", "--org", office.world.org, "--bookings", "/nowhere.csv")
    assert status == 2
    assert "A store did not answer." in err


def test_after_ctrl_c_a_second_run_writes_the_rest(shell: Shell, office: Office) -> None:
    rows = [
        office.row(reference=f"{day}-{hour}", start=rfc3339(tomorrow(hour).replace(year=2010, month=1, day=day)))
        for day in range(1, 31)
        for hour in range(24)
    ]
    many = [
        {**row, "reference": f"{row['reference']}-{year}", "start": str(row["start"]).replace("2010", str(year))}
        for year in range(2010, 2016)
        for row in rows
    ]
    path = office.file("b.csv", many)
    arguments = ("--org", office.world.org, "--bookings", path)
    with shell.start("import.py", *arguments, start_new_session=True) as process:
        collection = office.world.services.db["bookings"]
        assert wait_until(lambda: collection.find_one({"org": office.world.org}) is not None, seconds=60)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    assert "run the same command again" in err
    written = len(office.world.bookings())
    assert written < len(many)
    status, out, _ = shell.run("import.py", *arguments)
    assert (status, out) == (0, f"bookings: {len(many) - written:,} written, {written:,} there already\n")
    assert office.world.double_booked() == []
