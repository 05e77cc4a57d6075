"""A person's browser at the desk: it keeps the cookie of the session and says which page asks."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from api.app import app_over
from tests.world import World

PASSWORD = "correct horse battery"
OWN_PAGE = {"Origin": "http://localhost", "X-Holdfast": "1"}


class Browser:
    """Requests to an app of its own over a world."""

    def __init__(self, world: World) -> None:
        self._client = app_over(world.services).test_client(use_cookies=False)
        self.cookie = ""

    def sign_in(self, email: str = "", password: str = PASSWORD, /, **body: Any) -> TestResponse:
        """Keeps the cookie of the reply."""
        sent = body or {"email": email, "password": password}
        known = {"Cookie": self.cookie} if self.cookie else {}
        return self._kept(self._client.post("/session", json=sent, headers={"Origin": "http://localhost", **known}))

    def _kept(self, reply: TestResponse) -> TestResponse:
        if reply.status_code in (200, 201) and "Set-Cookie" in reply.headers:
            self.cookie = reply.headers["Set-Cookie"].partition(";")[0]
        return reply

    def call(self, method: str, path: str, body: Any = None, **headers: str | None) -> TestResponse:
        """With the cookie, which it keeps up to date, and the headers of an own page; None leaves one out, and _ stands
        for -."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Cookie": self.cookie, **OWN_PAGE, **given}
        present = {name: value for name, value in sent.items() if value is not None}
        return self._kept(self._client.open(path, method=method, json=body, headers=present))


def person(world: World, role: str = "desk", user_id: str = "dana", **changed: Any) -> dict[str, Any]:
    """A body of POST /users. The e-mail address is one of the org."""
    email = f"{user_id}@{world.org}.example"
    return {"id": user_id, "name": "Dana", "email": email, "role": role, "password": PASSWORD} | changed
