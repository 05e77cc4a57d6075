"""Makes a private mongod the primary of a one-node replica set, with one user if its address names one.

Safe to repeat, also after its port or its password has changed, or on data from before it had a password.
"""

from __future__ import annotations

import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError
from pymongo.uri_parser import parse_uri

from scripts.dev_server.stores import REPLICA_SET

NOT_YET_INITIALIZED = 94
USER_NOT_FOUND = 11
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


def make_primary(url: str, *, seconds: float = 60) -> None:
    """Initiate the set if it is new, correct its address if the port changed, and wait until it takes writes.

    url: as stores.mongo_url makes it. Its user is made, or gets its password: the key of the set is the same password,
    so no login of an earlier run is needed. Raises TimeoutError if mongod takes no writes within `seconds`.
    """
    parts = parse_uri(url)
    (host, port), *_ = parts["nodelist"]
    client: MongoClient[dict[str, Any]] = MongoClient(
        host, port, directConnection=True, serverSelectionTimeoutMS=500, socketTimeoutMS=10_000, **_as_the_set(parts)
    )
    deadline = time.monotonic() + seconds
    try:
        while not _is_primary(client, f"{host}:{port}"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"mongod on port {port} did not become primary within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)
        if parts["username"]:
            _set_password(client, parts["username"], parts["password"])
    finally:
        client.close()


def _as_the_set(parts: dict[str, Any]) -> dict[str, Any]:
    """The login of a member of the set, which may do everything, also before there is a user."""
    if not parts["username"]:
        return {}
    login = {"username": "__system", "authSource": "local", "authMechanism": "SCRAM-SHA-256"}
    return {**login, "password": parts["password"]}


def _set_password(client: MongoClient[dict[str, Any]], user: str, password: str) -> None:
    described: dict[str, Any] = {"pwd": password, "roles": ["root"], "mechanisms": ["SCRAM-SHA-256"]}
    try:
        client.admin.command("updateUser", user, **described)
    except OperationFailure as error:
        if error.code != USER_NOT_FOUND:
            raise
        client.admin.command("createUser", user, **described)


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
