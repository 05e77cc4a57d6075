"""A process refuses a database of another grid, and fills its memory ahead of requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.errors import StoreUnavailable
from services import Services, build_services
from services.access.authentication import Access
from services.catalogue.reader import Catalogue
from services.ops.warm_up import Warming
from tests.catalogue.watched_db import WatchedDatabase
from tests.world import SECRET, World, settings


@pytest.fixture
def five_minute_server(world: World) -> Iterator[Services]:
    """Another server over the same stores, with another grid."""
    services = build_services(settings(grid_minutes=5), redis=world.services.redis, mongo=world.services.db)
    yield services
    services.access.close()


def test_a_server_with_another_grid_than_its_database_books_nothing(world: World, five_minute_server: Services) -> None:
    # Ticks of 5 minutes are other numbers for the same times: the unique index would see no conflict.
    with pytest.raises(StoreUnavailable):
        five_minute_server.bookings.book(world.caller("desk"), world.direct_request())
    assert world.bookings() == []
    assert world.marks() == {}


def test_a_server_with_another_grid_than_its_database_is_not_ready(five_minute_server: Services) -> None:
    assert "grid of 15 minutes" in five_minute_server.health.readiness()["grid"]


def test_what_the_warm_up_read_is_served_while_mongodb_is_down(fake_world: World) -> None:
    db = WatchedDatabase()
    db.store = fake_world.services.db
    access, catalogue = Access(db, SECRET, fake_world.services.clock), Catalogue(db)  # type: ignore[arg-type]
    Warming(access, catalogue, lambda: [fake_world.org], lambda org: "epoch").run()
    db.down = True
    caller = access.authenticate(fake_world.keys["desk"])
    assert caller == fake_world.caller("desk")
    assert catalogue.property(caller.org, "prop-2").name == "House 2"
    assert list(catalogue.technicians(caller.org)) == ["tech-1", "tech-2", "tech-3"]
    assert catalogue.policy(caller.org).hold_seconds == 300
    access.close()


def test_holds_go_on_while_mongodb_is_down_even_after_a_change_of_the_catalogue(fake_world: World) -> None:
    db = WatchedDatabase()
    db.store = fake_world.services.db
    fresh = build_services(settings(), redis=fake_world.services.redis, mongo=db)  # type: ignore[arg-type]
    fresh.warming.run()
    db.down = True
    caller = fresh.access.authenticate(fake_world.keys["desk"])
    assert fresh.holds.place(caller, fake_world.hold_request()).created
    fake_world.services.redis.set(fake_world.names.epoch, "changed and then MongoDB died")
    assert fresh.holds.place(caller, fake_world.hold_request(property_id="prop-2", technician_id="tech-2")).created
    fresh.access.close()


def test_the_warm_up_ends_without_an_error_while_mongodb_is_down(fake_world: World) -> None:
    db = WatchedDatabase()
    db.down = True
    access = Access(db, SECRET, fake_world.services.clock)  # type: ignore[arg-type]
    Warming(access, Catalogue(db), lambda: [fake_world.org], lambda org: None).run()  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        access.authenticate(fake_world.keys["desk"])
    access.close()
