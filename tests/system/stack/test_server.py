"""scripts/server from the outside: what it prints, what it restarts, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from pymongo import MongoClient
from redis import Redis

from scripts.dev_server.child import wait_until
from scripts.dev_server.stores import redis_answers
from tests.system.stack.whole_server import WholeServer, processes_using, still_running

HEAL_SECONDS = 40


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    """One server for all tests that leave it running."""
    with WholeServer(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


def test_it_prints_its_address_as_a_line_of_its_own_a_command_and_how_to_sign_in(server: WholeServer) -> None:
    ready, command, sign_in = server.out.splitlines()
    assert sign_in.startswith("# ")
    assert sign_in.endswith(f"cat {server.data / 'people.json'}")
    assert ready == f"ready {server.dev['url']}"
    assert command.startswith("curl ")
    assert server.is_ready()


def test_the_printed_command_makes_a_hold_each_time_it_is_pasted(server: WholeServer) -> None:
    command = server.out.splitlines()[1]
    pasted = [subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True) for _ in range(3)]
    holds = [json.loads(each.stdout) for each in pasted]
    assert [hold.get("status") for hold in holds] == ["held"] * 3, holds
    assert len({hold["start"] for hold in holds}) == 3


def test_the_people_of_the_demo_sign_in_with_the_passwords_of_a_file_for_its_owner(server: WholeServer) -> None:
    path = server.data / "people.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    roles = set()
    for email, password in json.loads(path.read_text()).items():
        body = json.dumps({"email": email, "password": password}).encode()
        request = Request(f"{server.dev['url']}/session", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as reply:
            roles.add(json.load(reply)["role"])
            assert reply.headers["Set-Cookie"].startswith("holdfast_session=hfs_")
    assert roles == {"desk", "admin"}


def test_dev_json_holds_all_that_a_client_needs(server: WholeServer) -> None:
    dev = server.dev
    assert set(dev) == {"url", "metrics_url", "redis_url", "mongo_url", "mongo_db", "org", "keys", "pids"}
    assert dev["org"] == "demo"
    assert {role for role, key in dev["keys"].items() if key.startswith(f"hf_{role}_")} == {
        "checkout",
        "desk",
        "bot",
        "admin",
    }
    assert set(still_running(dev["pids"])) == {"gunicorn", "redis", "mongod", "relay"}


def test_the_metrics_have_an_address_of_their_own(server: WholeServer) -> None:
    def shown() -> str:
        with suppress(URLError), urlopen(server.dev["metrics_url"], timeout=5) as reply:
            return str(reply.read().decode())
        return ""

    assert server.dev["metrics_url"].partition("/metrics")[0] != server.dev["url"]
    assert wait_until(lambda: 'url_rule="/readyz"' in shown(), seconds=HEAL_SECONDS)


def test_secrets_are_for_the_owner_only(server: WholeServer) -> None:
    for name in ("dev.json", "secrets.json", "redis.conf", "mongod.key"):
        assert stat.S_IMODE((server.data / name).stat().st_mode) == 0o600


def test_the_stores_listen_on_this_machine_only(server: WholeServer) -> None:
    addresses = {port: set[str]() for port in _ports(server)}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        address, port = local.split(":")
        if state == "0A" and int(port, 16) in addresses:
            addresses[int(port, 16)].add(address)
    assert all(found == {"0100007F"} for found in addresses.values())


def test_the_seeded_org_is_there(server: WholeServer) -> None:
    with MongoClient[dict[str, object]](server.dev["mongo_url"]) as client:
        db = client[server.dev["mongo_db"]]
        assert db["properties"].count_documents({"org": "demo"}) == 18
        assert db["technicians"].count_documents({"org": "demo"}) == 6


@pytest.mark.parametrize("name", ["redis", "mongod", "gunicorn", "relay"])
def test_a_killed_child_comes_back(server: WholeServer, name: str) -> None:
    before = server.dev["pids"]
    os.kill(before[name], signal.SIGKILL)
    assert wait_until(lambda: server.dev["pids"][name] != before[name], seconds=HEAL_SECONDS), server.err
    # What /readyz says may be a second old, so ask the stores themselves; pymongo waits for a primary.
    assert wait_until(lambda: redis_answers(server.dev["redis_url"]), seconds=HEAL_SECONDS), server.err
    with MongoClient[dict[str, object]](server.dev["mongo_url"]) as client:
        client.admin.command("ping")
    assert wait_until(server.is_ready, seconds=HEAL_SECONDS), server.err
    assert wait_until(lambda: len(still_running(server.dev["pids"])) == 4, seconds=HEAL_SECONDS), server.err


def test_a_second_server_on_the_same_folder_is_refused_in_a_sentence(server: WholeServer) -> None:
    second = WholeServer(server.data).launch()
    assert second.wait() == 1
    assert f"in use by a running server (pid {server.pid})" in second.err
    assert "--data" in second.err
    assert "Traceback" not in second.err
    assert server.is_ready()


def test_a_busy_port_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = WholeServer(tmp_path / "data", "--port", str(port)).launch()
        assert refused.wait() == 1
    assert f"Port {port} is in use by another program" in refused.err
    assert "Traceback" not in refused.err


def test_stores_of_the_environment_are_used_and_left_alone(server: WholeServer, tmp_path: Path) -> None:
    given = {name: server.dev[f"{name.lower()}"] for name in ("REDIS_URL", "MONGO_URL")}
    with WholeServer(tmp_path / "data", "--workers", "1", env=given | {"HOLDFAST_MONGO_DB": "elsewhere"}) as second:
        assert second.dev["redis_url"] == server.dev["redis_url"]
        assert second.dev["mongo_db"] == "elsewhere"
        assert second.dev["pids"]["redis"] is None
        assert second.dev["pids"]["mongod"] is None
    assert set(still_running(server.dev["pids"])) == {"gunicorn", "redis", "mongod", "relay"}


def test_it_recovers_from_a_kill_keeps_its_data_and_leaves_nothing_running(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = WholeServer(data)
    with first:
        keys, pids = first.dev["keys"], first.dev["pids"]
        _leave_a_trace(first)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert wait_until(lambda: not still_running(pids), seconds=HEAL_SECONDS), still_running(pids)
    with WholeServer(data) as second:
        assert second.dev["keys"] == keys
        assert _traces(second) == (1, "here")
        pids = second.dev["pids"]
        assert second.stop() == 0
    assert still_running(pids) == {}
    assert processes_using(data) == []
    with WholeServer(data, "--fresh") as third:
        assert _traces(third) == (0, None)
        assert third.dev["keys"] != keys
        assert third.stop(signal.SIGINT) == 0
    assert processes_using(data) == []


def _leave_a_trace(server: WholeServer) -> None:
    with MongoClient[dict[str, object]](server.dev["mongo_url"]) as client:
        client["trace"]["trace"].insert_one({"left": True})
    with Redis.from_url(server.dev["redis_url"]) as client:
        client.set("trace", "here")


def _traces(server: WholeServer) -> tuple[int, str | None]:
    with MongoClient[dict[str, object]](server.dev["mongo_url"]) as client:
        documents = client["trace"]["trace"].count_documents({})
    with Redis.from_url(server.dev["redis_url"], decode_responses=True) as redis:
        return documents, redis.get("trace")


def _ports(server: WholeServer) -> list[int]:
    return [urlsplit(server.dev[name]).port or 0 for name in ("redis_url", "mongo_url")]
