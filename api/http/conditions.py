"""The request headers that make a request conditional: If-Match and Idempotency-Key."""

from __future__ import annotations

import re
from hashlib import blake2b
from json import JSONEncoder
from typing import Any

from models.access import Caller, IdempotencyClaim
from models.errors import Fault

NO_SUCH_VERSION = -1
SHORTEST_BY_ADDRESS = 16
"""Characters of an idempotency key that only the client's address tells from those of others."""

_ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"\Z')
_VERSION = re.compile(r"[1-9][0-9]{0,8}\Z", re.ASCII)
_BARE_KEY = re.compile(r"[\x20-\x7e]{1,255}\Z")
_QUOTED_KEY = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"\Z')
_ESCAPED = re.compile(r'\\(["\\])')
_canonical = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def parse_if_match(header: str | None) -> tuple[int | None, list[Fault]]:
    """(expected version, faults) of an If-Match header.

    `*` is any version. `W/"3"` counts as `"3"`: a compressing proxy weakens our tags, and a version names the booking's
    state, not the bytes of a reply. A well-formed tag that is no version of ours matches nothing.
    """
    if header is None or header.strip() == "*":
        return None, []
    tag = _ENTITY_TAG.match(header.strip())
    if tag is None:
        text = 'Give If-Match as one version in quotes, such as "3", or as *.'
        return None, [Fault("If-Match", "bad_if_match", text)]
    return int(tag[1]) if _VERSION.match(tag[1]) else NO_SUCH_VERSION, []


def idempotency_key(header: str) -> tuple[str, list[Fault]]:
    """(key, faults) of an Idempotency-Key header: bare, or the draft's quoted string."""
    key = header.strip()
    quoted = _QUOTED_KEY.match(key)
    if quoted is not None:
        key = _ESCAPED.sub(r"\1", quoted[1])
    if _BARE_KEY.match(key) is None or (quoted is None and key.startswith('"')):
        text = "Give Idempotency-Key as 1 to 255 printable characters."
        return "", [Fault("Idempotency-Key", "bad_idempotency_key", text)]
    return key, []


def claim(key: str, method: str, path: str, document: Any) -> IdempotencyClaim:
    """The promise that a request makes with its key. Key order and whitespace of the body make no difference."""
    asked = f"{method} {path}\n{_canonical(document)}"
    return IdempotencyClaim(key, blake2b(asked.encode(), digest_size=16).hexdigest())


def scoped(key: str, caller: Caller, ids: dict[str, str], document: Any) -> tuple[str, list[Fault]]:
    """(key, faults) of a key that only its owner can repeat.

    Every browser has the same publishable key. So with that, an idempotency key counts only together with the holder or
    the hold that the request names, or, without both, with the client's address: many share one, so a key that could be
    guessed is refused. With any other API key it counts as it is.
    """
    if not caller.is_public:
        return key, []
    named = {**(document if isinstance(document, dict) else {}), **ids}
    for name in ("hold_id", "holder"):
        if isinstance(named.get(name), str):
            return "\0".join((name, named[name], key)), []
    if 0 < len(key) < SHORTEST_BY_ADDRESS:
        text = f"Give Idempotency-Key as {SHORTEST_BY_ADDRESS} to 255 random characters, or name the holder."
        return "", [Fault("Idempotency-Key", "too_short", text)]
    return "\0".join(("address", caller.address, key)), []
