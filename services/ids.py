"""Ids and tokens that prove themselves: hold ids, manage tokens, and the ids of bookings and places, which are derived.

One secret per installation, the same on every server. Each purpose has a key of its own made from it, so that nothing
signed for one purpose passes for another. No store is asked here.
"""

from __future__ import annotations

import hmac
import os
import re
from base64 import b32encode, urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

TIME_BYTES, RANDOM_BYTES, MAC_BYTES = 6, 10, 8
_BODY_BYTES = TIME_BYTES + RANDOM_BYTES

_HOLD_ID = re.compile(r"h_([A-Za-z0-9_-]{32})\Z")
_MANAGE_TOKEN = re.compile(r"hfm_([A-Za-z0-9._-]{1,64})~([A-Za-z0-9._-]{1,64})~([A-Za-z0-9_-]{43})\Z")

MANAGE_PREFIX = "hfm_"
DIRECT_PREFIX, MOVE_PREFIX = "d_", "m_"


def _key(secret: str, purpose: str) -> bytes:
    return hmac.digest(secret.encode(), b"holdfast/" + purpose.encode(), "sha256")


class HoldIds:
    """Makes hold ids, and tells an id that Redis has lost from one that somebody made up.

    `h_` and 32 characters of base64url: 48 bits of time, 80 random bits, and 64 bits of a keyed hash over them and the
    (org, API key) that the hold belongs to. Nobody can guess a live one, nor make one that was never given out.
    """

    def __init__(self, secret: str) -> None:
        self._keyed = blake2b(key=_key(secret, "hold-id"), digest_size=MAC_BYTES)

    def make(self, org: str, key_id: str, now_ms: int) -> str:
        """A new id. now_ms: the present in epoch milliseconds."""
        body = now_ms.to_bytes(TIME_BYTES, "big") + os.urandom(RANDOM_BYTES)
        return "h_" + urlsafe_b64encode(body + self._mac(org, key_id, body)).decode()

    def issued_at_ms(self, org: str, key_id: str, hold_id: str) -> int | None:
        """When we gave this id to this key of this org, in epoch milliseconds; None if we never did."""
        match = _HOLD_ID.match(hold_id)
        if match is None:
            return None
        packed = urlsafe_b64decode(match[1])
        body, mac = packed[:_BODY_BYTES], packed[_BODY_BYTES:]
        if not hmac.compare_digest(mac, self._mac(org, key_id, body)):
            return None
        return int.from_bytes(body[:TIME_BYTES], "big")

    def _mac(self, org: str, key_id: str, body: bytes) -> bytes:
        mac = self._keyed.copy()
        # The body's length is fixed and ids hold no NUL, so no two owners share this text.
        mac.update(body + f"{org}\0{key_id}".encode())
        return mac.digest()


class WaitlistIds:
    """Derives the ids of places on the waitlist: the same parts give the same id, and nobody else can work it out."""

    def __init__(self, secret: str) -> None:
        self._secret = _key(secret, "waitlist-id")

    def derive(self, *parts: str) -> str:
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return "wl_" + hmac.digest(self._secret, text.encode(errors="surrogatepass"), "sha256").hex()[:32]


class ManageTokens:
    """The bearer credential of one booking: derived from its id, hence never stored and always the same.

    `hfm_<org>~<booking id>~<mac>`: ids hold no `~`, and a bearer token may (token68 of RFC 9110).
    """

    def __init__(self, secret: str) -> None:
        self._secret = _key(secret, "manage-token")

    def make(self, org: str, booking_id: str) -> str:
        return f"{MANAGE_PREFIX}{org}~{booking_id}~{self._mac(org, booking_id)}"

    def read(self, token: str) -> tuple[str, str] | None:
        """The (org, booking id) that a token is good for; None if it is not ours."""
        match = _MANAGE_TOKEN.match(token)
        if match is None:
            return None
        org, booking_id, mac = match.groups()
        # Compared as text: the last character of base64 has two spare bits, so several spellings decode alike.
        return (org, booking_id) if hmac.compare_digest(mac, self._mac(org, booking_id)) else None

    def _mac(self, org: str, booking_id: str) -> str:
        mac = hmac.digest(self._secret, f"{org}~{booking_id}".encode(), "sha256")
        return urlsafe_b64encode(mac).decode().rstrip("=")


def booking_id_for(org: str, *parts: str) -> str:
    """The id of the booking that comes of `parts`: of a hold id, or of an API key's id and an Idempotency-Key.

    The same parts give the same id, so that a repeated insert meets itself. `bk_` and 26 characters of a-z2-7.
    """
    text = "".join(f"{len(part)}:{part}" for part in (org, *parts))
    mac = blake2b(text.encode(errors="surrogatepass"), digest_size=16)
    return "bk_" + b32encode(mac.digest())[:26].decode().lower()


def direct_pin(name: str) -> str:
    """The name under which a direct booking with an idempotency key pins its claims: a repeat meets it."""
    return f"{DIRECT_PREFIX}{name}"


def move_pin(booking_id: str, version: int, target: str) -> str:
    """The name under which a change of a booking's version pins the claims that it is to have: a repeat meets it.

    target: a digest of the visit that it is to become.
    """
    return f"{MOVE_PREFIX}{booking_id}.{version}.{target}"


def version_moved(pin: str, booking_id: str) -> int | None:
    """Which version of this booking a pin is to move; None if it is none of its pins."""
    of_booking, _, version = pin.rpartition(".")[0].rpartition(".")
    return int(version) if of_booking == MOVE_PREFIX + booking_id else None


def is_pin(hold_id: str) -> bool:
    """Whether a name is that of a pin, which is no client's to read, extend, release or book."""
    return hold_id.startswith((DIRECT_PREFIX, MOVE_PREFIX))
