"""The rule that the server itself is asked about: what /availability offers as free can be held at that moment."""

from __future__ import annotations

import random

from scripts.load.client.target import Document, Target
from scripts.load.scenarios.stage import World

TRIED = 12
"""How many offered slots of a run are held, one after the other, and released again."""


def refused(target: Target, world: World, rng: random.Random) -> list[Document]:
    """Holds some of the offered slots; returns those that were refused, with the refusal."""
    failures = []
    for number in range(TRIED):
        who = {"property_id": rng.choice(world.properties), "technician_id": rng.choice(world.technicians)}
        query = "&".join(f"{name}={value}" for name, value in who.items())
        path = f"/availability?{query}&from={world.day.date()}&days=1&duration_minutes=60"
        _, reply = target.call("GET", path, role="checkout")
        starts = [slot["start"] for slot in reply.get("slots", []) if slot["state"] == "free"]
        if not starts:
            continue
        wanted = {**who, "start": rng.choice(starts), "duration_minutes": 60}
        body = {**wanted, "buffer_before_minutes": 0, "buffer_after_minutes": 0}
        body["holder"] = f"{world.run}-offer-{number:08d}"
        status, reply = target.call("POST", "/hold", role="checkout", body=body)
        if status == 201:
            target.call("DELETE", f"/hold/{reply['hold_id']}", role="checkout")
        else:
            failures.append({**wanted, "status": status, **{name: reply.get(name) for name in ("code", "conflicts")}})
    return failures
