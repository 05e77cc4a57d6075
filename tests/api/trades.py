"""A town in which it matters who is sent where and for what: two areas, a skill, and three services."""

from __future__ import annotations

from typing import Any

from tests.api.town import Town

BOILER: dict[str, Any] = {
    "id": "boiler",
    "name": "Boiler check",
    "duration_minutes": 90,
    "buffer_before_minutes": 15,
    "buffer_after_minutes": 30,
    "skill": "heating",
    "public": True,
}
LEAK: dict[str, Any] = {"id": "leak", "name": "Leak", "duration_minutes": 60, "public": True}
KEYS: dict[str, Any] = {"id": "keys", "name": "Handover of keys", "duration_minutes": 15}
LENGTHS = {name: BOILER[name] for name in ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes")}


def settle(town: Town) -> Town:
    """prop-1 is in the north. tech-1 goes there and heats, tech-2 goes there and does locks, tech-3 goes south."""
    for service in (BOILER, LEAK, KEYS):
        assert town.call("POST", "/services", service, key="admin").status_code == 201
    change(town, "/properties/prop-1", area="north")
    change(town, "/technicians/tech-1", areas=["north"], skills=["heating", "locks"])
    change(town, "/technicians/tech-2", areas=["north", "south"], skills=["locks"])
    change(town, "/technicians/tech-3", areas=["south"])
    return town


def change(town: Town, path: str, **fields: Any) -> None:
    """The admin changes a record of the catalogue, or the policy."""
    reply = town.call("PATCH", path, fields, key="admin")
    assert reply.status_code == 200, reply.text


def lengths_of(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in LENGTHS}
