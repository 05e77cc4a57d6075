"""A person is found by the phone, however it was typed then and is typed now."""

from __future__ import annotations

from models.catalogue import PolicyPatch
from models.customers import Erased, PersonRequest
from tests.customers.test_personal_data import book, erase
from tests.waitlist.waiting import join
from tests.world import World


def test_a_phone_without_its_country_finds_the_same_person(world: World) -> None:
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(country="DK"))
    book(world, 8)
    book(world, 10, customer={"name": "Ann M.", "phone": "12-34-56-78 ext. 5"})
    join(world, customer={"name": "A. M.", "phone": "12345678"})
    assert erase(world, PersonRequest(phone="12 34 56 78")) == Erased(bookings=2, waitlist=1, customers=0)
    assert erase(world, PersonRequest(phone="0045 12345678")) == Erased(bookings=0, waitlist=0, customers=0)
