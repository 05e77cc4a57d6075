"""What operators and tools ask: /healthz and /readyz. No key is needed, and no org's data is shown."""

from __future__ import annotations

from api.http.endpoint import Ask, Reply, Routes
from api.openapi.schemas import Health, Readiness
from models.errors import StoreUnavailable

routes = Routes("Operations", "The state of this server, and the description of its API.")

READY_AGAIN_SECONDS = 5


@routes.get("/healthz", "Does the process answer", roles=None, keyless="free", replies={200: Health})
def check_health(_ask: Ask[None]) -> Reply:
    """Answers as long as the process does. It asks neither Redis nor MongoDB."""
    return Reply(200, {"status": "ok"})


@routes.get(
    "/readyz",
    "Can it serve: Redis, MongoDB, indexes, eviction policy",
    roles=None,
    keyless="free",
    replies={200: Readiness},
    refusals=(StoreUnavailable,),
)
def check_readiness(ask: Ask[None]) -> Reply:
    """Asks Redis and MongoDB whether they take writes, and whether the indexes and settings are right. Not ready is
    503."""
    checks = ask.services.health.readiness()
    wrong = [f"{name}: {found}" for name, found in checks.items() if found != "ok"]
    if wrong:
        raise StoreUnavailable("Not ready. " + " ".join(wrong), retry_after_seconds=READY_AGAIN_SECONDS, checks=checks)
    return Reply(200, {"status": "ready", "checks": checks})
