"""Loads the Lua scripts: one file per operation, each with `common.lua` in front."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from redis import Redis
from redis.commands.core import Script

NAMES = (
    "place_hold",
    "begin_confirm",
    "abort_confirm",
    "extend_hold",
    "release_hold",
    "mirror_booking",
    "overdue_pins",
    "finish_rebuild",
    "open_request",
)


def source(name: str) -> str:
    """The whole text of a script, as Redis runs it."""
    folder = files("services") / "lua"
    return (folder / "common.lua").read_text() + "\n" + (folder / f"{name}.lua").read_text()


class Scripts:
    """The registered scripts of one client. Redis forgetting them (a restart) is mended by the client by itself."""

    def __init__(self, redis: Redis) -> None:
        self._scripts: dict[str, Script] = {name: redis.register_script(source(name)) for name in NAMES}

    def run(self, name: str, keys: list[str], args: list[Any], client: Any = None) -> list[Any]:
        """Runs a script and gives its reply: a word, then what the script's header says.

        client: a pipeline to queue it on instead; the reply then comes from the pipeline.
        """
        reply: list[Any] = self._scripts[name](keys, args, client)
        return reply
