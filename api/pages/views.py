"""Makes the pages and their files answer: without a key, outside the turns of the API.

A page shows the name and the phone of the org whose publishable key is in its address, else of HOLDFAST_PAGE_KEY.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, request

from api.http.compression import takes_gzip
from api.http.endpoint import Endpoint, Reply, Tag
from api.http.guards import Gate
from api.http.replies import FinalResponse
from api.http.request_log import EXCHANGE
from api.pages.assets import PREFIX, Asset, Assets
from api.pages.docs.reference import reference
from api.pages.languages import choose, read_words
from api.pages.shells import CONTENT_TYPE, Org, Page, Shell, links
from models.access import Role
from models.errors import NotFound, RateLimited, StoreUnavailable
from services import Services

STATIC = Path(__file__).parent / "static"

OFFICE: Final = (
    *("technicians", "customers", "waitlist", "messages"),
    *("properties", "services", "people", "policy", "webhooks", "import", "account"),
)
PAGES: Final = (
    Page("/", "checkout", "js/checkout/main.js", ("css/base.css", "css/checkout.css"), framed=True),
    Page("/desk", "desk", "js/desk/main.js", ("css/base.css", "css/desk.css")),
    *(Page(f"/desk/{name}", "office", "js/office/main.js", ("css/base.css", "css/office.css")) for name in OFFICE),
    Page("/visit", "visit", "js/visit/main.js", ("css/base.css", "css/checkout.css")),
)
EMBED = "js/embed.js"
DOCS, DOCS_STYLES = "js/docs/main.js", ("css/base.css", "css/docs.css")

LANGUAGE_COOKIE: Final = "desk_lang"
"""The language that somebody at the desk has chosen; `js/language.js` sets it for the pages below /desk."""

FOR_EVER = "public, max-age=31536000, immutable"
FOR_MINUTES = "public, max-age=300"
VARY = ("Vary", "Accept-Encoding")
SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
TAG = Tag("Pages", "What people see. Not part of the API.")


def bind_pages(app: Flask, services: Services, gate: Gate, document: Callable[[], dict[str, Any]]) -> None:
    """Adds the views of all pages, their files and the script for other sites. Raises ValueError for a bad file.

    document: gives the description of the API, of which the reference is made.
    """
    assets, words = _files()
    visitors = Visitors(services, gate)
    for page in PAGES:
        _route(app, page.path, _page_view(Shell(page, assets, words), visitors, framed=page.framed))
    _route(app, PREFIX + "<path:name>", _file_view(assets))
    for path, view in _reference(document).items():
        _route(app, path, view)
    _route(app, "/embed.js", lambda: _file(assets.at(EMBED), FOR_MINUTES))


@cache
def _files() -> tuple[Assets, dict[str, dict[str, str]]]:
    entries = (*dict.fromkeys(page.script for page in PAGES), EMBED, DOCS)
    return Assets(STATIC, entries), read_words(STATIC / "words")


@cache
def _reference(document: Callable[[], dict[str, Any]]) -> dict[str, Callable[[], Response]]:
    """The views of the pages of the reference by path, the same in each app."""
    pages = reference(document(), links(_files()[0], DOCS, DOCS_STYLES))
    return {path: _reference_view(html) for path, html in pages.items()}


class Visitors:
    """Finds the org that a page is about."""

    def __init__(self, services: Services, gate: Gate) -> None:
        self._services = services
        self._gate = gate
        self._page_key = services.settings.page_key

    def org(self, named: str | None) -> Org:
        """The org of the publishable key that the address names, else of the server's own. A page answers in any case:
        without a store, or for another text, it knows no org."""
        key = named or self._page_key
        with suppress(RateLimited, StoreUnavailable):
            caller = self._gate.shown(request.environ, key) if key else None
            if caller is not None and caller.role is Role.CHECKOUT:
                policy = self._gate.policy(request.environ, caller.org)
                return Org(key, policy.display_name, policy.phone, caller.origins)
        return Org()


def _route(app: Flask, rule: str, view: Callable[..., Response]) -> None:
    """Adds one view under a name of its own in logs and metrics."""
    endpoint = Endpoint(method="GET", path=rule, summary="", view=lambda: Reply(200), tag=TAG, roles=None)

    def named(**values: str) -> Response:
        request.environ[EXCHANGE].endpoint = endpoint
        return view(**values)

    app.add_url_rule(rule, f"page {rule}", named, methods=["GET"], provide_automatic_options=False)


def _page_view(shell: Shell, visitors: Visitors, *, framed: bool) -> Callable[[], Response]:
    def show() -> Response:
        org = visitors.org(request.args.get("key"))
        asked = request.args.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
        language = choose(asked, request.headers.get("Accept-Language", ""))
        body, headers = shell.render(org, language), [VARY, ("Cache-Control", "no-store")]
        if _zips():
            body = gzip.compress(body, 6, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        headers += _safety(" ".join(sorted(org.origins) if framed else ()) or "'none'")
        return FinalResponse(body, 200, headers, CONTENT_TYPE)

    return show


def _safety(ancestors: str) -> list[tuple[str, str]]:
    """What a browser is told about a page. ancestors: the sites that may show it in a frame."""
    policy = SECURITY.format(ancestors=ancestors)
    return [("Content-Security-Policy", policy), ("Referrer-Policy", "no-referrer")]


def _reference_view(html: bytes) -> Callable[[], Response]:
    zipped = gzip.compress(html, mtime=0)

    def show() -> Response:
        headers = [VARY, ("Cache-Control", FOR_MINUTES), *_safety("'none'")]
        if _zips():
            return FinalResponse(zipped, 200, [*headers, ("Content-Encoding", "gzip")], CONTENT_TYPE)
        return FinalResponse(html, 200, headers, CONTENT_TYPE)

    return show


def _file_view(assets: Assets) -> Callable[[str], Response]:
    def send(name: str) -> Response:
        asset = assets.named(name)
        if asset is None:
            raise NotFound
        return _file(asset, FOR_EVER)

    return send


def _file(asset: Asset, cache: str) -> Response:
    headers = [VARY, ("Cache-Control", cache)]
    if _zips():
        return FinalResponse(asset.zipped, 200, [*headers, ("Content-Encoding", "gzip")], asset.content_type)
    return FinalResponse(asset.body, 200, headers, asset.content_type)


def _zips() -> bool:
    return takes_gzip(request.headers.get("Accept-Encoding", ""))
