"""The cookie of a session: where it stands, and which writes count as made by the person who has it.

A browser adds the cookie to whatever asks for our address. Another site's page can neither add the header X-Holdfast,
which needs a preflight that we do not grant, nor choose the Origin that the browser sends. So a write needs both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.access import SESSION_PREFIX
from models.errors import Forbidden, Unauthenticated

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PLAIN = "holdfast_session"
SECURE = f"__Host-{PLAIN}"
"""Over https: browsers take a cookie of this name only from this very host, over https."""
SECONDS = 12 * 3600
READS = frozenset({"GET", "HEAD", "OPTIONS"})


def session_token(environ: WSGIEnvironment) -> str:
    """The token in the cookie. Raises Unauthenticated where there is none."""
    name, token = _cookie(environ)
    if not name or not token.startswith(SESSION_PREFIX):
        raise Unauthenticated
    return token


def refuse_forged(environ: WSGIEnvironment) -> None:
    """For a request with a session. Raises Forbidden for a write that no page of this server made."""
    if environ["REQUEST_METHOD"] in READS:
        return
    scheme = "https" if _cookie(environ)[0] == SECURE else "http"
    if environ.get("HTTP_X_HOLDFAST") != "1" or environ.get("HTTP_ORIGIN") != _own_origin(environ, scheme):
        raise Forbidden("Send X-Holdfast: 1, from a page of this address.")


def is_secure(environ: WSGIEnvironment, trusted_proxies: int) -> bool:
    """Whether a sign-in comes over https. Raises Forbidden for a page of another site.

    The browser knows what it talks to, so its Origin counts, and otherwise the word of a trusted proxy.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        forwarded = environ.get("HTTP_X_FORWARDED_PROTO", "") if trusted_proxies else ""
        return "https" in (forwarded.strip().lower(), environ["wsgi.url_scheme"])
    for scheme in ("https", "http"):
        if origin == _own_origin(environ, scheme):
            return scheme == "https"
    raise Forbidden("Please sign in from a page of this address.")


def kept(token: str, *, secure: bool) -> tuple[str, str]:
    """The header that gives a browser the cookie."""
    return _header(SECURE if secure else PLAIN, token, SECONDS)


def dropped() -> tuple[tuple[str, str], ...]:
    """The headers that take it away."""
    return tuple(_header(name, "", 0) for name in (SECURE, PLAIN))


def _header(name: str, value: str, seconds: int) -> tuple[str, str]:
    marks = "; Secure" if name == SECURE else ""
    return "Set-Cookie", f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{marks}"


def _own_origin(environ: WSGIEnvironment, scheme: str) -> str:
    return f"{scheme}://{environ.get('HTTP_HOST', '').lower()}"


def _cookie(environ: WSGIEnvironment) -> tuple[str, str]:
    """The name and value of our cookie, the one for https first; two empty texts where there is none."""
    pairs = (each.strip().partition("=") for each in environ.get("HTTP_COOKIE", "").split(";"))
    found = {name: value for name, _, value in pairs}
    return next(((name, found[name]) for name in (SECURE, PLAIN) if name in found), ("", ""))
