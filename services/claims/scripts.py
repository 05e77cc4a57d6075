"""Loads the Lua scripts, one file per operation, each with `common.lua` in front, and runs them."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from redis import BlockingConnectionPool, Redis
from redis.commands.core import Script
from redis.exceptions import NoScriptError

from services.stores.redis_lane import ScriptLane

NAMES = (
    "place_hold",
    "begin_confirm",
    "abort_confirm",
    "extend_hold",
    "release_hold",
    "mirror_booking",
    "trust_hold",
    "keep_reservation",
    "overdue_pins",
    "finish_rebuild",
    "open_request",
    "tell_offer",
)


def source(name: str) -> str:
    """The whole text of a script, as Redis runs it."""
    folder = files("services.claims") / "lua"
    return (folder / "common.lua").read_text() + "\n" + (folder / f"{name}.lua").read_text()


class Scripts:
    """The scripts of one client. Redis forgetting them (a restart) is mended at their next use."""

    def __init__(self, redis: Redis) -> None:
        self._scripts: dict[str, Script] = {name: redis.register_script(source(name)) for name in NAMES}
        # Behind Sentinel or in a Cluster the library has to find the right server first, so it makes the call itself.
        pool = redis.connection_pool if type(redis) is Redis else None
        self._lane = ScriptLane(pool) if type(pool) is BlockingConnectionPool else None

    def run(self, name: str, keys: list[str], args: list[Any]) -> list[Any]:
        """Runs a script and gives its reply: a word, then what the script's header says. Raises RedisError."""
        script = self._scripts[name]
        reply: list[Any]
        try:
            if self._lane is None:
                reply = script(keys, args)
            else:
                reply = self._lane.call("EVALSHA", script.sha, len(keys), *keys, *args)
        except NoScriptError:
            reply = script(keys, args)  # the library's way loads it
        return reply
