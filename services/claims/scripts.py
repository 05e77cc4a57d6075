"""Loads the Lua scripts and runs them.

Each operation has a file of its name, and PARTS names those that stand in front of it, behind `common.lua`.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from redis import BlockingConnectionPool, Redis
from redis.commands.core import Script
from redis.exceptions import NoScriptError

from services.stores.faults import REDIS_ERRORS, redis_faults
from services.stores.redis_lane import ScriptLane

HOLDS = ("holds",)
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "place_hold": (
        *HOLDS,
        *("place_asking", "place_reading", "place_choosing", "place_own", "place_refusing", "place_granting"),
    ),
    "begin_confirm": HOLDS,
    "abort_confirm": HOLDS,
    "extend_hold": HOLDS,
    "release_hold": HOLDS,
    "mirror_booking": HOLDS,
    "read_hold": (),
    "forget_booking": (),
    "trust_hold": (),
    "keep_reservation": (),
    "overdue_pins": (),
    "finish_rebuild": (),
    "open_request": (),
    "announce_offer": (),
    "take_seat": (),
}


def source(name: str) -> str:
    """The whole text of a script, as Redis runs it."""
    folder = files("services.claims") / "lua"
    return "\n".join((folder / f"{part}.lua").read_text() for part in ("common", *PARTS[name], name))


class Scripts:
    """The scripts of one client. After a restart Redis has forgotten them; the next call loads them again."""

    def __init__(self, redis: Redis) -> None:
        self._scripts: dict[str, Script] = {name: redis.register_script(source(name)) for name in PARTS}
        # Behind Sentinel or in a Cluster the library must find the right server first, so it makes the call itself.
        pool = redis.connection_pool if type(redis) is Redis else None
        self._lane = ScriptLane(pool) if type(pool) is BlockingConnectionPool else None

    def run(self, name: str, keys: list[str], args: list[Any]) -> list[Any]:
        """Runs a script and gives its reply: a word, then what the script's header says. Raises RedisUnavailable."""
        try:
            return self._call(self._scripts[name], keys, args)
        except REDIS_ERRORS:
            with redis_faults():
                raise

    def _call(self, script: Script, keys: list[str], args: list[Any]) -> list[Any]:
        reply: Any
        try:
            if self._lane is None:
                reply = script.registered_client.evalsha(script.sha, len(keys), *keys, *args)
            else:
                reply = self._lane.call("EVALSHA", script.sha, len(keys), *keys, *args)
        except NoScriptError:
            # One round trip, and to the one node that needs it. The library's own way takes three, to every master.
            client: Any = script.registered_client
            reply = client.eval(script.script, len(keys), *keys, *args)
        return list(reply)
