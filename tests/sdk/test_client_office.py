"""What the office does with the Python client, on a whole server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from scripts.client import Customer, Refused
from scripts.dev_server.child import wait_until
from tests.sdk.conftest import PROPERTY, TECHNICIAN
from tests.sdk.test_client import client_of
from tests.system.stack.whole_server import WholeServer

Start = Callable[[], datetime]

ALICE = Customer("Alice Example", phone="+1 202 555 0100")


def in_the_office(day: datetime) -> datetime:
    """An odd hour of that day, or of the Monday after it, at which several technicians work. No other test has it."""
    return day.replace(hour=15) + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def test_an_admin_makes_and_removes_a_webhook(server: WholeServer) -> None:
    client = client_of(server, "admin")
    made = client.add_webhook("https://hooks.example.com/", ["booking.expired"])
    assert (made.secret or "").startswith("whsec_")
    assert replace(made, secret=None) in client.webhooks()
    client.remove_webhook(made.webhook_id)
    assert client.webhooks() == []


def test_the_office_finds_and_merges_customers(server: WholeServer, next_start: Start) -> None:
    client, made = client_of(server), list[str]()
    for phone in ("+1 202 555 0147", "+1 202 555 0148"):
        made.append(client.book_directly(PROPERTY, next_start(), Customer("Zoë Quirk", phone)).booking_id)
        assert wait_until(lambda phone=phone: client.find_customers(phone) != [], seconds=20)
    stays, goes = client.find_customers("1 (202) 555-0147")[0], client.find_customers("0148")[0]
    assert (stays.name, stays.visits, stays.notes) == ("Zoë Quirk", 1, None)
    assert client.merge_customers(goes.customer_id, stays.customer_id).visits == 2
    assert set(client.read_customer(stays.customer_id).booking_ids) == set(made)
    with pytest.raises(Refused) as refusal:
        client.read_customer(goes.customer_id)
    assert refusal.value.code == "not_found"
    for booking_id in made:
        client.cancel(booking_id)


def test_the_office_swaps_two_visits_and_reassigns_those_of_a_technician(
    server: WholeServer, next_start: Start
) -> None:
    client, start = client_of(server), in_the_office(next_start())
    one = client.book_directly(PROPERTY, start, ALICE, technician_id=TECHNICIAN)
    two = client.book_directly("prop-102", start, ALICE)
    swapped = client.swap(one.booking_id, two.booking_id)
    assert [each.technician_id for each in swapped] == [two.technician_id, TECHNICIAN]
    window = (start, start + timedelta(hours=1))
    plan = client.reassign(TECHNICIAN, *window, dry_run=True)
    assert (plan.moves | plan.left).keys() == {two.booking_id}
    assert client.reassign(TECHNICIAN, *window) == plan
    for each in swapped:
        client.cancel(each.booking_id)


def test_the_office_books_a_series_and_cancels_what_follows(server: WholeServer, next_start: Start) -> None:
    client, start = client_of(server), next_start()
    rule = "FREQ=WEEKLY;COUNT=3"
    assert [each.state for each in client.try_series("prop-102", start, rule)] == ["free"] * 3
    only = [start, start + timedelta(weeks=2)]
    series_id, visits = client.book_series("prop-102", start, rule, ALICE, only=only)
    assert [(each.start, each.series_id) for each in visits] == [(each, series_id) for each in only]
    looked = client.try_series("prop-102", start, rule)
    assert [each.code for each in looked] == ["slot_booked", None, "slot_booked"]
    assert looked[0].instead is not None
    with pytest.raises(Refused) as refused:
        client.book_series("prop-102", start, rule, ALICE)
    assert refused.value.code == "slot_booked"
    assert client.cancel_series(series_id, from_=only[1]) == [visits[1].booking_id]
    assert client.cancel_series(series_id) == [visits[0].booking_id]
    assert {each.status for each in client.read_series(series_id)} == {"cancelled"}


def test_an_admin_adds_changes_and_removes_a_person(server: WholeServer) -> None:
    client = client_of(server, "admin")
    made = client.add_user("edda", "Edda Example", "edda@example.com", "correct horse battery", "desk")
    assert made in client.users()
    assert client.change_user("edda", status="disabled").status == "disabled"
    client.remove_user("edda")
    assert "edda" not in {each.id for each in client.users()}
