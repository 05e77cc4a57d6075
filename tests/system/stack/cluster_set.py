"""A Redis Cluster of three masters, each with a replica; slots can move while it serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise

from scripts.dev_server.child import wait_until
from scripts.dev_server.stores import free_port
from tests.servers import RedisServer
from tests.system.drills.installation import SOON

NODE_TIMEOUT_MS = 3_000
"""Longer than a busy machine lets a node wait: otherwise a replica would take over from a living master."""
SLOTS = 16_384
BOUNDS = (0, 5_461, 10_923, SLOTS)


class ClusterNode(RedisServer):
    """One node, with a port of its own for the cluster bus: the usual one, 10,000 above, may not exist."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = free_port()

    def _argv(self) -> list[str]:
        files = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", str(self.bus)]
        quick = ["--cluster-node-timeout", str(NODE_TIMEOUT_MS), "--repl-diskless-sync-delay", "0"]
        return [*super()._argv(), *files, *quick]

    def asks(self, *words: str | int) -> str:
        """The reply to one command as text."""
        with self.client() as client:
            return str(client.execute_command(*words))

    @property
    def node_id(self) -> str:
        """The id under which the others know it."""
        return self.asks("CLUSTER", "MYID")

    @property
    def is_master(self) -> bool:
        """Whether it is a master, by its own account."""
        return "master" in self.asks("ROLE")

    def is_whole(self) -> bool:
        """Whether this node sees all slots served, every node alive, and has its replica or its master."""
        with self.client() as client:
            nodes, replication = client.cluster("nodes").values(), client.info("replication")
            served = client.cluster("info")["cluster_state"] == "ok"
        linked = replication.get("connected_slaves") == 1 or replication.get("master_link_status") == "up"
        return served and linked and not any("fail" in each["flags"] for each in nodes)


class ClusterSet:
    """Three masters, and a replica of each. `url` is the address for REDIS_URL and names two of the six."""

    def __init__(self, stack: ExitStack) -> None:
        self.nodes = [stack.enter_context(ClusterNode()) for _ in range(6)]
        masters, replicas = self.nodes[:3], self.nodes[3:]
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in masters[:2])
        for number, (node, (first, end)) in enumerate(zip(masters, pairwise(BOUNDS), strict=True), start=1):
            node.asks("CLUSTER", "SET-CONFIG-EPOCH", number)
            node.asks("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for node in self.nodes[1:]:
            self.nodes[0].asks("CLUSTER", "MEET", "127.0.0.1", node.port, node.bus)
        assert wait_until(self._all_know_all, seconds=SOON)
        for replica, master in zip(replicas, masters, strict=True):
            replica.asks("CLUSTER", "REPLICATE", master.node_id)
        self.heal()

    def heal(self) -> None:
        """Starts what is dead, and returns when every node sees all others alive and each master has a replica."""
        for node in self.nodes:
            if not node.alive():
                node.start()
        assert wait_until(self._is_whole, seconds=SOON), [node.asks("CLUSTER", "NODES") for node in self.nodes]

    def owner(self, key: str) -> ClusterNode:
        """The master that has the slot of a key."""
        asked = next(node for node in self.nodes if node.alive())
        with asked.client() as client:
            slot = client.cluster("keyslot", key)
            for first, last, (_, port, *_), *_ in client.execute_command("CLUSTER SLOTS"):
                if first <= slot <= last:
                    return next(node for node in self.nodes if node.port == port)
        raise LookupError(key)

    def move(self, key: str, target: ClusterNode) -> None:
        """Gives the slot of a key to another master, with its keys a few at a time, as redis-cli does."""
        with self.moving(key, target) as (source, slot), source.client() as client:
            while keys := client.execute_command("CLUSTER GETKEYSINSLOT", slot, 10):
                client.migrate("127.0.0.1", target.port, keys, 0, 5_000)

    @contextmanager
    def moving(self, key: str, target: ClusterNode) -> Iterator[tuple[ClusterNode, str]]:
        """The master that has the slot of a key, and the slot. At the end of the block, which moves all keys, it has
        moved."""
        source = self.owner(key)
        slot = source.asks("CLUSTER", "KEYSLOT", key)
        target.asks("CLUSTER", "SETSLOT", slot, "IMPORTING", source.node_id)
        source.asks("CLUSTER", "SETSLOT", slot, "MIGRATING", target.node_id)
        yield source, slot
        for node in (target, source, *self.nodes):
            if node.is_master:
                node.asks("CLUSTER", "SETSLOT", slot, "NODE", target.node_id)

    def _all_know_all(self) -> bool:
        return all(node.asks("CLUSTER", "INFO").count("cluster_known_nodes:6") for node in self.nodes)

    def _is_whole(self) -> bool:
        return [node.is_master for node in self.nodes].count(True) == 3 and all(node.is_whole() for node in self.nodes)


@contextmanager
def cluster_set() -> Iterator[ClusterSet]:
    """A whole cluster for the length of a `with` block."""
    with ExitStack() as stack:
        yield ClusterSet(stack)
