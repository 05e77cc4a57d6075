"""The embedded stores answer only who can read the data folder, so no other user of the machine gets in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from pymongo import MongoClient
from redis import Redis

from scripts.dev_server.data_folder import DataFolder
from tests.servers import MongoServer, RedisServer
from tests.system.stack.whole_server import WholeServer

# Says for each way into the stores whether it is open, without any password.
INTRUDER = """NOBODY = 65534
import os, socket, sys
from pathlib import Path
from pymongo import MongoClient

if os.geteuid() == 0:  # after the imports, which another user may not read
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)

def opens(way):
    try:
        way()
    except Exception:
        return False
    return True

def ask_redis(command):
    with socket.create_connection(("127.0.0.1", redis)) as wire:
        wire.sendall(command)
        if wire.recv(1000).startswith(b"-"):
            raise PermissionError

redis, mongo, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
client = MongoClient("127.0.0.1", mongo, directConnection=True, serverSelectionTimeoutMS=5000)
client.admin.command("hello")
ways = {
    "redis reads": lambda: ask_redis(b"GET trace\\r\\n"),
    "redis writes": lambda: ask_redis(b"SET planted 1\\r\\n"),
    "mongod reads": lambda: client["holdfast"]["bookings"].find_one(),
    "mongod writes": lambda: client["holdfast"]["api_keys"].insert_one({"planted": True}),
    "mongod users": lambda: client.admin.command("createUser", "planted", pwd="planted", roles=["root"]),
    **{name: (folder / name).read_text for name in sys.argv[4:]},
}
print(*(name for name, way in ways.items() if opens(way)), sep="\\n")
"""
FILES = {"dev.json", "secrets.json", "people.json", "redis.conf", "mongod.key"}


def open_ways(redis: int, mongo: int, folder: Path) -> set[str]:
    """What another user gets into. Where the tests may not become another user: what we get into without passwords."""
    command = [sys.executable, "-c", INTRUDER, str(redis), str(mongo), str(folder), *FILES]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found = set(filter(None, done.stdout.splitlines()))
    return found if os.geteuid() == 0 else found - FILES


def ports(server: WholeServer) -> tuple[int, int]:
    return urlsplit(server.dev["redis_url"]).port or 0, urlsplit(server.dev["mongo_url"]).port or 0


def test_another_user_gets_into_neither_store(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with WholeServer(tmp_path / "data", "--workers", "1") as server:
        assert open_ways(*ports(server), server.data) == set()
        commands = [Path(f"/proc/{pid}/cmdline").read_text() for pid in server.dev["pids"].values()]
        passwords = {urlsplit(server.dev[name]).password or "" for name in ("redis_url", "mongo_url")}
        assert all(len(each) >= 32 for each in passwords)
        assert not [line for line in commands for each in passwords if each in line]


def test_stores_without_passwords_are_open_to_every_user(tmp_path: Path) -> None:
    """The control: it shows that the intruder would get in."""
    with RedisServer() as redis, MongoServer() as mongo:
        found = open_ways(redis.port, mongo.port, tmp_path)
    assert found == {"redis reads", "redis writes", "mongod reads", "mongod writes", "mongod users"}


def test_data_from_before_the_stores_had_passwords_are_kept_and_locked(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.path.mkdir()
    with RedisServer() as redis, MongoServer() as mongo:
        with mongo.client() as client:
            client["trace"]["trace"].insert_one({"left": True})
        with redis.client() as redis_client:
            redis_client.set("trace", "here")
        for name, store in (("redis", redis), ("mongod", mongo)):
            store.stop()
            shutil.move(store.folder, folder / name)
    folder.write("secrets.json", {"secret": "s" * 48})
    with WholeServer(folder.path, "--workers", "1") as server:
        with MongoClient[dict[str, object]](server.dev["mongo_url"]) as client:
            assert client["trace"]["trace"].count_documents({}) == 1
        with Redis.from_url(server.dev["redis_url"], decode_responses=True) as redis_client:
            assert redis_client.get("trace") == "here"
        assert open_ways(*ports(server), server.data) == set()
