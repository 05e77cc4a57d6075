"""Signs what a webhook gets, as https://www.standardwebhooks.com says."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence


def shown_secret(secret: bytes) -> str:
    """A secret as the owner of a webhook gets it."""
    return "whsec_" + b64encode(secret).decode()


def signed_headers(secrets: Sequence[bytes], message_id: str, at_seconds: int, body: bytes) -> dict[str, str]:
    """The headers of a delivery, with a signature by each secret.

    at_seconds: when this attempt is made, since 1970; receivers refuse old ones.
    """
    signed = f"{message_id}.{at_seconds}.".encode() + body
    signatures = (b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
