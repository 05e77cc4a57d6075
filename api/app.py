"""The WSGI app: every endpoint, its problems and its log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from flask import Flask, Request
from werkzeug.routing import Map, MapAdapter, Rule

from api.http.dispatch import bind
from api.http.endpoint import Endpoint
from api.http.problems import handle_every_exception
from api.http.request_log import RequestLog
from api.openapi.document import description_route, openapi
from api.pages.views import bind_pages
from api.routes import (
    availability,
    bookings,
    calendar,
    catalogue,
    customers,
    dispatch,
    holds,
    imports,
    keys,
    live,
    messages,
    ops,
    sms,
    users,
    waitlist,
    webhooks,
)
from api.routes import series as series_routes
from api.routes import services as service_routes
from api.routes import session as session_routes
from services import Services, build_services
from services.observability import configure_logging
from services.settings import Settings

SERVICES = "holdfast"


class Compiled(Rule):
    """A rule from which no URL is built. What werkzeug compiles for that took most of the time that an app takes."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: ARG002
        return _build_nothing


@cache
def _compiled(path: str) -> Rule:
    """What finds a path in a request. It depends on nothing else, so all apps of a process share it."""
    rule = Compiled(path)
    Map([rule], merge_slashes=False)
    return rule


class Route(Compiled):
    """A rule that is compiled once for all apps."""

    def compile(self) -> None:
        known = _compiled(self.rule)
        self.arguments, self._parts, self._converters = known.arguments, known._parts, known._converters


def _build_nothing(rule: Rule, **_values: object) -> tuple[str, str]:
    raise RuntimeError(f"No URL is built from {rule.rule}.")


class App(Flask):
    """Flask, where no route depends on the host that a client names, and no view is a coroutine: neither need be looked
    at for each request."""

    url_rule_class = Route

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        if request is None:
            return super().create_url_adapter(None)
        path, query = request.path, request.environ.get("QUERY_STRING", "")
        return MapAdapter(self.url_map, "", "/", "", "http", path, request.method, query)


def create_app(
    settings: Settings | None = None,
    redis: Any = None,
    mongo: Any = None,
    clock: Callable[[], datetime] | None = None,
) -> Flask:
    """The WSGI app. Without arguments everything comes from the environment; stores and clock may be handed in."""
    services = build_services(settings, redis=redis, mongo=mongo, clock=clock)
    services.warming.start()
    return app_over(services)


def app_over(services: Services) -> Flask:
    """The WSGI app over services that are wired already."""
    configure_logging(services.settings.log_level)
    app = App("holdfast", static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.extensions[SERVICES] = services
    bind_pages(app, services, bind(app, services, _described_endpoints()), _document)
    handle_every_exception(app)
    app.wsgi_app = RequestLog(app.wsgi_app, services.metrics)  # type: ignore[method-assign]  # Flask's own way to wrap
    return app


@cache
def _described_endpoints() -> list[Endpoint]:
    """Every endpoint, and the one that describes them. Its document takes 40 ms to make, and each app has the same."""
    endpoints = all_endpoints()
    return [*endpoints, description_route(endpoints)]


@cache
def _document() -> dict[str, Any]:
    """The description of every endpoint."""
    return openapi(_described_endpoints())


def all_endpoints() -> list[Endpoint]:
    """Every declared endpoint except the one that describes them."""
    return [
        *holds.routes,
        *bookings.routes,
        *dispatch.routes,
        *series_routes.routes,
        *availability.routes,
        *live.routes,
        *waitlist.routes,
        *catalogue.routes,
        *service_routes.routes,
        *calendar.routes,
        *keys.routes,
        *users.routes,
        *session_routes.routes,
        *customers.routes,
        *imports.routes,
        *webhooks.routes,
        *messages.routes,
        *sms.routes,
        *ops.routes,
    ]
