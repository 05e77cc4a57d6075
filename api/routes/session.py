"""/session: signing in and out, and who is signed in."""

from __future__ import annotations

from contextlib import suppress

from flask import request

from api.http import cookies
from api.http.endpoint import Ask, Reply, Routes
from api.http.guards import client_address
from models.access import STAFF
from models.errors import Forbidden, RateLimited, Unauthenticated
from models.users import PasswordChange, Session, SessionRequest, SignOutQuery

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
    hashes=True,
)
def begin_session(ask: Ask[SessionRequest]) -> Reply:
    """Signs in for 12 hours, with an e-mail address and a password, or with a key of the role `desk` or `admin`. The
    reply sets the cookie. Whether an e-mail address is known, no refusal tells. After 10 wrong passwords the answer is
    429 for up to 15 minutes. A session that this browser had before ends; those of other devices go on."""
    given, sessions = ask.given, ask.services.sessions
    proxies = ask.services.settings.trusted_proxies
    secure = cookies.is_secure(request.environ, proxies)
    if given.key is not None:
        made = sessions.sign_in_with_key(given.key)
    else:
        address = client_address(request.environ, proxies)
        made = sessions.sign_in(given.email or "", given.password or "", address)
    with suppress(Unauthenticated):
        sessions.end_earlier(cookies.session_token(request.environ))
    return Reply(201, made.session, headers=(cookies.kept(made.token, secure=secure),))


@routes.get("/session", "Read who is signed in", roles=STAFF, replies={200: Session})
def read_session(ask: Ask[None]) -> Reply:
    """Shows whose session or key the request has."""
    return Reply(200, ask.services.sessions.current(ask.caller))


@routes.delete("/session", "Sign out", roles=STAFF, query=SignOutQuery, replies={204: None})
def end_session(ask: Ask[SignOutQuery]) -> Reply:
    """Ends the session of the cookie, and takes the cookie away. Every server refuses it within two seconds."""
    ask.services.sessions.sign_out(ask.caller, everywhere=ask.given.everywhere)
    return Reply(204, headers=cookies.dropped())


@routes.post(
    "/session/password",
    "Change one's own password",
    roles=STAFF,
    body=PasswordChange,
    replies={200: Session},
    refusals=(RateLimited,),
    idempotency="none",
    hashes=True,
)
def change_own_password(ask: Ask[PasswordChange]) -> Reply:
    """Gives the person who is signed in another password. All sessions of that person end, on every device; the reply
    sets the cookie of a new one. Wrong passwords count as at a sign-in."""
    given = ask.given
    made = ask.services.sessions.change_password(ask.caller, given.current_password, given.new_password)
    secure = cookies.is_secure(request.environ, ask.services.settings.trusted_proxies)
    return Reply(200, made.session, headers=(cookies.kept(made.token, secure=secure),))
