"""A client of a Redis Cluster that starts, and answers in time, while nodes are away.

RedisCluster asks its nodes which of them has which slots: when it is made, and after each failure. It asks one after
another under a lock, and its making fails if none answers. So it gets one node only, the `Layout`, which asks all nodes
at once, and gives what it knows if none answers.
"""

from __future__ import annotations

from typing import Any

from redis import Redis, RedisCluster
from redis._parsers import CommandsParser
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import ConnectionError as Disconnected
from redis.retry import Retry

from services.stores.silence import Silence, answers_of

Host = tuple[str, int]
Slots = list[list[Any]]
"""For each range of slots the first, the last, and the nodes, of which the first is the master."""
LAST_SLOT = 16_383


class Layout(Redis):
    """Knows which node has which slots, as the nodes of the majority last said.

    Until one answers, the first of `hosts` has all slots: it names the right node for each that it does not have.
    """

    def __init__(self, hosts: list[Host], seconds: float, options: dict[str, Any]) -> None:
        """seconds: how long a node may take to accept a connection, and for each of two answers."""
        quick = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
        self._options = options | quick
        super().__init__(*hosts[0], **self._options)
        self._hosts = hosts
        self._slots: Slots = [[0, LAST_SLOT, [*hosts[0], ""]]]
        self._silence = Silence()

    def execute_command(self, *_args: Any, **_options: Any) -> Slots:
        """The reply of CLUSTER SLOTS, the only command that a RedisCluster sends here."""
        self._look()
        return self._slots

    def is_silent(self) -> bool:
        """Whether no node answered a moment ago. A caller now and then looks again first."""
        if self._silence.is_known():
            self._look()
        return self._silence.is_known()

    def _look(self) -> None:
        """Asks all nodes and waits for one; not within a second after none answered."""
        if self._silence.lasts():
            return
        known = {(str(host), int(port)) for _, _, *nodes in self._slots for host, port, *_ in nodes}
        for slots in answers_of(known.union(self._hosts), self._ask):
            self._slots = slots
            self._silence.end()
            return
        self._silence.begin()

    def _ask(self, asked: Host) -> Slots | None:
        """What one node says; None if it is cut from the majority, since then it knows an old layout."""
        with Redis(*asked, **self._options) as node:
            if node.cluster("info")["cluster_state"] != "ok":
                return None
            slots: Slots = node.execute_command("CLUSTER SLOTS")
        # A node that does not know its own host leaves it out.
        return [[first, last, *([host or asked[0], *rest] for host, *rest in nodes)] for first, last, *nodes in slots]


class Cluster(RedisCluster):
    """A RedisCluster that is made without its nodes. While none of them answers, its commands fail at once."""

    def __init__(self, hosts: list[Host], seconds: float, **options: Any) -> None:
        """seconds: as Layout takes it. options: those of a connection to a node, and `retry`."""
        single = {name: value for name, value in options.items() if name != "retry"}
        self._layout = Layout(hosts, seconds, single)
        node = ClusterNode(*hosts[0], redis_connection=self._layout)  # type: ignore[no-untyped-call]
        super().__init__(startup_nodes=[node], dynamic_startup_nodes=False, require_full_coverage=False, **options)
        self.commands_parser = _FirstKey()

    def command(self, **_: Any) -> dict[str, Any]:
        """Nothing: `_FirstKey` stands in for what a server would answer."""
        return {}

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Runs a command on the node that has its key. Raises RedisError or RedisClusterException."""
        self._fail_if_silent()
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        """Commands that are sent together. Raises as `execute_command`."""
        self._fail_if_silent()
        return super().pipeline(transaction, shard_hint)  # type: ignore[no-untyped-call]

    def _fail_if_silent(self) -> None:
        if self._layout.is_silent():
            raise Disconnected("No node of the cluster answered a moment ago.")


class _FirstKey(CommandsParser):
    """Finds the keys of a command: all our commands but scripts have one, and it comes first."""

    def __init__(self) -> None:
        """Asks no server, other than the library's own."""

    def get_keys(self, _redis: Redis, *args: Any) -> list[Any]:
        """The keys of a command, given as its words."""
        return list(args[1:2])
