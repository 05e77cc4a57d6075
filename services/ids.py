"""Makes ids and tokens, and checks without any store that this installation made them.

There is one secret per installation, the same on every server. Each purpose has its own key, made from the secret, so
nothing that is signed for one purpose passes for another.
"""

from __future__ import annotations

import hmac
import os
import re
from base64 import b32encode, urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

from models.slot import Visit

TIME_BYTES, RANDOM_BYTES, MAC_BYTES, SEAL_BYTES, STAMP_BYTES = 6, 10, 8, 9, 6
_BODY_BYTES = TIME_BYTES + RANDOM_BYTES

_HOLD_NAME = re.compile(r"h_([A-Za-z0-9_-]{32})")
_HOLD_ID = re.compile(r"(h_[A-Za-z0-9_-]{32})[A-Za-z0-9_-]{20}")
_MANAGE_TOKEN = re.compile(
    r"hfm_([A-Za-z0-9._-]{1,64})~([A-Za-z0-9._-]{1,64})(?:~([1-9][0-9]{0,8}))?~([A-Za-z0-9_-]{43})"
)

MANAGE_PREFIX = "hfm_"
DIRECT_PREFIX, MOVE_PREFIX = "d_", "m_"


def _key(secret: str, purpose: str) -> bytes:
    return hmac.digest(secret.encode(), b"holdfast/" + purpose.encode(), "sha256")


class HoldIds:
    """Makes hold ids, and recognises them even after Redis lost the hold.

    Redis knows a hold by its name: `h_` and 32 characters of base64url, which are 48 bits of time, 80 random bits, and
    64 bits of a keyed hash over both and over the (org, API key) that owns the hold. Clients know it by its id, which
    is the name and 20 more characters: a keyed hash over the name, the owner and the slot, and one over the name and
    the first hash. So a client can neither guess a live id nor make up a valid one. The first hash proves which slot
    was held, but for the units of a building. The second shows without any store that the id was given out as it is.
    """

    def __init__(self, secret: str) -> None:
        self._keyed = blake2b(key=_key(secret, "hold-id"), digest_size=MAC_BYTES)
        self._sealing = blake2b(key=_key(secret, "hold-slot"), digest_size=SEAL_BYTES)
        self._stamping = blake2b(key=_key(secret, "hold-seal"), digest_size=STAMP_BYTES)

    def make(self, org: str, key_id: str, now_ms: int) -> str:
        """A new name. now_ms: the present in milliseconds since the Unix epoch."""
        body = now_ms.to_bytes(TIME_BYTES, "big") + os.urandom(RANDOM_BYTES)
        return "h_" + urlsafe_b64encode(body + self._mac(org, key_id, body)).decode()

    def seal(self, org: str, key_id: str, name: str, visit: Visit) -> str:
        """The id of a hold that Redis has granted. key_id: of the API key that owns it."""
        seal = self._sealing.copy()
        first, *others = sorted((visit.technician_id, *visit.crew))  # a crew is the same one in any order
        parts = (org, key_id, name, visit.property_id, first)
        ticks = (visit.start, visit.end - visit.start, visit.before, visit.after)
        seal.update("\0".join((*parts, *map(str, ticks), *others)).encode())
        return name + urlsafe_b64encode(seal.digest() + self._stamp(org, name, seal.digest())).decode()

    def proves(self, org: str, key_id: str, hold_id: str, visit: Visit) -> bool:
        """Whether an id is that of a hold of this visit by this key."""
        sealed = self.seal(org, key_id, hold_name(hold_id) or "", visit)
        return hmac.compare_digest(sealed.encode(), hold_id.encode())

    def was_given(self, org: str, hold_id: str) -> bool:
        """Whether an id is one that `seal` made for a hold of this org, of whatever slot and owner."""
        name = hold_name(hold_id)
        if name is None:
            return False
        packed = urlsafe_b64decode(hold_id[len(name) :])
        seal, stamp = packed[:SEAL_BYTES], packed[SEAL_BYTES:]
        return hmac.compare_digest(stamp, self._stamp(org, name, seal))

    def issued_at_ms(self, org: str, key_id: str, name: str) -> int | None:
        """When this key of this org got a name, in milliseconds since the Unix epoch; None if it never did."""
        match = _HOLD_NAME.fullmatch(name)
        if match is None:
            return None
        packed = urlsafe_b64decode(match[1])
        body, mac = packed[:_BODY_BYTES], packed[_BODY_BYTES:]
        if not hmac.compare_digest(mac, self._mac(org, key_id, body)):
            return None
        return int.from_bytes(body[:TIME_BYTES], "big")

    def _stamp(self, org: str, name: str, seal: bytes) -> bytes:
        stamp = self._stamping.copy()
        stamp.update(seal + f"{org}\0{name}".encode())
        return stamp.digest()

    def _mac(self, org: str, key_id: str, body: bytes) -> bytes:
        mac = self._keyed.copy()
        # The body has a fixed length and ids contain no NUL, so each owner has a text of its own.
        mac.update(body + f"{org}\0{key_id}".encode())
        return mac.digest()


class WaitlistIds:
    """Derives the ids of waitlist entries: the same parts give the same id. Nobody can guess one without the secret."""

    def __init__(self, secret: str) -> None:
        self._secret = _key(secret, "waitlist-id")

    def derive(self, *parts: str) -> str:
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return "wl_" + hmac.digest(self._secret, text.encode(errors="surrogatepass"), "sha256").hex()[:32]


class WebhookSecrets:
    """Makes the secrets that sign what webhooks get. A secret follows from the webhook's id and from the generation
    that the webhook keeps, so no store holds it, and a rotation is a new generation."""

    def __init__(self, secret: str) -> None:
        self._secret = _key(secret, "webhook-secret")

    def make(self, org: str, webhook_id: str, generation: int) -> bytes:
        """The 32 bytes of one secret. The same arguments give the same secret."""
        return hmac.digest(self._secret, f"{org}~{webhook_id}~{generation}".encode(), "sha256")


class ManageTokens:
    """Makes and reads the bearer tokens of bookings. A token follows from the booking's id and from the generation that
    the booking keeps, so no store holds it. A booking with a new generation has a new token.

    It is `hfm_<org>~<booking id>~<mac>`, with `<generation>~` before the mac unless that is 0: ids contain no `~`, and
    a bearer token may (token68 of RFC 9110).
    """

    def __init__(self, secret: str) -> None:
        self._secret = _key(secret, "manage-token")

    def make(self, org: str, booking_id: str, generation: int = 0) -> str:
        """The bearer token of one booking, for its customer. The same arguments give the same token."""
        named = f"{org}~{booking_id}" + (f"~{generation}" if generation else "")
        return f"{MANAGE_PREFIX}{named}~{self._mac(named)}"

    def read(self, token: str) -> tuple[str, str, int] | None:
        """The (org, booking id, generation) of a token; None if this installation did not make it."""
        match = _MANAGE_TOKEN.fullmatch(token)
        if match is None:
            return None
        org, booking_id, generation, mac = match.groups()
        named = token[len(MANAGE_PREFIX) : match.start(4) - 1]
        # Compares text, because several texts decode to the same bytes: base64's last character has two spare bits.
        if not hmac.compare_digest(mac, self._mac(named)):
            return None
        return org, booking_id, int(generation or 0)

    def _mac(self, named: str) -> str:
        mac = hmac.digest(self._secret, named.encode(), "sha256")
        return urlsafe_b64encode(mac).decode().rstrip("=")


class PhoneDigests:
    """Keyed hashes of phones, for lists that are to name nobody. Nobody can try numbers out without the secret."""

    def __init__(self, secret: str) -> None:
        self._secret = _key(secret, "phone")

    def of(self, org: str, phone: str) -> str:
        """phone: E.164. An org id has no blank."""
        return hmac.digest(self._secret, f"{org} {phone}".encode(), "sha256").hex()[:40]


def booking_id_for(org: str, *parts: str) -> str:
    """The id of the booking that `parts` lead to: a hold id, or an API key's id and an Idempotency-Key.

    The same parts give the same id, so a repeated insert finds the first one. It is `bk_` and 26 characters of a-z2-7.
    """
    return _derived("bk_", org, *parts)


def series_id_for(org: str, *parts: str) -> str:
    """The id of the series that `parts` lead to, in the same way."""
    return _derived("se_", org, *parts)


def _derived(prefix: str, *parts: str) -> str:
    text = "".join(f"{len(part)}:{part}" for part in parts)
    mac = blake2b(text.encode(errors="surrogatepass"), digest_size=16)
    return prefix + b32encode(mac.digest())[:26].decode().lower()


def booking_of_hold(org: str, hold_id: str) -> tuple[str, str] | None:
    """The name of the hold, and the id of the booking that it becomes. None for what is no id of a hold."""
    name = hold_name(hold_id)
    return (name, booking_id_for(org, name)) if name else None


def hold_name(hold_id: str) -> str | None:
    """The name by which Redis knows the hold of an id. None for what is no id, such as a name or a pin."""
    match = _HOLD_ID.fullmatch(hold_id)
    return match[1] if match else None


def direct_pin(name: str) -> str:
    """The name under which a direct booking with an idempotency key pins its claims; a repeat finds the same pin."""
    return f"{DIRECT_PREFIX}{name}"


def move_pin(booking_id: str, version: int, target: str) -> str:
    """The name under which a move pins a booking's new claims; a repeat of the move finds the same pin.

    version: the booking's version before the move. target: a digest of the visit after it.
    """
    return f"{MOVE_PREFIX}{booking_id}.{version}.{target}"


def version_moved(pin: str, booking_id: str) -> int | None:
    """The version of this booking that a pin moves; None for a pin of anything else."""
    of_booking, _, version = pin.rpartition(".")[0].rpartition(".")
    return int(version) if of_booking == MOVE_PREFIX + booking_id else None


def is_pin(name: str) -> bool:
    """Whether a name is a pin's."""
    return name.startswith((DIRECT_PREFIX, MOVE_PREFIX))
