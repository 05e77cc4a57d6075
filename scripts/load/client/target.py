"""The server under test and the stores behind it: a running one, found by its dev.json."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient
from pymongo.database import Database
from redis import Redis

from scripts.client.wire import LOST, exchange

ROOT = Path(__file__).resolve().parents[3]
ROLES = ("admin", "checkout", "desk", "bot")
HOW_TO_START = "Start it with `scripts/server`, or let this script start a private one: --spawn."

Document = dict[str, Any]


class Unreachable(Exception):
    """No run, or no measurement, is possible; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """A server and the stores behind it. redis_url is empty for the naive server, which has no Redis."""

    url: str
    org: str
    keys: dict[str, str]
    mongo_url: str
    mongo_db: str
    redis_url: str = ""
    pids: tuple[tuple[str, int], ...] = ()

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def call(
        self, method: str, path: str, role: str = "admin", body: Document | None = None, **headers: str
    ) -> tuple[int, Document]:
        """One request on a connection of its own, for preparations: status and JSON body. Raises Unreachable.

        headers: further ones, written with underscores.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Authorization"] = f"Bearer {self.keys.get(role, '')}"
        try:
            answer = exchange(self.url, method, path, body, sent, timeout_seconds=30)
        except LOST as error:
            raise Unreachable(f"{self.url} does not answer ({error}). {HOW_TO_START}") from error
        return answer.status, answer.body

    def demand(self, status: int, method: str, path: str, **more: Any) -> Any:
        """The JSON body of a request that must get this status. Raises Unreachable."""
        found, reply = self.call(method, path, **more)
        if found != status:
            reason = f"{reply.get('code', '')}: {reply.get('detail', 'no reason given')}"
            raise Unreachable(f"{method} {path} answered {found} {reason}")
        return reply

    @contextlib.contextmanager
    def mongo(self) -> Iterator[Database[Document]]:
        with MongoClient[Document](self.mongo_url, tz_aware=True, serverSelectionTimeoutMS=3000) as client:
            yield client[self.mongo_db]

    @contextlib.contextmanager
    def redis(self) -> Iterator[Any]:
        with Redis.from_url(self.redis_url, decode_responses=True, socket_timeout=5) as client:
            yield client

    def key(self, *parts: str) -> str:
        """The name that the org's Redis key of these parts has."""
        return ":".join((f"hf3:{{{self.org}}}", *parts))


def from_dev_json(data: Path, url: str | None = None) -> Target:
    """The server whose data folder this is. url: another address for the same stores. Raises Unreachable."""
    path = data / "dev.json"
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Unreachable(f"No running server is known here: {path} cannot be read. {HOW_TO_START}") from error
    stores = (found["mongo_url"], found["mongo_db"], found["redis_url"])
    pids = tuple(sorted(found.get("pids", {}).items()))
    target = Target(url or found["url"], found["org"], found["keys"], *stores, pids)
    target.demand(200, "GET", "/healthz")
    return target
