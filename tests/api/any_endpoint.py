"""Requests to any endpoint that the app declares, with ids and bodies that fit it."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from api.http.endpoint import Endpoint
from models.examples import BODIES
from services.messages.source import DUE
from services.outbox.entries import NewEntry
from services.outbox.store import OutboxStore
from tests.api.town import Town, body_of
from tests.world import rfc3339, tomorrow

CLERK = {"name": "Charlie's clerk", "email": "clerk@rival.example", "role": "desk", "password": "a good long password"}


class Rival:
    """What Charlie's org has, by the name of the path parameter that names it."""

    def __init__(self, town: Town) -> None:
        def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
            reply = town.call("POST", path, body, key="rival")
            assert reply.status_code in (200, 201), reply.text
            return body_of(reply)

        def slot(hour: int) -> dict[str, Any]:
            return {"property_id": "rival-house", "technician_id": "rival-tech", "start": rfc3339(tomorrow(hour))}

        made("/properties", {"id": "rival-house", "name": "Charlie's house"})
        made("/technicians", {"id": "rival-tech", "name": "Charlie's technician"})
        made("/services", {"id": "rival-service", "name": "Charlie's service", "duration_minutes": 60})
        wish = {"property_id": "rival-house", "from": rfc3339(tomorrow(8)), "to": rfc3339(tomorrow(18))}
        customer = {"customer": {"name": "Charlie's customer", "email": "charlies@example.com"}}
        self.ids = {
            "property_id": "rival-house",
            "technician_id": "rival-tech",
            "service_id": "rival-service",
            "booking_id": made("/book", slot(10) | customer)["booking_id"],
            "hold_id": made("/hold", slot(12))["hold_id"],
            "waitlist_id": made("/waitlist", wish | customer)["waitlist_id"],
            "customer_id": "",
            "series_id": "rival-series",
            "key_id": made("/keys", {"role": "desk"})["key_id"],
            **self._webhook(town),
            "user_id": made("/users", CLERK)["id"],
        }
        # The fakes run no transaction, which makes a series; a visit of one says so.
        town.world.services.db["bookings"].update_one(
            {"_id": self.ids["booking_id"]}, {"$set": {"series_id": "rival-series"}}
        )
        town.world.find_customers()
        self.ids["customer_id"] = body_of(town.call("GET", "/customers", key="rival"))["customers"][0]["customer_id"]
        self.ids["message_id"] = self._message(town)
        self.calendar = made("/technicians/rival-tech/calendar", {})["calendar_url"]

    @staticmethod
    def _webhook(town: Town) -> dict[str, str]:
        hook = {"url": "https://www.example.com/", "kinds": ["booking.created"]}
        made = body_of(town.call("POST", "/webhooks", hook, key="rival"))["webhook_id"]
        tested = body_of(town.call("POST", f"/webhooks/{made}/test", key="rival"))["delivery_id"]
        return {"webhook_id": made, "delivery_id": tested}

    def _message(self, town: Town) -> str:
        """One that failed."""
        now, org = town.world.services.clock(), town.world.other_org
        to: dict[str, Any] = {"channel": "email", "receiver": "email", "due": now, "body": {DUE: now.isoformat()}}
        planned = NewEntry(org=org, booking_id=self.ids["booking_id"], version=1, kind="confirmation", **to)
        OutboxStore(town.world.services.db, town.world.services.clock).insert([planned])
        ended = {"state": "dead", "open": False, "finished_at": now}
        town.world.services.db["outbox"].update_one({"_id": planned.entry_id}, {"$set": ended})
        return planned.entry_id

    def path(self, endpoint: Endpoint) -> str:
        return endpoint.path.format_map(self.ids)


def good_body(endpoint: Endpoint) -> dict[str, Any] | None:
    """A body that the endpoint takes, as far as its form goes."""
    if endpoint.body is None:
        return None
    body: dict[str, Any] = next(iter(BODIES[endpoint.body].values()))["value"]
    return body | ({"start": rfc3339(tomorrow(15))} if "start" in body else {})


def ask(town: Town, endpoint: Endpoint, path: str, key: str | None, **headers: str) -> TestResponse:
    if endpoint.if_match == "required":
        headers.setdefault("If_Match", '"1"')
    return town.call(endpoint.method, path, good_body(endpoint), key=key, **headers)


def some_path(endpoint: Endpoint) -> str:
    return endpoint.path.format_map(dict.fromkeys(endpoint.path_names, "some-id"))


def roles_of(endpoint: Endpoint) -> set[str]:
    return {str(role) for role in endpoint.roles or ()}
