"""What the routes of the catalogue share: how a made or changed thing is shown, and what a repeat is known by."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from api.http.endpoint import Ask, Reply


def shown(made: BaseModel, status: int = 200) -> Reply:
    """A reply with every member of the model."""
    return Reply(status, made.model_dump(mode="json"))


def request_of(ask: Ask[Any]) -> str | None:
    """What only a repeat of this very request has, by which a creation whose reply was lost finds what it made."""
    claim = ask.idempotency
    return None if claim is None else f"{ask.caller.key_id}:{claim.fingerprint}:{claim.key}"
