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

_ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_TAG_LIST = re.compile(rf"[\s,]*(?:{_ENTITY_TAG.pattern}\s*(?:,[\s,]*|\Z))+\Z")
_CODING = re.compile(r"(?:--?|;)(?:gzip|br|zstd|deflate)\Z")
"""What compressing proxies add to a tag."""
_VERSION = re.compile(r"[1-9][0-9]{0,8}\Z", re.ASCII)
_BARE_KEY = re.compile(r"[\x20-\x7e]{1,255}\Z")
_QUOTED_KEY = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"\Z')
_ESCAPED = re.compile(r'\\(["\\])')
_canonical = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def entity_tags(header: str) -> frozenset[str]:
    """Our tags in a list such as `"3", W/"4-gzip"`: without what weakens them or names a coding. Empty for no list.

    A compressing proxy weakens our tags or adds to them. They name the state behind a reply, not its bytes.
    """
    if _TAG_LIST.match(header) is None:
        return frozenset()
    return frozenset(_CODING.sub("", tag) for tag in _ENTITY_TAG.findall(header))


def parse_if_match(header: str | None) -> tuple[int | None, list[Fault]]:
    """(expected version, faults) of an If-Match header.

    `*` is any version. Of several tags at most one may be a version of ours. Tags that are none match nothing.
    """
    if header is None or header.strip() == "*":
        return None, []
    tags = entity_tags(header)
    versions = {int(tag) for tag in tags if _VERSION.match(tag)}
    if not tags or len(versions) > 1:
        text = 'Give If-Match as one version in quotes, such as "3", or as *.'
        return None, [Fault("If-Match", "bad_if_match", text)]
    return versions.pop() if versions else NO_SUCH_VERSION, []


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
    """The promise that a request makes with its key. Key order and whitespace of the body make no difference, nor
    does a slash at the end of the path."""
    asked = f"{method} {path.rstrip('/')}\n{_canonical(document)}"
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
