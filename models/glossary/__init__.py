"""What every field and parameter of the API means, for clients that read nothing but the document.

One name means one thing in the whole API, so it is described once. Where a name means something more special in one
model and in those that inherit from it, an entry `Model.name` says so, and where it is a part of a path, `path.name`.
Times are RFC 3339, and units stand in the names.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.glossary import catalogue, dispatch, imports, live, messages, people, problems, series, visits, webhooks

_ROOMS = (visits, dispatch, imports, catalogue, people, series, live, problems, webhooks, messages)
WORDS: dict[str, str] = {field: text for room in _ROOMS for field, text in room.WORDS.items()}


def key_of(models: Sequence[str], field: str) -> str | None:
    """The entry that describes a field of a model, or None if there is none.

    models: the name of the model and those of its bases, the nearest first; or `path`.
    """
    return next((key for key in (*(f"{model}.{field}" for model in models), field) if key in WORDS), None)


def described(models: Sequence[str], field: str) -> str:
    """The sentences about a field of a model; without an entry they are empty. models: as in `key_of`."""
    return WORDS.get(key_of(models, field) or "", "")
