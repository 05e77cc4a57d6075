"""Makes a private mongod the primary of a one-node replica set. Safe to repeat, also after its port has changed."""

from __future__ import annotations

import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError

from scripts.dev_server.stores import HOST, REPLICA_SET

NOT_YET_INITIALIZED = 94
STILL_CHANGING = {
    11602,
    11600,
    13436,
    13435,
    10107,
    189,
    109,
    93,
    23,
}  # election, start, reconfiguration
POLL_SECONDS = 0.02


def make_primary(port: int, *, seconds: float = 60) -> None:
    """Initiate the set if it is new, correct its address if the port changed, and wait until it takes writes.

    Raises TimeoutError if it takes no writes within `seconds`.
    """
    client: MongoClient[dict[str, Any]] = MongoClient(
        HOST, port, directConnection=True, serverSelectionTimeoutMS=500, socketTimeoutMS=10_000
    )
    deadline = time.monotonic() + seconds
    try:
        while not _is_primary(client, f"{HOST}:{port}"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"mongod on port {port} did not become primary within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)
    finally:
        client.close()


def _is_primary(client: MongoClient[dict[str, Any]], address: str) -> bool:
    try:
        hello = client.admin.command("hello")
        if hello.get("isWritablePrimary") and hello.get("me") == address:
            return True
        if not hello.get("setName") or hello.get("me") != address:
            _configure(client, address)
    except (AutoReconnect, ServerSelectionTimeoutError):
        return False  # mongod is still starting
    except OperationFailure as error:
        if error.code not in STILL_CHANGING:
            raise
    return False


def _configure(client: MongoClient[dict[str, Any]], address: str) -> None:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != NOT_YET_INITIALIZED:
            raise
        members = [{"_id": 0, "host": address}]
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return
    if [member["host"] for member in config["members"]] != [address]:
        config["members"] = [{"_id": 0, "host": address}]
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)
