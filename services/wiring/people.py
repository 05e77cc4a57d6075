"""Builds what lets people sign in."""

from __future__ import annotations

from services.access.passwords import Passwords
from services.access.people import People
from services.access.sessions import Sessions
from services.access.wrong_tries import WrongTries
from services.wiring.parts import Parts


def sessions(parts: Parts, secret: str) -> Sessions:
    passwords = Passwords()
    return Sessions(
        parts.db,
        parts.clock,
        access=parts.access,
        people=People(parts.db, passwords, parts.clock, parts.access.follow_if_possible),
        passwords=passwords,
        tries=WrongTries(parts.db, secret, parts.clock),
    )
