"""/healthz, /readyz, /metrics: for operators, without a key."""

from __future__ import annotations

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
    finally:
        world.services.prepare()


def test_metrics_show_no_orgs_data(town: Town) -> None:
    made = town.book()
    shown = town.call("GET", "/metrics", key=None)
    assert 'holdfast_request_seconds_count{method="POST",status_class="2xx",url_rule="/book"}' in shown.text
    for secret in (town.world.org, made["booking_id"], "prop-1", "Alice"):
        assert secret not in shown.text


def test_what_is_open_to_all_knows_its_methods(town: Town) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        reply = town.call("POST", path, key=None)
        refused(reply, 405, "method_not_allowed")
        assert set(reply.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
        assert town.call("HEAD", path, key=None).status_code in (200, 503)
