"""/healthz and /readyz: for operators, without a key."""

from __future__ import annotations

from prometheus_client import generate_latest

from tests.api.town import Town, body_of, refused
from tests.world import World


def test_health_needs_no_store(town: Town) -> None:
    reply = town.call("GET", "/healthz", key=None)
    assert (reply.status_code, body_of(reply)) == (200, {"status": "ok"})


def test_ready_means_that_every_check_passed(world: World) -> None:
    reply = Town(world).call("GET", "/readyz", key=None)
    checks = dict.fromkeys(("redis", "mongodb", "indexes", "grid", "eviction_policy"), "ok")
    assert (reply.status_code, body_of(reply)) == (200, {"status": "ready", "checks": checks})


def test_ready_names_a_missing_index(world: World) -> None:
    world.services.db["bookings"].drop_index("one_booking_per_claim")
    try:
        body = refused(Town(world).call("GET", "/readyz", key=None), 503, "store_unavailable")
        assert body["checks"]["indexes"] != "ok"
        assert body["detail"].startswith("Not ready. indexes: ")
        assert ".;" not in body["detail"]
        assert ".." not in body["detail"]
    finally:
        world.services.prepare()


def test_metrics_show_no_orgs_data(town: Town) -> None:
    made = town.book()
    shown = generate_latest(town.world.services.metrics.registry).decode()
    assert 'holdfast_request_seconds_count{method="POST",status_class="2xx",url_rule="/book"}' in shown
    for secret in (town.world.org, made["booking_id"], "prop-1", "Alice"):
        assert secret not in shown


def test_what_is_open_to_all_knows_its_methods(town: Town) -> None:
    for path in ("/healthz", "/readyz", "/openapi.json"):
        reply = town.call("POST", path, key=None)
        refused(reply, 405, "method_not_allowed")
        assert set(reply.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
        assert town.call("HEAD", path, key=None).status_code in (200, 503)


def test_metrics_are_nothing_at_the_address_of_the_api(town: Town) -> None:
    refused(town.call("GET", "/metrics", key=None), 404, "not_found")


def test_a_path_that_begins_with_two_slashes_is_not_found(town: Town) -> None:
    for path in ("//healthz", "///readyz", "//", "//nowhere"):
        refused(town.world.client().open("/", environ_overrides={"PATH_INFO": path}), 404, "not_found")


def test_every_reply_forbids_guessing_its_type(town: Town) -> None:
    for path in ("/healthz", "/nowhere", "/policy", "/openapi.json"):
        assert town.call("GET", path, key=None).headers.get_all("X-Content-Type-Options") == ["nosniff"]
