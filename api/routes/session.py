"""/session: signing in and out, and who is signed in."""

from __future__ import annotations

from flask import request

from api.http import cookies
from api.http.endpoint import Ask, Reply, Routes
from api.http.guards import client_address
from models.access import STAFF
from models.errors import Forbidden, Unauthenticated
from models.users import Session, SessionRequest

routes = Routes("Sessions", "Signing in on a page of this server. The cookie of a session serves as a key of its role.")


@routes.post(
    "/session",
    "Sign in",
    roles=None,
    keyless="secret",
    body=SessionRequest,
    replies={201: Session},
    refusals=(Unauthenticated, Forbidden),
    idempotency="none",
)
def begin_session(ask: Ask[SessionRequest]) -> Reply:
    """Signs in for 12 hours, with an e-mail address and a password, or with a key of the role `desk` or `admin`. The
    reply sets the cookie. Whether an e-mail address is known, no refusal tells. After 10 wrong passwords the answer is
    429 for up to 15 minutes."""
    given, sessions = ask.given, ask.services.sessions
    proxies = ask.services.settings.trusted_proxies
    secure = cookies.is_secure(request.environ, proxies)
    if given.key is not None:
        made = sessions.sign_in_with_key(given.key)
    else:
        address = client_address(request.environ, proxies)
        made = sessions.sign_in(given.email or "", given.password or "", address)
    return Reply(201, made.session, headers=(cookies.kept(made.token, secure=secure),))


@routes.get("/session", "Read who is signed in", roles=STAFF, replies={200: Session})
def read_session(ask: Ask[None]) -> Reply:
    """Shows whose session or key the request has."""
    return Reply(200, ask.services.sessions.current(ask.caller))


@routes.delete("/session", "Sign out", roles=STAFF, replies={204: None})
def end_session(ask: Ask[None]) -> Reply:
    """Ends the session of the cookie, and takes the cookie away. Every server refuses it within two seconds."""
    ask.services.sessions.sign_out(ask.caller)
    return Reply(204, headers=cookies.dropped())
