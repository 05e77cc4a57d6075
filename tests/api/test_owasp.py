"""The OWASP API Security Top 10 (2023), a test for each, over every endpoint that the app declares.

A new endpoint is tested without a word here. Where it has a path parameter of a new name, is open to strangers, or
needs no key, a test fails until a table knows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.app import all_endpoints, app_over
from api.http.endpoint import Endpoint
from api.openapi.document import openapi
from models.access import Role
from models.fields import Request
from tests.api.any_endpoint import Rival, ask, good_body, roles_of, some_path
from tests.api.imports import imports_of
from tests.api.town import Town, body_of, fault_codes, refused
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
KEY_ROLES = ("checkout", "bot", "desk", "admin")

ENDPOINTS = all_endpoints()
WITH_KEY = [endpoint for endpoint in ENDPOINTS if endpoint.roles is not None]
WITH_IDS = [endpoint for endpoint in ENDPOINTS if endpoint.path_names]
WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.body is not None]

SHOWN = {"GET /services", "GET /services/{service_id}", "GET /policy/public"}
KEYLESS = {
    *("GET /healthz", "GET /readyz", "GET /openapi.json", "GET /technicians/{technician_id}/calendar.ics"),
    "POST /session",
    *("POST /sms/inbound", "POST /sms/status"),
}
UNMETERED = {"GET /healthz", "GET /readyz"}
FOR_STRANGERS = {
    "GET /events",
    "POST /hold",
    "GET /hold/{hold_id}",
    "GET /holds",
    "POST /hold/{hold_id}/extend",
    "DELETE /hold/{hold_id}",
    "POST /book",
    "GET /availability",
    "GET /availability/days",
    "POST /waitlist",
    "GET /waitlist/{waitlist_id}",
    "DELETE /waitlist/{waitlist_id}",
    "GET /properties",
    "GET /properties/{property_id}",
    "GET /technicians",
    "GET /technicians/{technician_id}",
    *SHOWN,
}
"""What the publishable key may call."""
FOR_CUSTOMERS = {
    "GET /events",
    "GET /bookings/{booking_id}",
    "PATCH /bookings/{booking_id}",
    "POST /bookings/{booking_id}/cancel",
    *SHOWN,
    "GET /availability",
    "GET /availability/days",
}
"""What a manage token may call."""

SERVER_OWNED = ("_id", "org", "owner", "key_id", "version", "created_at", "created_by", "active", "claims", "history")
"""What no client may set."""

named = pytest.mark.parametrize
every = named("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)


@pytest.fixture
def town(fake_world: World) -> Town:
    """Without a limit of requests: a test that asks often is about something else."""
    town = Town(fake_world)
    town.call("PATCH", "/policy", {"public_requests_per_minute": None}, key="admin")
    return town


@pytest.fixture
def others_token(town: Town) -> str:
    """The manage token of a booking of the same org, which no test asks about."""
    return str(town.book(9)["manage_token"])


@named("endpoint", WITH_IDS, ids=lambda endpoint: endpoint.name)
def test_api1_broken_object_level_authorization(town: Town, others_token: str, endpoint: Endpoint) -> None:
    """Another org's object is a 404 for every role, another customer's too, and stays as it was."""
    rival = Rival(town)
    path = rival.path(endpoint)
    if endpoint.roles is None:
        refused(town.call(endpoint.method, f"{path}?token=hfc_{'A' * 32}", key=None), 404, "not_found")
        mine = rival.calendar.replace("rival-tech", "tech-1")
        refused(town.call(endpoint.method, mine, key=None), 404, "not_found")
        return
    before = everything(town, rival)
    for role in KEY_ROLES:
        reply = ask(town, endpoint, path, role)
        assert reply.status_code == (404 if role in roles_of(endpoint) else 403), (role, reply.text)
    reply = ask(town, endpoint, path, others_token)
    assert reply.status_code == (404 if "customer" in roles_of(endpoint) else 403), reply.text
    assert everything(town, rival) == before


def everything(town: Town, rival: Rival) -> dict[str, Any]:
    """What Charlie sees of everything that is his."""
    reads = [each for each in WITH_IDS if each.method == "GET" and each.roles is not None]
    seen = {each.name: body_of(town.call("GET", rival.path(each), key="rival")) for each in reads}
    seen["GET /hold/{hold_id}"].pop("remaining_seconds", None)
    return seen | {"keys": town.call("GET", "/keys", key="rival").get_json()}


@named("endpoint", WITH_KEY, ids=lambda endpoint: endpoint.name)
def test_api2_broken_authentication(town: Town, endpoint: Endpoint) -> None:
    """Without a valid key nothing is checked, read or done, wherever else a key may stand."""
    key = town.world.keys["admin"]
    guesses: list[Callable[[], TestResponse]] = [
        lambda: ask(town, endpoint, some_path(endpoint), None),
        lambda: ask(town, endpoint, some_path(endpoint), "hf_admin_" + "A" * 32),
        lambda: ask(town, endpoint, some_path(endpoint), key[:-1]),
        lambda: ask(town, endpoint, some_path(endpoint), key + "A"),
        lambda: ask(town, endpoint, some_path(endpoint), f"hfm_{town.world.org}.some-id.AAAAAAAAAAAAAAAAAAAAAA"),
        lambda: ask(town, endpoint, some_path(endpoint), None, Authorization=f"Basic {key}"),
        lambda: ask(town, endpoint, some_path(endpoint), None, X_Api_Key=key, Cookie=f"key={key}"),
        lambda: ask(town, endpoint, f"{some_path(endpoint)}?key={key}&access_token={key}", None),
    ]
    for guess in guesses:
        reply = guess()
        refused(reply, 401, "unauthenticated")
        assert reply.headers["WWW-Authenticate"] == "Bearer"


@named("endpoint", WITH_BODY, ids=lambda endpoint: endpoint.name)
def test_api3_broken_object_property_level_authorization(town: Town, endpoint: Endpoint) -> None:
    """No member that the body does not declare is taken (mass assignment), at no depth."""
    assert endpoint.body is not None
    fields = {field.alias or name for name, field in endpoint.body.model_fields.items()}
    extra = {name: "x" for name in SERVER_OWNED if name not in fields}
    path = some_path(endpoint)
    for role in roles_of(endpoint) & set(KEY_ROLES):
        body = (good_body(endpoint) or {}) | extra
        reply = town.call(endpoint.method, path, body, key=role, If_Match='"1"')
        assert {(name, "unknown_field") for name in extra} <= fault_codes(reply), role
    for model in (endpoint.body, *inner_models(endpoint.body)):
        assert model.model_config.get("extra") == "forbid", model


def inner_models(model: type[Any]) -> Iterator[type[Any]]:
    """The models of a model's fields, and theirs."""
    for field in model.model_fields.values():
        for part in parts_of(field.annotation):
            if isinstance(part, type) and issubclass(part, Request):
                yield part
                yield from inner_models(part)


def parts_of(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from parts_of(part)


@every
def test_api4_unrestricted_resource_consumption(fake_world: World, endpoint: Endpoint) -> None:
    """Each endpoint counts for a limit, bodies and lists are bounded; what counts for none reads nothing of an org."""
    town = Town(fake_world)
    town.call("PATCH", "/policy", {"public_requests_per_minute": 1}, key="admin")
    if endpoint.name in UNMETERED:
        assert endpoint.keyless == "free"
        return
    assert endpoint.keyless != "free"
    if endpoint.roles is None:
        limit = fake_world.services.settings.keyless_per_minute
        statuses = {town.call(endpoint.method, some_path(endpoint), key=None).status_code for _ in range(limit)}
        assert statuses <= {200, 400, 403, 404}
        refused(town.call(endpoint.method, some_path(endpoint), key=None), 429, "rate_limited")
        return
    ask(town, endpoint, some_path(endpoint), "checkout")
    refused(ask(town, endpoint, some_path(endpoint), "checkout"), 429, "rate_limited")
    if endpoint.body is not None:
        padded = {"description": "x" * (endpoint.most_bytes + 1)}
        refused(town.call(endpoint.method, some_path(endpoint), padded, key="admin"), 413, "too_large")
    if endpoint.query is not None and "limit" in endpoint.query.model_fields:
        path = f"{some_path(endpoint)}?limit=100000"
        assert ("limit", "out_of_range") in fault_codes(town.call("GET", path, key="admin"))


def test_api5_broken_function_level_authorization() -> None:
    """Strangers and customers may call what the tables above name, and nothing else."""
    assert {each.name for each in ENDPOINTS if each.roles is None} | {"GET /openapi.json"} == KEYLESS
    assert {each.name for each in WITH_KEY if Role.CHECKOUT in (each.roles or ())} == FOR_STRANGERS
    assert {each.name for each in WITH_KEY if Role.CUSTOMER in (each.roles or ())} == FOR_CUSTOMERS


@named("endpoint", WITH_KEY, ids=lambda endpoint: endpoint.name)
def test_api5_a_role_that_is_not_declared_is_refused(town: Town, endpoint: Endpoint) -> None:
    token = town.book(9)["manage_token"]
    for role in {*KEY_ROLES, "customer"} - roles_of(endpoint):
        reply = ask(town, endpoint, some_path(endpoint), token if role == "customer" else role)
        refused(reply, 403, "forbidden")


@pytest.mark.usefixtures("within_a_day")
def test_api6_unrestricted_access_to_sensitive_business_flows(town: Town) -> None:
    """One address holds ten slots and books thirty a day with the publishable key, whatever it calls itself."""
    figures = {"public_holds_per_address": 2, "public_bookings_per_address_per_day": 1, "public_holds_most": 3}
    assert town.call("PATCH", "/policy", figures, key="admin").status_code == 200
    first = town.hold(8, holder="stranger-000000000001")
    town.hold(9, holder="stranger-000000000002")
    third = town.call("POST", "/hold", town.slot(10, holder="stranger-000000000003"))
    assert "public_holds_per_address" in refused(third, 429, "too_many_holds")["detail"]
    booked = {"customer": {"name": "Alice"}}
    assert town.call("POST", "/book", {"hold_id": first["hold_id"], **booked}).status_code == 201
    second = town.hold(11, holder="stranger-000000000004")
    reply = town.call("POST", "/book", {"hold_id": second["hold_id"], **booked})
    assert "public_bookings_per_address_per_day" in refused(reply, 429, "rate_limited")["detail"]


FETCHING = {"urllib.request", "http.client", "requests", "httpx", "aiohttp", "urllib3", "socket", "ftplib", "smtplib"}
FETCHERS = {
    *("services/messages/mail_post.py", "services/outbox/posting.py"),
    *("services/outgoing.py", "services/texting/twilio.py"),
}
"""Modules that open connections: to addresses that an admin chose, each checked, and to two that the operator chose."""


def test_api7_server_side_request_forgery() -> None:
    """Only these modules of the app fetch anything, so a client can make no other one do so."""
    files = [file for room in ("api", "services", "models") for file in (ROOT / room).rglob("*.py")]
    fetching = {str(file.relative_to(ROOT)) for file in files if imports_of(file) & FETCHING}
    listening = {name for name in fetching if name.startswith("api/server/")}
    assert fetching - listening == FETCHERS


@every
def test_api8_security_misconfiguration(town: Town, endpoint: Endpoint) -> None:
    """Every reply forbids to guess its type and to be stored; only what browsers need is shown to other sites."""
    path = some_path(endpoint)
    replies = [
        ask(town, endpoint, path, None, Origin="https://elsewhere.example"),
        ask(town, endpoint, path, "admin", Origin="https://elsewhere.example"),
        town.call("OPTIONS", path, key=None, Origin="https://elsewhere.example"),
    ]
    for reply in replies:
        assert reply.status_code != 500, reply.text
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["X-Request-Id"]
        assert "Server" not in reply.headers
        assert ("Access-Control-Allow-Origin" in reply.headers) == shows_other_sites(path, reply, endpoint)
        assert "Access-Control-Allow-Credentials" not in reply.headers
    assert all("no-store" in reply.headers["Cache-Control"] for reply in replies[:1] if reply.status_code >= 400)
    for method in ("TRACE", "PUT", "CONNECT"):
        refused(town.call(method, path, key="admin"), 405, "method_not_allowed")


def shows_other_sites(path: str, reply: TestResponse, endpoint: Endpoint) -> bool:
    """A preflight answers for every method of its path."""
    preflight = reply.request.method == "OPTIONS"
    group = [each for each in ENDPOINTS if some_path(each) == path] if preflight else [endpoint]
    return any(each.for_browsers for each in group)


def test_api9_improper_inventory_management(fake_world: World) -> None:
    """Every route but those of the pages is in the document, and everything in the document is a route."""
    rules = app_over(fake_world.services).url_map.iter_rules()
    routes = {
        (method, str(rule.rule).replace("<", "{").replace(">", "}"))
        for rule in rules
        if not rule.endpoint.startswith("page ")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    document = body_of(Town(fake_world).call("GET", "/openapi.json", key=None))
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert routes == described
    assert {(each.method, each.path) for each in ENDPOINTS} == {
        (method.upper(), path) for path, methods in openapi(ENDPOINTS)["paths"].items() for method in methods
    }


def test_api10_unsafe_consumption_of_apis() -> None:
    """What others answer is read up to a bound, and no module but these reads any of it (API7)."""
    texts = "".join((ROOT / name).read_text() for name in FETCHERS)
    assert set(re.findall(r"\.read\((\w*)\)", texts)) == {"SHOWN_BYTES", "LARGEST_REPLY"}


def test_the_import_scan_sees_what_it_looks_for(tmp_path: Path) -> None:
    """The negative control."""
    file = tmp_path / "fetch.py"
    for text in ("import urllib.request", "from urllib import request", "from http.client import HTTPConnection"):
        file.write_text(text)
        assert imports_of(file) & FETCHING, text
