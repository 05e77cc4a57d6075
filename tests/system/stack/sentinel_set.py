"""A Redis master with two replicas and three Sentinels. A proxy stands before each, so that it can fall silent.

A replica and a Sentinel reach the others through the proxies alone. So a master behind a stalled proxy is cut from all
of them, and only a client that has its own address still reaches it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from redis import Redis

from scripts.dev_server.child import Child, wait_until
from scripts.dev_server.stores import free_port, port_answers
from tests.servers import RedisServer
from tests.system.drills.installation import SOON
from tests.system.drills.proxy import Proxy

FENCE = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "1")
"""As docs/operations.md gives it to each of the three."""


class Node(RedisServer):
    """A Redis that tells the others the address of the proxy before it."""

    def __init__(self) -> None:
        super().__init__()
        self.proxy = Proxy(self.port)
        self.follows: Node | None = None

    def _argv(self) -> list[str]:
        announced = ["--replica-announce-ip", "127.0.0.1", "--replica-announce-port", str(self.proxy.port)]
        source = ["--replicaof", "127.0.0.1", str(self.follows.proxy.port)] if self.follows else []
        return [*super()._argv(), "--repl-diskless-sync-delay", "0", *FENCE, *announced, *source]

    def asks(self, *words: str | int) -> object:
        """The reply to one command, past the proxy."""
        with self.client() as client:
            return client.execute_command(*words)

    def info(self) -> dict[str, object]:
        """INFO replication, past the proxy."""
        with self.client() as client:
            return client.info("replication")


class SentinelSet:
    """Three nodes and three Sentinels. `url` is the address for REDIS_URL; the Sentinels in it are behind proxies."""

    def __init__(self, stack: ExitStack) -> None:
        self.nodes = [Node() for _ in range(3)]
        for node in self.nodes:
            node.follows = None if node is self.nodes[0] else self.nodes[0]
            stack.callback(node.proxy.close)
            stack.enter_context(node)
        self.sentinels = [self._sentinel(stack) for _ in range(3)]
        self.proxies = [Proxy(port) for port in self.sentinels]
        for proxy in self.proxies:
            stack.callback(proxy.close)
        names = ",".join(f"127.0.0.1:{proxy.port}" for proxy in self.proxies)
        self.url = f"redis+sentinel://{names}/mymaster"
        self.heal()

    def _sentinel(self, stack: ExitStack) -> int:
        first = self.nodes[0]
        port, config = free_port(), first.folder / f"sentinel-{free_port()}.conf"
        settings = ["down-after-milliseconds mymaster 3000", "failover-timeout mymaster 1000"]
        watched = f"sentinel monitor mymaster 127.0.0.1 {first.proxy.port} 2"
        lines = [f"port {port}", "bind 127.0.0.1", watched, *(f"sentinel {each}" for each in settings)]
        config.write_text("\n".join(lines) + "\n")
        child = Child("sentinel", [first.binary, str(config), "--sentinel"], config.with_suffix(".log"))
        child.start()
        stack.callback(child.kill)
        assert wait_until(lambda: port_answers(port), seconds=SOON), child.log_tail()
        return port

    def master(self) -> Node:
        """The node that all Sentinels name, once they agree."""
        named: list[set[int]] = []

        def agree() -> bool:
            named.append({self._named(sentinel) for sentinel in self.sentinels})
            return len(named[-1]) == 1

        assert wait_until(agree, seconds=SOON)
        return next(node for node in self.nodes if node.proxy.port in named[-1])

    def heal(self) -> None:
        """Ends every silence, starts what is dead, and returns when the master has two replicas that are up to date."""
        for proxy in (*self.proxies, *(node.proxy for node in self.nodes)):
            proxy.heal()
        master = self.master()
        for node in self.nodes:
            node.follows = None if node is master else master
            if not node.alive():
                node.start()
            if node is not master:
                node.asks("REPLICAOF", "127.0.0.1", master.proxy.port)
        assert wait_until(self._is_whole, seconds=SOON), [node.info() for node in self.nodes]

    def _is_whole(self) -> bool:
        return self.master().info().get("min_slaves_good_slaves") == 2 and all(
            self._knows_all(port) for port in self.sentinels
        )

    def _named(self, sentinel: int) -> int:
        with Redis(port=sentinel, decode_responses=True) as client:
            return int(client.sentinel_get_master_addr_by_name("mymaster")[1])

    def _knows_all(self, sentinel: int) -> bool:
        with Redis(port=sentinel, decode_responses=True) as client:
            seen = client.sentinel_master("mymaster")
            replicas = client.sentinel_slaves("mymaster")
        up = [each for each in replicas if not each["is_sdown"]]
        return (seen["num-other-sentinels"], seen["flags"], len(up)) == (2, "master", 2)


@contextmanager
def sentinel_set() -> Iterator[SentinelSet]:
    """A whole set for the length of a `with` block."""
    with ExitStack() as stack:
        yield SentinelSet(stack)
