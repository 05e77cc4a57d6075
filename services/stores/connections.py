"""Connects to Redis and MongoDB: addresses, time-outs and retries, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient, WriteConcern
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.settings import DEFAULTS, StoreSettings, StoreTimeouts
from services.stores.cluster import Cluster
from services.stores.sentinels import Sentinels

BACKGROUND_TIMEOUT_MS = 20_000

# More than the requests that a worker serves at a time (api/http/turns.py), so that none waits for a connection.
REDIS_CONNECTIONS = 48
MONGO_CONNECTIONS = 48

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stores:
    """The clients of both stores."""

    redis: Redis
    db: Database[Document]


def connect_stores(settings: StoreSettings, *, background: bool = False) -> Stores:
    """Clients for the stores that the settings name. They connect at their first use.

    background: for a process that serves no requests, so that a read may take long.
    """
    return Stores(
        redis=connect_redis(settings.redis_url, settings),
        db=connect_mongo(settings.mongo_url, settings.mongo_db, settings, background=background),
    )


def connect_redis(url: str, timeouts: StoreTimeouts = DEFAULTS) -> Redis:
    """A client for `redis://`, `rediss://`, `redis+cluster://host:port` or `redis+sentinel://host:port,host:port/name`.

    The last two also take `user:password@` and `rediss+…`; both are for the servers, not for the Sentinels.

    The client never retries: a stalled script would run twice, and every caller knows what a failure means for it.
    """
    address = urlsplit(url)
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": timeouts.redis_seconds,
        "socket_connect_timeout": timeouts.redis_connect_seconds,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,  # we use nothing of version 3, and with 2 a new connection needs no handshake
        "driver_info": None,
    }
    if "+" in address.scheme:
        options |= {
            "username": address.username,
            "password": address.password,
            "ssl": address.scheme.startswith("rediss"),
        }
    if address.scheme.endswith("+cluster"):
        # The same commands, without a common base.
        return Cluster(_hosts(url, 6379), timeouts.redis_connect_seconds, **options)  # type: ignore[return-value]
    if address.scheme.endswith("+sentinel"):
        sentinels = Sentinels(_hosts(url, 26379), timeouts.redis_connect_seconds, **options)
        master: Redis = sentinels.master_for(address.path.strip("/") or "mymaster")  # type: ignore[no-untyped-call]
        return master
    options |= {"max_connections": REDIS_CONNECTIONS, "timeout": timeouts.redis_seconds}
    # The pool is this client's own, so to close the client closes the pool.
    return Redis.from_pool(BlockingConnectionPool.from_url(url, **options))


def _hosts(url: str, port: int) -> list[tuple[str, int]]:
    pairs = (host.rsplit("@")[-1].partition(":") for host in urlsplit(url).netloc.split(","))
    return [(name, int(number or port)) for name, _, number in pairs]


def connect_mongo(
    url: str, name: str, timeouts: StoreTimeouts = DEFAULTS, *, background: bool = False
) -> Database[Document]:
    """A database that acknowledges a write once a majority has it in its journal, and that reads only such writes.

    background: for work that may take long: no operation is bounded with all its retries, only each wait for a reply.
    The client connects at its first use, so after a fork.
    """
    connect_ms = round(timeouts.mongo_connect_seconds * 1000)
    client: MongoClient[Document] = MongoClient(
        url,
        connect=False,
        tz_aware=True,
        serverSelectionTimeoutMS=connect_ms,
        connectTimeoutMS=connect_ms,
        timeoutMS=None if background else round(timeouts.mongo_seconds * 1000),
        socketTimeoutMS=BACKGROUND_TIMEOUT_MS if background else None,
        maxPoolSize=MONGO_CONNECTIONS,
        appname="holdfast",
    )
    return client.get_database(
        name, write_concern=WriteConcern(w="majority", j=True), read_concern=ReadConcern("majority")
    )
