"""A small world to test in: an org with properties and technicians, its keys, and another org next door.

The cast: Alice the customer (checkout key), Bob at the desk, the bot, Ada the admin, and Charlie from another org.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import mongomock
from flask.testing import FlaskClient

from api.app import app_over
from models.access import Caller, Role
from models.booking import BookRequest
from models.catalogue import PropertyCreate, TechnicianCreate
from models.hold import HoldRequest
from services import Services, build_services
from services.claims.keys import OrgKeys
from services.claims.mirror import new_epoch
from services.customers.registry import Registry
from services.customers.store import CustomerStore
from services.ids import hold_name
from services.ledger.customer_visits import CustomerVisits
from services.settings import Settings, StoreTimeouts
from tests.claim_keys import claims_of
from tests.stock import Stock

DATABASE = "holdfast_test"
PATIENT = StoreTimeouts(
    redis_connect_seconds=10, redis_seconds=10, mongo_connect_seconds=10, mongo_seconds=10, request_seconds=10
)
"""Longer time-outs than in production, because tests share the processors. The fixture `timeouts` says who has them."""


def environment_of(timeouts: StoreTimeouts) -> dict[str, str]:
    """The variables by which a process has these time-outs."""
    return {
        str(field.validation_alias): str(getattr(timeouts, name)) for name, field in StoreTimeouts.model_fields.items()
    }


SECRET = "a secret that is only good for tests, 32+"
_TOMORROW = (datetime.now(UTC) + timedelta(hours=26)).replace(hour=0, minute=0, second=0, microsecond=0)
"""In the last two hours of a day it is the day after: all of it is still ahead after a run of two hours."""


def settings(**changed: Any) -> Settings:
    """Settings for tests, `PATIENT` ones; nothing comes from the environment that is named here."""
    return Settings(secret=SECRET, **PATIENT.model_dump() | changed)


def tomorrow(hour: int = 10, minute: int = 0) -> datetime:
    """A time tomorrow, UTC, safely ahead and on the grid: the same in the whole run, although midnight comes."""
    return _TOMORROW + timedelta(hours=hour, minutes=minute)


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def name_of(hold_id: str) -> str:
    """The name by which the stores know the hold of an id."""
    return hold_name(hold_id) or hold_id


@dataclass
class World:
    """One org of its own over some services; `warm` means that Redis is trusted from the start.

    stock: what its orgs have in MongoDB, to be copied; without it the services make it, which takes longer.
    """

    services: Services
    warm: bool = True
    org: str = field(default_factory=lambda: f"org-{secrets.token_hex(4)}")
    stock: Stock | None = None

    def __post_init__(self) -> None:
        self.other_org = f"{self.org}-rival"
        if self.stock is None:
            self._make()
        else:
            keys = self.stock.copy_to(self.services.db, self.org)
            self.rival_key = keys.pop((self.other_org, "admin"))
            self.keys = {role: key for (_, role), key in keys.items()}
        if self.warm:
            for org in (self.org, self.other_org):
                self.services.redis.set(OrgKeys(org).epoch, new_epoch())

    def _make(self) -> None:
        keys = self.services.access.api_keys
        for org in (self.org, self.other_org):
            keys.create_org(org, org)
        self.keys = {role: keys.create_key(self.org, Role(role)).key for role in ("checkout", "desk", "bot", "admin")}
        self.rival_key = keys.create_key(self.other_org, Role.ADMIN).key
        desk = self.services.catalogue_desk
        for number in (1, 2, 3):
            desk.create_property(self.org, PropertyCreate(id=f"prop-{number}", name=f"House {number}"))
            desk.create_technician(self.org, TechnicianCreate(id=f"tech-{number}", name=f"Technician {number}"))
        desk.create_property(self.other_org, PropertyCreate(id="prop-1", name="House of a rival"))
        desk.create_technician(self.other_org, TechnicianCreate(id="tech-1", name="Technician of a rival"))

    @property
    def names(self) -> OrgKeys:
        return OrgKeys(self.org)

    def caller(self, role: str = "checkout") -> Caller:
        """Who calls the services directly."""
        return self.services.access.authenticate(self.keys[role])

    def client(self) -> FlaskClient:
        """An HTTP client without a key."""
        return app_over(self.services).test_client()

    def auth(self, role: str = "checkout") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[role]}"}

    def hold_request(self, **changed: Any) -> HoldRequest:
        fields = {"property_id": "prop-1", "technician_id": "tech-1", "start": rfc3339(tomorrow())} | changed
        return HoldRequest.model_validate(fields)

    def book_request(self, **changed: Any) -> BookRequest:
        return BookRequest.model_validate({"customer": {"name": "Alice"}} | changed)

    def direct_request(self, **changed: Any) -> BookRequest:
        fields = {"property_id": "prop-1", "technician_id": "tech-1", "start": rfc3339(tomorrow())} | changed
        return self.book_request(**fields)

    def bookings(self, **query: Any) -> list[dict[str, Any]]:
        """The org's bookings as MongoDB has them."""
        return list(self.services.db["bookings"].find({"org": self.org, **query}))

    def find_customers(self) -> None:
        """What the relay does with the log, for all bookings of the database."""
        db = self.services.db
        Registry(CustomerStore(db), CustomerVisits(db)).keep(db["bookings"].distinct("_id"))

    def begin_visits(self) -> None:
        """Makes every visit of tomorrow one that has begun, for what may happen to a visit only then."""
        self.services.booking_life._store_clock = lambda: tomorrow() + timedelta(days=1)

    def marks(self) -> dict[str, str]:
        """Every claim of the org in Redis, as `<kind>:<id>:<tick>`, and its mark in words."""
        return claims_of(self.services.redis, self.names)

    def claim_keys(self) -> list[str]:
        """The name in Redis of every claim."""
        claims = (claim.rpartition(":") for claim in self.marks())
        return [self.names.claim(resource, int(tick)) for resource, _, tick in claims]

    def double_booked(self) -> list[dict[str, Any]]:
        """Every (resource, tick) that more than one active booking has, found without any index."""
        return list(
            self.services.db["bookings"].aggregate(
                [
                    {"$match": {"org": self.org, "active": True}},
                    {"$unwind": "$claims"},
                    {"$group": {"_id": "$claims", "bookings": {"$addToSet": "$_id"}, "count": {"$sum": 1}}},
                    {"$match": {"count": {"$gt": 1}}},
                ]
            )
        )


def services_over(
    redis: Any, db: Any, clock: Callable[[], datetime] | None = None, *, prepared: bool = False, **changed: Any
) -> Services:
    """Services over stores. Makes the collections, unless they are `prepared` or the database is a fake.

    Their requests have one minute to count in.

    changed: settings that differ from those of `settings`.
    """
    services = build_services(settings(**changed), redis=redis, mongo=db, clock=clock)
    minute = time.time()
    services.counts._now = lambda: minute  # what is counted by the minute is counted within one
    if not (prepared or isinstance(db, mongomock.Database)):
        services.prepare()
    return services
