"""Why a call of the client gave no result."""

from __future__ import annotations

from typing import Any

from scripts.client.results import Conflict, Slot


class NoAnswer(Exception):
    """The server could not be reached, or its replies were lost. The outcome of the last attempt is unknown."""


class Refused(Exception):
    """The server refused, and has changed nothing. `code` is the word to match on; the message is for people.

    conflicts: what stands in the way. next_available: what is free instead, if the call asked for it. errors: what is
    wrong with the request, as (field, sentence). retry_after_seconds: when trying again may help, or None.
    """

    def __init__(self, status: int, problem: dict[str, Any], retry_after_seconds: float | None = None) -> None:
        super().__init__(problem.get("detail") or f"The server answered {status}.")
        self.status = status
        self.code: str = problem.get("code", "")
        self.conflicts = tuple(map(Conflict.of, problem.get("conflicts") or ()))
        self.next_available = tuple(map(Slot.of, problem.get("next_available") or ()))
        self.errors = tuple((each["field"], each["message"]) for each in problem.get("errors") or ())
        self.retry_after_seconds = retry_after_seconds
