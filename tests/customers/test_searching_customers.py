"""Searches of customers on a real mongod: what a text finds, and that an index finds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.booking import Customer
from models.customers import CustomersQuery
from services.customers.store import CustomerStore
from services.ledger.customer_visits import BY_CUSTOMER, VISITS, CustomerVisits
from services.ledger.documents import document_of
from tests.bookings.sample import sample
from tests.customers.keeping import keep, names
from tests.ledger.test_listing import stages
from tests.world import World, tomorrow

CAST = {
    "Anna María O'Brien": {"phone": "+45 (12) 34 56 78", "email": "Anna.Maria@Example.com"},
    "Björn Þórsson": {"phone": "020 7946 0958"},
    "王小明": {"email": "wang@example.org"},
}


@pytest.fixture
def world(lonely_world: World) -> World:
    put(lonely_world, CAST)
    keep(lonely_world)
    return lonely_world


def put(world: World, cast: dict[str, dict[str, Any]]) -> None:
    bookings = [
        sample(
            tomorrow(0) + timedelta(hours=number),
            booking_id=f"bk_{world.org}_{number}",
            org=world.org,
            customer=Customer(name=name, **customer).record("GB"),
            claims=(("property:prop-1", number), ("technician:tech-1", number)),
        )
        for number, (name, customer) in enumerate(cast.items(), start=len(world.bookings()))
    ]
    world.services.db["bookings"].insert_many([document_of(each) for each in bookings])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("anna", "Anna María O'Brien"),
        ("maria an", "Anna María O'Brien"),
        ("anna obrie", "Anna María O'Brien"),
        ("maría o'b", "Anna María O'Brien"),
        ("anna marix", None),
        ("obri", "Anna María O'Brien"),
        ("thorsson", "Björn Þórsson"),
        ("王", "王小明"),
        ("5678", "Anna María O'Brien"),
        ("0045 12-34-56-78", "Anna María O'Brien"),
        ("+44 20 7946 0958", "Björn Þórsson"),
        ("020 7946 0958", "Björn Þórsson"),
        ("anna.m", "Anna María O'Brien"),
        ("ANNA.MARIA@example.com", "Anna María O'Brien"),
        ("wang@", "王小明"),
        ("wang@example.org", "王小明"),
        ("wang@example.com", None),
        ("nna", None),
        ("example", None),
        ("567", None),
        (".*", None),
        ("---", None),
    ],
)
def test_a_text_finds(world: World, text: str, name: str | None) -> None:
    assert names(world, text) == ([name] if name else [])


def test_a_whole_address_finds_one_of_many_that_begin_alike(world: World) -> None:
    put(world, {f"Guest {number}": {"email": f"reservations.{number:02}@example.com"} for number in range(20)})
    keep(world)
    assert names(world, "reservations.07@example.com") == ["Guest 7"]
    query = CustomersQuery(q="reservations.07@example.com")
    plan = CustomerStore(world.services.db).documents(world.org, query).explain()
    assert plan["executionStats"]["totalDocsExamined"] == 1


def test_another_org_finds_nothing(world: World) -> None:
    rival = world.services.access.authenticate(world.rival_key)
    assert world.services.customers.page(rival, CustomersQuery(q="anna")) == ([], None)
    assert world.services.customers.page(rival, CustomersQuery()) == ([], None)


@pytest.mark.parametrize("q", [None, "guest"])
def test_pages_follow_one_another(world: World, q: str | None) -> None:
    put(world, {f"Guest {number}": {"phone": f"+45 200000{number:02}"} for number in range(9)})
    keep(world)
    seen, query = list[str](), CustomersQuery(q=q, limit=4)
    while True:
        page, cursor = world.services.customers.page(world.caller("desk"), query)
        assert len(page) <= 4
        seen += [each.name for each in page]
        if cursor is None:
            break
        query = query.model_copy(update={"cursor": cursor})
    assert sorted(seen) == names(world, q)
    assert len(seen) == (12 if q is None else 9)


@pytest.mark.parametrize("later_page", [False, True])
@pytest.mark.parametrize("q", [None, "anna", "anna maria", "12345678", "anna.maria@example.com", "5678 anna"])
def test_an_index_finds_customers_in_order(world: World, q: str | None, later_page: bool) -> None:
    """No scan of the collection, and no sort in memory."""
    cursor = world.services.customers.page(world.caller("desk"), CustomersQuery(limit=1))[1] if later_page else None
    plan = CustomerStore(world.services.db).documents(world.org, CustomersQuery(q=q, cursor=cursor)).explain()
    used = stages(plan["queryPlanner"]["winningPlan"])
    assert {each["indexName"] for each in used if each["stage"] == "IXSCAN"} == {"by_search" if q else "by_id"}
    assert {"COLLSCAN", "SORT"}.isdisjoint(each["stage"] for each in used)


@pytest.mark.parametrize("later_page", [False, True])
def test_an_index_finds_the_bookings_of_a_customer_in_order(world: World, later_page: bool) -> None:
    visits, keys = CustomerVisits(world.services.db), ["phone:4512345678", "email:anna.maria@example.com"]
    put(world, {f"Guest {number}": {"phone": "+45 12345678"} for number in range(9)})
    cursor = visits.page(world.org, keys, 4, None)[1] if later_page else None
    plan = visits.documents(world.org, keys, 4, cursor).explain()
    used = stages(plan["queryPlanner"]["winningPlan"])
    assert {each["indexName"] for each in used if each["stage"] == "IXSCAN"} == {BY_CUSTOMER}
    assert {"COLLSCAN", "SORT"}.isdisjoint(each["stage"] for each in used)
    assert plan["executionStats"]["totalDocsExamined"] <= 6


def test_visits_are_counted_in_the_index_alone(world: World) -> None:
    wanted = {"org": world.org, "customer_key": {"$in": ["phone:4512345678"]}, "status": {"$in": list(VISITS)}}
    command = {"aggregate": "bookings", "pipeline": CustomerVisits(world.services.db).counting(wanted), "cursor": {}}
    plan = world.services.db.command("explain", command | {"hint": BY_CUSTOMER}, verbosity="executionStats")
    assert '"totalDocsExamined": 0' in repr(plan).replace("'", '"')
