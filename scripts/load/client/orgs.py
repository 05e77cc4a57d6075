"""An org of its own for each run, with its keys: the load never touches what others have on the server."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from scripts.load.client.target import ROLES, ROOT, Target, Unreachable

KEYS_AT_ONCE = 500


def _create_key(target: Target, org: str, role: str) -> str:
    """A new API key for the org, which is made if there is none. Raises Unreachable."""
    command = [sys.executable, str(ROOT / "scripts" / "create_key.py"), org, role, "--name", "Load test"]
    stores = {"MONGO_URL": target.mongo_url, "HOLDFAST_MONGO_DB": target.mongo_db, "REDIS_URL": target.redis_url}
    made = subprocess.run(command, env={**os.environ, **stores}, capture_output=True, text=True, check=False)
    if made.returncode:
        raise Unreachable(f"scripts/create_key.py made no key for the run: {made.stderr[-500:].strip()}")
    return made.stdout.strip()


def with_own_org(target: Target) -> Target:
    """The same server with a new org and a key of each role. Raises Unreachable."""
    org = f"load-{secrets.token_hex(4)}"
    with ThreadPoolExecutor(len(ROLES)) as pool:
        keys = dict(zip(ROLES, pool.map(lambda role: _create_key(target, org, role), ROLES), strict=True))
    return replace(target, org=org, keys=keys)


@contextlib.contextmanager
def own_org(target: Target) -> Iterator[Target]:
    """The same server with a new org, of which nothing is left in the stores afterwards."""
    own = with_own_org(target)
    try:
        yield own
    finally:
        remove_org(own)


def remove_org(target: Target) -> None:
    """Deletes everything that the stores have of the target's org, the org itself first."""
    with target.mongo() as database, target.redis() as redis:
        database.orgs.delete_one({"_id": target.org})
        for collection in database.list_collection_names():
            database[collection].delete_many({"org": target.org})
        for name in redis.scan_iter(target.key("*"), count=KEYS_AT_ONCE):
            redis.unlink(name)
