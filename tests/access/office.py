"""An office over a database in memory: one server, or several of them, where people sign in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from models.users import UserCreate
from services.access.authentication import Access
from services.access.passwords import Passwords
from services.access.people import People
from services.access.sessions import Sessions
from services.access.wrong_tries import WrongTries
from tests.access.servers import NOW, SECRET, access_to
from tests.catalogue.watched_db import WatchedDatabase

EMAIL, PASSWORD, HOME = "dana@example.com", "correct horse battery", "192.0.2.1"


class CountedPasswords(Passwords):
    """checked: the hash of each check, None for nobody's. between: done after each check."""

    def __init__(self) -> None:
        super().__init__()
        self.checked: list[str | None] = []
        self.between: Callable[[], None] = lambda: None

    def fits(self, password: str, kept: str | None) -> bool:
        self.checked.append(kept)
        fits = super().fits(password, kept)
        self.between()
        return fits


class Office:
    """now: what its clock says."""

    def __init__(self, db: WatchedDatabase) -> None:
        self.now = NOW
        self.passwords = CountedPasswords()
        store = db  # it stands in for a Database
        self.access: Access = access_to(db, clock=self.clock)
        self.people = People(store, self.passwords, self.clock, self.access.follow_if_possible)  # type: ignore[arg-type]
        self.sessions = Sessions(
            store,  # type: ignore[arg-type]
            self.clock,
            access=self.access,
            people=self.people,
            passwords=self.passwords,
            tries=WrongTries(store, SECRET, self.clock),  # type: ignore[arg-type]
        )

    def clock(self) -> datetime:
        return self.now

    def add(self, user_id: str = "dana", email: str = EMAIL) -> None:
        wanted = {"id": user_id, "name": "Dana", "email": email, "role": "desk", "password": PASSWORD}
        self.people.create("acme", UserCreate.model_validate(wanted))

    def sign_in(self, password: str = PASSWORD, *, email: str = EMAIL, address: str = HOME) -> str:
        """The token of the session."""
        return self.sessions.sign_in(email, password, address).token
