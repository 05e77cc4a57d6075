"""Rule 6, asked of the server itself: what /availability offers as free can be held at that moment."""

from __future__ import annotations

import random
from typing import Any

from scripts.load.client.target import Target
from scripts.load.scenarios.stage import World

TRIED = 12
"""How many offered slots of a run are held, one after the other, and released again."""


def _free_slots(target: Target, property_id: str, technician_id: str, world: World) -> list[dict[str, Any]]:
    query = (
        f"property_id={property_id}&technician_id={technician_id}&from={world.day.date()}&days=1&duration_minutes=60"
    )
    _, reply = target.call("GET", f"/availability?{query}", role="checkout")
    free = [slot for slot in reply.get("slots", []) if slot["state"] == "free"]
    return [{"property_id": property_id, "technician_id": technician_id, "start": slot["start"]} for slot in free]


def refused(target: Target, world: World, rng: random.Random) -> list[dict[str, Any]]:
    """Holds some of the offered slots; answers those that were refused, with the refusal."""
    failures = []
    for number in range(TRIED):
        property_id, technician_id = rng.choice(world.properties), rng.choice(world.technicians)
        offers = _free_slots(target, property_id, technician_id, world)
        if not offers:
            continue
        wanted = {**rng.choice(offers), "duration_minutes": 60, "buffer_before_minutes": 0, "buffer_after_minutes": 0}
        status, reply = target.call(
            "POST", "/hold", role="checkout", body={**wanted, "holder": f"{world.run}-offer-{number:08d}"}
        )
        if status == 201:
            target.call("DELETE", f"/hold/{reply['hold_id']}", role="checkout")
        else:
            failures.append(
                {**wanted, "status": status, "code": reply.get("code"), "conflicts": reply.get("conflicts")}
            )
    return failures
