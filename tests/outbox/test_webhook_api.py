"""/webhooks: what an admin makes, sees and changes; the secret is shown once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.outbox.receiving import Receiver
from tests.outbox.sending import book, cancel, deliver, entries, follow, make_due, relay_round
from tests.world import World, services_over

KINDS = ["booking.created", "booking.cancelled"]


def call(world: World, method: str, path: str, body: Any = None, role: str = "admin") -> tuple[int, dict[str, Any]]:
    reply = world.client().open(path, method=method, json=body, headers=world.auth(role))
    return reply.status_code, reply.json if reply.data else {}


def make(world: World, url: str, kinds: list[str] | None = None) -> dict[str, Any]:
    status, made = call(world, "POST", "/webhooks", {"url": url, "kinds": kinds or KINDS})
    assert status == 201
    follow(world)
    return made


def deliveries(world: World, made: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    status, page = call(world, "GET", f"/webhooks/{made['webhook_id']}/deliveries{query}")
    assert status == 200
    found: list[dict[str, Any]] = page["deliveries"]
    return found


def test_a_secret_is_shown_when_it_is_made_and_never_again(world: World, receiver: Receiver) -> None:
    made = make(world, receiver.url)
    assert made["secret"].startswith("whsec_")
    path = f"/webhooks/{made['webhook_id']}"
    _, rotated = call(world, "POST", path + "/rotate")
    assert rotated["secret"] != made["secret"]
    book(world)
    relay_round(world)
    seen = [
        call(world, "GET", path),
        call(world, "GET", "/webhooks"),
        call(world, "PATCH", path, {"kinds": ["booking.moved"]}),
        call(world, "GET", path + "/deliveries"),
    ]
    stored = str([list(world.services.db[name].find()) for name in world.services.db.list_collection_names()])
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in str(seen)
        assert secret.removeprefix("whsec_") not in stored


@pytest.mark.parametrize("path", ["", "/{id}/rotate"])
def test_what_answers_a_secret_takes_no_idempotency_key(world: World, receiver: Receiver, path: str) -> None:
    made = make(world, receiver.url)
    body = {"url": receiver.url, "kinds": KINDS} if path == "" else None
    headers = world.auth("admin") | {"Idempotency-Key": "a-key-of-16-chars"}
    url = "/webhooks" + path.format(id=made["webhook_id"])
    secrets = {(world.client().post(url, json=body, headers=headers).json or {})["secret"] for _ in range(2)}
    assert len(secrets) == 2
    assert not any(b"whsec_" in value for value in dumped(world))


def dumped(world: World) -> list[bytes]:
    redis: Any = world.services.redis
    return [redis.dump(key) or b"" for key in redis.keys("*")]


@pytest.mark.parametrize("role", ["checkout", "bot", "desk"])
def test_only_an_admin_has_webhooks(world: World, role: str) -> None:
    assert call(world, "GET", "/webhooks", role=role)[0] == 403


def test_another_org_sees_nothing_of_a_webhook(world: World, receiver: Receiver) -> None:
    made = make(world, receiver.url)
    rival = {"Authorization": f"Bearer {world.rival_key}"}
    client, path = world.client(), f"/webhooks/{made['webhook_id']}"
    assert client.get("/webhooks", headers=rival).json == {"webhooks": [], "next_cursor": None}
    for method, end in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/rotate"), ("GET", "/deliveries")):
        assert client.open(path + end, method=method, headers=rival).status_code == 404


def test_a_url_must_be_https_and_public_unless_the_operator_allows_more(world: World) -> None:
    strict = services_over(world.services.redis, world.services.db, prepared=True)
    world.services, lenient = strict, world.services
    try:
        here = (
            "http://example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://localhost/x",
            "https://[a:b]:2/",
        )
        for url in here:
            status, problem = call(world, "POST", "/webhooks", {"url": url, "kinds": KINDS})
            assert (status, [each["code"] for each in problem["errors"]]) == (400, ["bad_url"]), url
        assert call(world, "POST", "/webhooks", {"url": "https://example.com/x", "kinds": KINDS})[0] == 201
    finally:
        strict.access.close()
        world.services = lenient


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://example.com/",
            "https://user:secret@example.com/",
            "https://example.com/#part",
            "https://",
            "example.com",
        ),
        *("https://exämple.com/", "https://example.com/a b", "https://example.com:0/", "https://example.com/\n"),
    ],
)
def test_what_is_no_plain_https_url_is_refused(world: World, url: str) -> None:
    status, problem = call(world, "POST", "/webhooks", {"url": url, "kinds": KINDS})
    assert (status, [each["field"] for each in problem["errors"]]) == (400, ["url"])


def test_unknown_kinds_and_none_are_refused(world: World) -> None:
    for kinds in ([], ["booking.eaten"]):
        status, _ = call(world, "POST", "/webhooks", {"url": "https://example.com/", "kinds": kinds})
        assert status == 400


def test_a_test_arrives_and_is_listed_with_the_answer(world: World, receiver: Receiver) -> None:
    made = make(world, receiver.url)
    path = f"/webhooks/{made['webhook_id']}"
    status, waiting = call(world, "POST", path + "/test")
    assert (status, waiting["status"], waiting["kind"]) == (202, "waiting", "webhook.test")
    deliver(world)
    (got,) = receiver.got
    assert got.is_signed_with(made["secret"])
    assert got.id == waiting["delivery_id"]
    (listed,) = deliveries(world, made)
    assert (listed["status"], listed["response_status"], listed["response_text"]) == ("delivered", 200, "thanks")


def test_deliveries_are_listed_newest_first_by_status_page_by_page(world: World, receiver: Receiver) -> None:
    made = make(world, receiver.url)
    receiver.answers = [200, 410]
    for hour in (8, 9):
        book(world, hour)
        relay_round(world)
    assert [each["status"] for each in deliveries(world, made)] == ["dead", "delivered"]
    (dead,) = deliveries(world, made, "?status=dead")
    assert dead["response_status"] == 410
    _, first = call(world, "GET", f"/webhooks/{made['webhook_id']}/deliveries?limit=1")
    _, second = call(world, "GET", f"/webhooks/{made['webhook_id']}/deliveries?limit=1&cursor={first['next_cursor']}")
    assert [each["deliveries"][0]["status"] for each in (first, second)] == ["dead", "delivered"]
    assert second["next_cursor"] is None


def test_a_dead_delivery_can_be_sent_again_with_the_same_id(world: World, receiver: Receiver) -> None:
    made = make(world, receiver.url)
    receiver.answers = [410, 200]
    booking = book(world)
    relay_round(world)
    path = f"/webhooks/{made['webhook_id']}"
    assert call(world, "GET", path)[1]["disabled_reason"] == "gone"
    assert call(world, "PATCH", path, {"status": "active"})[1]["status"] == "active"
    (dead,) = deliveries(world, made)
    status, again = call(world, "POST", f"{path}/deliveries/{dead['delivery_id']}/redeliver")
    assert (status, again["status"]) == (202, "waiting")
    make_due(world)
    deliver(world)
    assert [each.id for each in receiver.got] == [dead["delivery_id"]] * 2
    assert receiver.got[1].body["data"]["booking"]["booking_id"] == booking.booking_id
    assert call(world, "POST", f"{path}/deliveries/msg_unknown/redeliver")[0] == 404


def test_a_webhook_is_switched_off_after_a_day_without_one_success_and_says_so(
    world: World, receiver: Receiver
) -> None:
    made = make(world, receiver.url)
    receiver.answers = [500]
    book(world)
    relay_round(world)
    path = f"/webhooks/{made['webhook_id']}"
    failing = call(world, "GET", path)[1]
    assert failing["status"] == "active"
    assert failing["failing_since"] is not None
    age(world, timedelta(hours=23))
    make_due(world)
    deliver(world)
    assert call(world, "GET", path)[1]["status"] == "active"
    age(world, timedelta(hours=2))
    make_due(world)
    deliver(world)
    off = call(world, "GET", "/webhooks")[1]["webhooks"][0]
    assert (off["status"], off["disabled_reason"]) == ("disabled", "failing")
    registry = world.services.metrics.registry
    assert registry.get_sample_value("holdfast_webhooks_disabled_total") == 1
    sent = len(receiver.got)
    book(world, 12)
    follow(world)
    make_due(world)
    deliver(world)
    assert len(receiver.got) == sent
    assert [each["state"] for each in entries(world)] == ["dead"]


def age(world: World, by: timedelta) -> None:
    """Lets so much time have passed since the first failure. Others came since."""
    move_back(world, by, ("webhooks", "failing_since"), ("outbox", "give_up"))


def move_back(world: World, by: timedelta, *times: tuple[str, str]) -> None:
    for name, field in times:
        earlier = {"$subtract": [f"${field}", round(by.total_seconds() * 1000)]}
        world.services.db[name].update_many({}, [{"$set": {field: earlier}}])


def test_one_failure_after_days_without_traffic_switches_nothing_off(world: World, receiver: Receiver) -> None:
    made = make(world, receiver.url)
    receiver.answers = [500]
    book(world)
    relay_round(world)
    failed_first = call(world, "GET", f"/webhooks/{made['webhook_id']}")[1]["failing_since"]
    for hours in (48, 2, 2):
        move_back(world, timedelta(hours=hours), ("webhooks", "failing_since"), ("webhooks", "failed_at"))
        make_due(world)
        deliver(world)
        webhook = call(world, "GET", f"/webhooks/{made['webhook_id']}")[1]
        assert webhook["status"] == "active"
    assert len(receiver.got) == 4
    since = datetime.fromisoformat(webhook["failing_since"])
    assert since < datetime.fromisoformat(failed_first) - timedelta(hours=3)
    assert since > datetime.fromisoformat(failed_first) - timedelta(hours=5)


def test_one_success_ends_the_count(world: World, receiver: Receiver) -> None:
    made = make(world, receiver.url)
    receiver.answers = [500, 200]
    book(world)
    relay_round(world)
    age(world, timedelta(hours=23))
    make_due(world)
    deliver(world)
    assert call(world, "GET", f"/webhooks/{made['webhook_id']}")[1]["failing_since"] is None


def test_a_webhook_that_is_switched_on_again_hears_from_then_on(world: World, receiver: Receiver) -> None:
    made = make(world, receiver.url)
    make(world, receiver.url, ["booking.no_show"])  # so that the relay goes on following
    path = f"/webhooks/{made['webhook_id']}"
    assert call(world, "PATCH", path, {"status": "disabled"})[1]["disabled_reason"] == "by_request"
    booking = book(world)
    follow(world)
    assert call(world, "PATCH", path, {"status": "active"})[1]["disabled_reason"] is None
    cancel(world, booking)
    follow(world)
    deliver(world)
    assert receiver.types == ["booking.cancelled"]


def test_a_removed_webhook_gets_nothing_more(world: World, receiver: Receiver) -> None:
    made = make(world, receiver.url)
    book(world)
    follow(world)
    assert call(world, "DELETE", f"/webhooks/{made['webhook_id']}")[0] == 204
    assert call(world, "DELETE", f"/webhooks/{made['webhook_id']}")[0] == 404
    deliver(world)
    assert receiver.got == []
    assert [each["state"] for each in entries(world)] == ["suppressed"]


def test_times_of_a_rotation_are_a_day(world: World, receiver: Receiver) -> None:
    made = make(world, receiver.url)
    _, rotated = call(world, "POST", f"/webhooks/{made['webhook_id']}/rotate")
    until = datetime.fromisoformat(rotated["both_until"])
    assert timedelta(hours=23) < until - datetime.now(UTC) <= timedelta(hours=24)
